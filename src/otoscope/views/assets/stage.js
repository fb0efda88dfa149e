// The stage: every lane on one time axis. One canvas holds the picture, one above it the playhead and what is pointed at.

const mel = (hz) => 1127 * Math.log1p(hz / 700);
const unmel = (m) => 700 * Math.expm1(m / 1127);
const stage = { width: 0, height: 0, left: 54, right: 8, lanes: {}, colour: null, grey: null, levels: null, samples: null };

const xOf = (t) => stage.left + ((t - state.view[0]) / (state.view[1] - state.view[0])) * (stage.width - stage.left - stage.right);
const tOf = (x) => state.view[0] + ((x - stage.left) / (stage.width - stage.left - stage.right)) * (state.view[1] - state.view[0]);
const yOf = (hz, lane) => {
  const s = page.spectrogram, low = mel(s.lowHz), high = mel(s.highHz);
  return lane.y + lane.h * (1 - clamp((mel(hz ?? s.highHz) - low) / (high - low), 0, 1));
};

/** Samples of the embedded 16-bit WAV, so that the waveform is exact at every zoom. */
function decodeAudio() {
  const text = atob($("audio").getAttribute("src").split(",")[1]);
  const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  for (let at = 12; at + 8 <= bytes.length; at += 8 + view.getUint32(at + 4, true)) {
    if (view.getUint32(at, false) === 0x64617461) return new Int16Array(bytes.buffer.slice(at + 8, bytes.length - (bytes.length % 2)));
  }
  return new Int16Array(0);
}

async function decodeSpectrogram() {
  const s = page.spectrogram, image = new Image();
  image.src = s.png;
  await image.decode();
  const context = new OffscreenCanvas(s.nFrames, s.nBands).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, s.nFrames, s.nBands).data;
  stage.levels = Uint8Array.from({ length: s.nFrames * s.nBands }, (_, i) => pixels[4 * i]);
}

