"use strict";
// Playing a word from its place, stepping through the places that differ, finding a word.

const page = JSON.parse(document.getElementById("otoscope-data").textContent);
const $ = (id) => document.getElementById(id);
const audio = $("audio");
const utterances = [...document.querySelectorAll(".utterance")];
const state = { id: null, stopAt: null, button: null };

function mark(button) {
  state.button?.removeAttribute("data-playing");
  button?.setAttribute("data-playing", "");
  state.button = button;
}

/** Play a stretch of an utterance, the whole of it without `to`. */
async function play(id, from, to, button) {
  if (!page.sounds[id]) return;
  audio.pause();
  if (state.id !== id) {
    audio.src = page.sounds[id];
    state.id = id;
    await new Promise((done) => audio.addEventListener("loadedmetadata", done, { once: true }));
  }
  audio.currentTime = Math.max(0, from);
  state.stopAt = to;
  mark(button);
  try { await audio.play(); } catch (reason) { if (reason.name !== "AbortError") $("found").textContent = `The browser could not play the sound: ${reason.message}`; }
}

function tick() {
  if (state.stopAt !== null && audio.currentTime >= state.stopAt) audio.pause();
  if (!audio.paused) requestAnimationFrame(tick);
}

audio.addEventListener("play", () => requestAnimationFrame(tick));
audio.addEventListener("pause", () => mark(null));

for (const article of utterances) {
  const id = article.dataset.id, whole = article.querySelector(".hear");
  if (!page.sounds[id]) { whole.disabled = true; whole.title = "The sound is not on this page"; }
  whole.addEventListener("click", () => (state.id === id && !audio.paused && state.stopAt === null ? audio.pause() : play(id, 0, null, null)));
  for (const button of article.querySelectorAll(".place")) {
    button.addEventListener("click", () => play(id, Number(button.dataset.start) - page.margin, Number(button.dataset.end) + page.margin, button));
  }
}

function places() {
  return [...document.querySelectorAll(".utterance:not([hidden]) .place[data-differs]")];
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.id === "find") return;
  if (event.key === "t") return $("theme").click();
  if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
  const all = places(), at = all.indexOf(document.activeElement), step = event.key === "ArrowRight" ? 1 : -1;
  const next = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + step))];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
});

$("theme").addEventListener("click", () => {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
});

$("find")?.addEventListener("input", () => {
  const wanted = $("find").value.trim().toLowerCase();
  let n = 0;
  for (const article of utterances) {
    const words = [...article.querySelectorAll(".words bdi")].map((word) => word.textContent.toLowerCase());
    article.hidden = wanted !== "" && !words.some((word) => word.startsWith(wanted)) && !article.dataset.id.toLowerCase().includes(wanted);
    n += !article.hidden;
  }
  $("found").textContent = wanted ? `${n} of ${utterances.length} utterances` : "";
});

document.documentElement.dataset.ready = "yes";
