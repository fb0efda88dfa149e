// Choosing, playing, zooming, pointing: what a reader does, by mouse, touch or keyboard.

const audio = $("audio"), stageBox = $("stage");
const options = [...document.querySelectorAll("#words [role=option]")];
const rows = [...document.querySelectorAll("[data-row]")];

function drawAll() {
  if (!stageBox.clientWidth) return; // not laid out yet, or hidden: the observer below calls again
  drawStage();
  drawCurves();
  drawChecks();
  drawMatrix();
  drawRamps();
}

/** Choose an item: everything on the page changes to it. */
function choose(index, { focus = false, seek = true } = {}) {
  if (!page.items.length) return;
  state.item = clamp(index, 0, page.items.length - 1);
  const item = chosen();
  options.forEach((option, i) => {
    option.setAttribute("aria-selected", String(i === state.item));
    option.tabIndex = i === state.item ? 0 : -1;
  });
  rows.forEach((row, i) => row.toggleAttribute("data-chosen", explained[i] === state.item));
  if (focus) options[state.item]?.focus({ preventScroll: false });
  if (seek && item.start !== null && audio.paused) audio.currentTime = item.start;
  if (item.start !== null && (item.end <= state.view[0] || item.start >= state.view[1])) centre((item.start + item.end) / 2);
  $("chosen-label").textContent = item.label;
  $("reading").textContent = item.why ? item.why.reading : `“${item.label}” was heard; it was not among the words to explain.`;
  $("reading").classList.toggle("doubted", Boolean(item.why?.warning));
  $("numbers").textContent = numbersOf(item);
  warn($("warning"), item.why?.warning, "the relevance over time");
  warn($("map-warning"), item.cells?.warning, "the map on the spectrogram");
  drawAll();
}

function warn(box, reason, what) {
  box.hidden = !reason;
  box.textContent = reason ? `Do not read ${what}: ${reason}. It is drawn in grey.` : "";
}

function numbersOf(item) {
  const parts = [];
  if (item.start !== null) parts.push(`${fixed(item.start)}–${fixed(item.end)} s`);
  if (item.confidence !== null) parts.push(`this word: ${percent(item.confidence)} sure`);
  if (item.timeConfidence !== null) parts.push(`at this place: ${percent(item.timeConfidence)} sure`);
  if (item.why) parts.push(`score ${fixed(item.why.score)} nats`, item.why.method);
  return parts.join(" · ");
}

// Playing ------------------------------------------------------------------------------------------------------------

function play(from, until = null) {
  if (from !== null) audio.currentTime = from;
  state.stopAt = until;
  audio.play().catch((reason) => { $("readout").textContent = `The browser could not play the sound: ${reason.message}`; });
}

const toggle = () => (audio.paused ? play(audio.ended ? 0 : null) : audio.pause());
const playWord = () => chosen()?.start != null && play(chosen().start, chosen().end);

function tick() {
  if (state.stopAt !== null && audio.currentTime >= state.stopAt) audio.pause();
  showTime();
  if (!audio.paused) requestAnimationFrame(tick);
}

function showTime() {
  const t = audio.currentTime, [from, to] = state.view;
  $("clock").textContent = `${fixed(t)} s`;
  if (!audio.paused && state.stopAt === null && (t > to || t < from)) show(t, t + to - from);
  drawGlass();
}

audio.addEventListener("play", () => { $("play").textContent = "❚❚ Pause"; requestAnimationFrame(tick); });
audio.addEventListener("pause", () => { $("play").textContent = "▶ Play"; state.stopAt = null; showTime(); });
audio.addEventListener("seeked", showTime);

// Zooming ------------------------------------------------------------------------------------------------------------

function show(from, to) {
  const length = clamp(to - from, Math.min(0.05, page.duration), page.duration);
  const start = clamp(from, 0, page.duration - length);
  state.view = [start, start + length];
  if (stageBox.clientWidth) drawStage();
}