function paint(colourOf) {
  const s = page.spectrogram, image = new ImageData(s.nFrames, s.nBands);
  const table = Array.from({ length: 256 }, (_, level) => colourOf(level));
  stage.levels.forEach((level, i) => image.data.set(table[level], 4 * i));
  const canvas = new OffscreenCanvas(s.nFrames, s.nBands);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

const magmaOf = (level) => [0, 2, 4].map((k) => parseInt(page.spectrogram.magma.substr(6 * level + k, 2), 16)).concat(255);
function colourSpectrogram() {
  stage.colour ??= paint(magmaOf);
  stage.grey = paint((level) => (ink.dark ? [16 + level * 0.72, 18 + level * 0.72, 22 + level * 0.72, 255] : [255 - level * 0.86, 254 - level * 0.86, 251 - level * 0.85, 255]));
}

function layOut() {
  stage.width = $("stage").clientWidth;
  const narrow = stage.width < 560;
  stage.left = narrow ? 44 : 54;
  const rows = [["wave", narrow ? 48 : 66], ["spectrogram", narrow ? 150 : 224]];
  if (page.tiers.length) rows.push(["words", 28]);
  if (page.tiers.length > 1) rows.push(["phones", 22]);
  rows.push(["relevance", narrow ? 88 : 116], ["axis", 27]);
  let y = 4;
  stage.lanes = {};
  for (const [name, h] of rows) {
    stage.lanes[name] = { y, h };
    y += h + (name === "words" ? 2 : name === "relevance" ? 0 : 9);
  }
  stage.height = y - 6;
}

function drawStage() {
  layOut();
  const c = prepare($("picture"), stage.width, stage.height), lanes = stage.lanes;
  const plot = (lane, draw) => {
    c.save();
    c.beginPath();
    c.rect(stage.left, lane.y, stage.width - stage.left - stage.right, lane.h);
    c.clip();
    draw(c, lane);
    c.restore();
  };
  const item = chosen();
  if (item?.start != null) {
    const end = lanes.axis.y;
    plot({ y: 0, h: end }, () => { c.fillStyle = ink["accent-soft"]; c.fillRect(xOf(item.start), 0, xOf(item.end) - xOf(item.start), end); });
  }
  plot(lanes.wave, drawWave);
  plot(lanes.spectrogram, drawSpectrogram);
  if (lanes.words) plot(lanes.words, (_, lane) => drawTier(c, lane, page.tiers[0], 13));
  if (lanes.phones) plot(lanes.phones, (_, lane) => drawTier(c, lane, page.tiers[1], 10.5));
  plot(lanes.relevance, drawRelevance);
  drawAxes(c);
  drawGlass();
}

function drawWave(c, lane) {
  const x0 = stage.left, x1 = stage.width - stage.right, item = chosen(), n = stage.samples.length;
  const rate = n / page.duration, middle = lane.y + lane.h / 2, peak = 32768 * (stage.peak || 1);
  for (let x = x0; x < x1; x++) {
    const first = clamp(Math.floor(tOf(x) * rate), 0, n), last = clamp(Math.ceil(tOf(x + 1) * rate) + 1, 0, n);
    let low = 0, high = 0;
    for (let i = first, step = Math.max(1, (last - first) >> 8); i < last; i += step) {
      low = Math.min(low, stage.samples[i]);
      high = Math.max(high, stage.samples[i]);
    }
    const inside = item?.start != null && tOf(x + 0.5) >= item.start && tOf(x + 0.5) < item.end;
    c.fillStyle = inside ? ink.accent : ink.soft;
    const top = middle - (high / peak) * lane.h * 0.5, bottom = middle - (low / peak) * lane.h * 0.5;
    c.fillRect(x, top, 1, Math.max(1, bottom - top));
  }
}

function drawSpectrogram(c, lane) {
  const s = page.spectrogram, item = chosen(), map = state.overlay ? item?.cells : null;
  if (!stage.grey) return;
  const source = map ? stage.grey : stage.colour, x0 = xOf(s.start), x1 = xOf(s.start + s.nFrames * s.hop);
  c.imageSmoothingQuality = "high";
  c.drawImage(source, x0, lane.y, x1 - x0, lane.h);
  if (map) drawCells(c, lane, map);
  if (item?.start == null) return;
  c.setLineDash([4, 3]);
  c.strokeStyle = map ? ink.text : "#fff";
  c.lineWidth = 1;
  c.strokeRect(xOf(item.start) + 0.5, lane.y - 2, xOf(item.end) - xOf(item.start) - 1, lane.h + 4);
  c.setLineDash([]);
}

function drawCells(c, lane, map) {
  const grid = page.grids[map.grid], scale = largest(map.relevance), failed = Boolean(map.warning);
  grid.start.forEach((start, i) => {
    if (Math.abs(map.relevance[i]) < 0.04 * scale) return;
    const x = xOf(start), top = yOf(grid.high?.[i], lane), bottom = yOf(grid.low?.[i] ?? 0, lane);
    c.fillStyle = tint(map.relevance[i], scale, failed, 0.8);
    c.fillRect(x, top, xOf(grid.end[i]) - x - 0.5, bottom - top - 0.5);
  });
}

/** The label if it fits with some squeezing, else its beginning, else nothing. */
function fitted(c, label, room) {
  const width = 0.72 * c.measureText(label).width;
  if (width <= room) return label;
  const letters = Array.from(label), n = Math.floor((letters.length * room) / width) - 1;
  return n >= 3 ? `${letters.slice(0, n).join("")}…` : "";
}

function drawTier(c, lane, tier, size) {
  const item = chosen();
  c.font = `${size}px ${ink.font}`;
  c.textAlign = "center";
  c.textBaseline = "middle";
  for (const part of tier.intervals) {
    const x0 = xOf(part.start_s), x1 = xOf(part.end_s), mid = (part.start_s + part.end_s) / 2;
    if (x1 < stage.left || x0 > stage.width) continue;
    const inside = item?.start != null && mid >= item.start && mid < item.end, strong = inside && tier === page.tiers[0];
    c.fillStyle = strong ? ink.accent : inside ? ink["accent-soft"] : ink.panel;
    c.fillRect(x0, lane.y, Math.max(1, x1 - x0 - 1), lane.h);
    c.strokeStyle = ink.line;
    c.strokeRect(x0 + 0.5, lane.y + 0.5, Math.max(1, x1 - x0 - 2), lane.h - 1);
    const left = Math.max(x0, stage.left), right = Math.min(x1, stage.width - stage.right);
    const room = right - left - 3, label = fitted(c, part.label, room);
    c.fillStyle = strong ? ink["on-accent"] : ink.text;
    if (label) c.fillText(label, (left + right) / 2, lane.y + lane.h / 2 + 0.5, room);
  }
}

/** Relevance as bars about zero; the dotted line is the same positive relevance spread evenly over time. */
function drawRelevance(c, lane) {
  const why = chosen()?.why;
  if (!why) {
    c.fillStyle = ink.soft;
    c.textAlign = "center";
    return c.fillText(state.item < 0 ? "nothing to explain" : "this word was not explained", stage.width / 2, lane.y + lane.h / 2);
  }
  const grid = page.grids[why.grid], y = relevanceAxis(why, lane), scale = largest(why.relevance);
  const length = grid.end.reduce((sum, end, i) => sum + end - grid.start[i], 0);
  const positive = why.relevance.reduce((sum, v) => sum + Math.max(0, v), 0);
  why.relevance.forEach((value, i) => {
    const x = xOf(grid.start[i]), w = xOf(grid.end[i]) - x;
    c.fillStyle = tint(Math.sign(value) || 1, 1, Boolean(why.warning), 0.35 + 0.55 * (scale ? Math.abs(value) / scale : 0));
    c.fillRect(x, Math.min(y(value), y(0)), Math.max(1, w - 0.75), Math.max(0.75, Math.abs(y(value) - y(0))));
  });
  if (why.error) drawErrors(c, grid, why, y);
  c.strokeStyle = ink.text;
  c.setLineDash([1.5, 3]);
  c.beginPath();
  grid.start.forEach((start, i) => {
    const level = y(length > 0 ? (positive * (grid.end[i] - start)) / length : 0);
    c.moveTo(xOf(start), level);
    c.lineTo(xOf(grid.end[i]), level);
  });
  c.stroke();
  c.setLineDash([]);
  c.strokeStyle = ink.soft;
  c.strokeRect(stage.left - 2, y(0), stage.width, 0.01);
  if (why.stretch && !why.warning) bracket(c, lane, ...why.stretch);
}

/** One standard error up and down from each bar's end. */
function drawErrors(c, grid, why, y) {
  c.fillStyle = ink.soft;
  why.error.forEach((error, i) => {
    const x = (xOf(grid.start[i]) + xOf(grid.end[i])) / 2, top = y(why.relevance[i] + error);
    c.fillRect(x - 0.5, top, 1, y(why.relevance[i] - error) - top);
  });
}

function bracket(c, lane, start, end) {
  c.strokeStyle = ink.text;
  c.lineWidth = 1.5;
  c.beginPath();
  c.moveTo(xOf(start) + 0.75, lane.y + 7);
  c.lineTo(xOf(start) + 0.75, lane.y + 2);
  c.lineTo(xOf(end) - 1.5, lane.y + 2);
  c.lineTo(xOf(end) - 1.5, lane.y + 7);
  c.stroke();
  c.lineWidth = 1;
}

/** Least and most that the relevance lane must hold, errors included. */
function reachOf(why) {
  const ends = (sign) => why.relevance.map((v, i) => v + sign * (why.error?.[i] ?? 0));
  return [Math.min(0, ...ends(-1)), Math.max(1e-9, ...ends(1))];
}

function relevanceAxis(why, lane) {
  const [low, high] = reachOf(why);
  return (v) => lane.y + 10 + ((high - v) / (high - low || 1)) * (lane.h - 16);
}

function drawAxes(c) {
  const { wave, spectrogram, words, phones, relevance, axis } = stage.lanes, x = stage.left - 6;
  c.font = `10.5px ${ink.font}`;
  c.fillStyle = ink.soft;
  c.textAlign = "right";
  c.textBaseline = "middle";
  c.fillText("wave", x, wave.y + wave.h / 2);
  const bands = [250, 500, 1000, 2000, 4000, 8000, 16000].filter((hz) => hz < page.nyquist * 0.97 && hz > 200);
  for (const hz of bands) c.fillText(hz < 1000 ? hz : `${hz / 1000}k`, x, yOf(hz, spectrogram));
  c.fillText("Hz", x, spectrogram.y + 5);
  if (words) c.fillText("words", x, words.y + words.h / 2);
  if (phones) c.fillText("phones", x, phones.y + phones.h / 2);
  const why = chosen()?.why;
  if (why) {
    const y = relevanceAxis(why, relevance), [low, high] = reachOf(why);
    const marks = ticks(low, high, 3), digits = digitsFor(marks);
    for (const v of marks) if (y(v) > relevance.y + 18) c.fillText(fixed(v, digits), x, y(v));
    c.fillText("nats", x, relevance.y + 6);
  }
  drawPosition(c, axis.y + 22);
  const room = stage.width < 560 ? 5 : 10, marks = ticks(...state.view, room), digits = digitsFor(marks);
  c.textAlign = "center";
  marks.forEach((t, i) => {
    c.fillRect(xOf(t), axis.y, 1, 4);
    const label = fixed(t, digits) + (i === marks.length - 1 ? " s" : "");
    c.fillText(label, Math.min(xOf(t), stage.width - c.measureText(label).width / 2), axis.y + 12);
  });
}

/** A thin bar that says which part of the recording is in view; nothing when all of it is. */
function drawPosition(c, y) {
  const [from, to] = state.view, width = stage.width - stage.left - stage.right;
  if (to - from >= page.duration * 0.999) return;
  c.fillStyle = ink.line;
  c.fillRect(stage.left, y, width, 3);
  c.fillStyle = ink.soft;
  c.fillRect(stage.left + (from / page.duration) * width, y, Math.max(4, ((to - from) / page.duration) * width), 3);
}

/** Playhead, pointer line and the stretch being dragged. */
function drawGlass() {
  const c = prepare($("glass"), stage.width, stage.height), bottom = stage.lanes.axis.y;
  const line = (t, colour, width) => {
    if (t < state.view[0] - 1e-6 || t > state.view[1] + 1e-6) return;
    c.fillStyle = colour;
    c.fillRect(xOf(t) - width / 2, 0, width, bottom);
  };
  if (state.drag) {
    c.fillStyle = `rgb(${ink.untrusted} / 0.3)`;
    c.fillRect(xOf(state.drag[0]), 0, xOf(state.drag[1]) - xOf(state.drag[0]), bottom);
  }
  if (state.hover !== null) line(state.hover.t, `rgb(${ink.untrusted} / 0.8)`, 1);
  const now = $("audio").currentTime;
  line(now, ink.panel, 4);
  line(now, ink.accent, 2);
  if (now >= state.view[0] && now <= state.view[1]) {
    c.beginPath();
    c.moveTo(xOf(now) - 5, 0);
    c.lineTo(xOf(now) + 5, 0);
    c.lineTo(xOf(now), 7);
    c.fill();
  }
}