const centre = (t) => show(t - (state.view[1] - state.view[0]) / 2, t + (state.view[1] - state.view[0]) / 2);
function zoom(factor, at = null) {
  const [from, to] = state.view, item = chosen();
  const inView = item?.start != null && item.end > from && item.start < to;
  const middle = at ?? (inView ? (item.start + item.end) / 2 : (from + to) / 2), length = (to - from) * factor;
  const share = at === null ? 0.5 : (at - from) / (to - from);
  show(middle - share * length, middle + (1 - share) * length);
}

function zoomToWord() {
  const item = chosen();
  if (item?.start != null) show(item.start - 0.6 * (item.end - item.start), item.end + 0.6 * (item.end - item.start));
}

// Pointing -----------------------------------------------------------------------------------------------------------

function point(event) {
  const box = stageBox.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  return { t: clamp(tOf(x), ...state.view), y };
}

const withError = (map, i) => fixed(map.relevance[i], 3) + (map.error ? ` ± ${fixed(map.error[i], 3)}` : "");

function describe({ t, y }) {
  const parts = [`${fixed(t)} s`], lane = stage.lanes.spectrogram, s = page.spectrogram, why = chosen()?.why;
  if (stage.levels && y >= lane.y && y < lane.y + lane.h) {
    const share = 1 - (y - lane.y) / lane.h, hz = unmel(mel(s.lowHz) + share * (mel(s.highHz) - mel(s.lowHz)));
    const column = clamp(Math.floor((t - s.start) / s.hop), 0, s.nFrames - 1), row = clamp(Math.floor((1 - share) * s.nBands), 0, s.nBands - 1);
    parts.push(`${Math.round(hz)} Hz`, `${fixed(s.lowDb * (1 - stage.levels[row * s.nFrames + column] / 255), 0)} dB`);
    const map = chosen()?.cells, grid = map && page.grids[map.grid];
    const cell = grid ? grid.start.findIndex((start, i) => start <= t && t < grid.end[i] && (grid.low?.[i] ?? 0) <= hz && hz < (grid.high?.[i] ?? Infinity)) : -1;
    if (cell >= 0) parts.push(`cell ${withError(map, cell)} nats`);
  }
  for (const tier of page.tiers) {
    const part = tier.intervals.find((i) => i.start_s <= t && t < i.end_s);
    if (part) parts.push(`${tier.name.replace(/s$/, "")} ${part.label} (${part.origin}${part.confidence == null ? "" : `, ${percent(part.confidence)} sure`})`);
  }
  if (why) {
    const grid = page.grids[why.grid], i = grid.start.findIndex((start, k) => start <= t && t < grid.end[k]);
    if (i >= 0) parts.push(`relevance ${withError(why, i)} nats`);
  }
  return parts.join(" · ");
}

let pressed = null;
stageBox.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  pressed = point(event).t;
  stageBox.setPointerCapture(event.pointerId);
});
stageBox.addEventListener("pointermove", (event) => {
  state.hover = point(event);
  const far = pressed !== null && Math.abs(xOf(state.hover.t) - xOf(pressed)) > 6;
  state.drag = far ? [pressed, state.hover.t].sort((a, b) => a - b) : null;
  $("readout").textContent = describe(state.hover);
  drawGlass();
});
stageBox.addEventListener("pointerup", (event) => {
  if (pressed === null) return;
  const { t } = point(event), stretch = state.drag;
  pressed = state.drag = null;
  if (stretch) return show(...stretch);
  audio.currentTime = t;
  const hit = page.items.findIndex((item) => item.isWord && item.start !== null && item.start <= t && t < item.end);
  if (hit >= 0) choose(hit, { seek: false });
  showTime();
});
stageBox.addEventListener("pointercancel", () => { pressed = state.drag = null; });
stageBox.addEventListener("pointerleave", () => { state.hover = null; drawGlass(); });
stageBox.addEventListener("dblclick", () => show(0, page.duration));
stageBox.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.shiftKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
  event.preventDefault();
  const shift = ((event.deltaX || event.deltaY) / stage.width) * (state.view[1] - state.view[0]);
  if (event.ctrlKey) zoom(Math.exp(event.deltaY / 300), point(event).t);
  else show(state.view[0] + shift, state.view[1] + shift);
}, { passive: false });

$("words")?.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option) choose(Number(option.dataset.item), { focus: true });
});
rows.forEach((row, i) => row.addEventListener("click", () => choose(explained[i])));
$("matrix").addEventListener("click", (event) => { const row = matrixRow(event); if (row) choose(row.index); });
$("matrix").addEventListener("pointermove", (event) => {
  const row = matrixRow(event);
  $("matrix-readout").textContent = row ? row.item.why.reading : "";
});

// Keys, theme, help, print -------------------------------------------------------------------------------------------

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  readPalette();
  if (stage.levels) colourSpectrogram();
  drawAll();
}

function toggleOverlay() {
  state.overlay = !state.overlay;
  $("overlay").setAttribute("aria-pressed", String(state.overlay));
  drawStage();
  drawRamps();
}

const swapTheme = () => setTheme(ink.dark ? "light" : "dark");
const pan = (share) => show(state.view[0] + share * (state.view[1] - state.view[0]), state.view[1] + share * (state.view[1] - state.view[0]));
const step = (by) => choose(state.item + by, { focus: document.activeElement?.role === "option" });
const keys = {
  ArrowLeft: (event) => (event.shiftKey ? pan(-0.25) : step(-1)),
  ArrowRight: (event) => (event.shiftKey ? pan(0.25) : step(1)),
  Home: () => choose(0, { focus: true }),
  End: () => choose(page.items.length - 1, { focus: true }),
  " ": toggle, Enter: playWord, "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: () => show(0, page.duration),
  z: zoomToWord, m: toggleOverlay, t: swapTheme, "?": () => $("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const own = event.target.closest("button, summary, a, .scroll");
  if (own && [" ", "Enter", "Home", "End"].includes(event.key)) return;
  if (["Home", "End"].includes(event.key) && event.target.role !== "option") return;
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act(event);
});

const clicks = {
  play: toggle, "play-word": playWord, previous: () => step(-1), next: () => step(1), overlay: toggleOverlay, theme: swapTheme,
  "zoom-word": zoomToWord, "zoom-in": () => zoom(0.5), "zoom-out": () => zoom(2), "zoom-all": () => show(0, page.duration),
  "help-open": () => $("help").showModal(),
};
for (const [id, act] of Object.entries(clicks)) $(id).addEventListener("click", act);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light"));
let themeBeforePrint = null;
addEventListener("beforeprint", () => { themeBeforePrint = document.documentElement.dataset.theme; setTheme("light"); });
addEventListener("afterprint", () => setTheme(themeBeforePrint));
new ResizeObserver(drawAll).observe(stageBox);

options.forEach((option, i) => {
  const sure = page.items[i].confidence;
  if (sure !== null) option.style.setProperty("--sure", clamp(sure, 0.06, 1));
  option.classList.toggle("rated", sure !== null);
});
$("confidence-legend")?.toggleAttribute("data-unrated", !page.items.some((item) => item.confidence !== null));
$("overlay").hidden = !page.items.some((item) => item.cells);

async function start() {
  while (!stageBox.clientWidth) await new Promise(requestAnimationFrame);
  readPalette();
  stage.samples = decodeAudio();
  stage.peak = Math.max(0.02, stage.samples.reduce((m, v) => Math.max(m, Math.abs(v)), 0) / 32768) * 1.04;
  const passed = explained.find((i) => !page.items[i].why.warning);
  choose(passed ?? explained[0] ?? 0);
  drawAll();
  await decodeSpectrogram();
  colourSpectrogram();
  const readable = (stage.width - stage.left) / 110; // seconds that fit with room for the words
  if (page.duration > 1.2 * readable) show((chosen()?.start ?? 0) - 0.3, (chosen()?.start ?? 0) - 0.3 + readable);
  drawAll();
  document.documentElement.dataset.ready = "yes";
}

start();
