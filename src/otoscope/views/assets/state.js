"use strict";
// What is chosen and shown; small functions. Everything the page draws comes from the JSON block above.

const page = JSON.parse(document.getElementById("otoscope-data").textContent);
const $ = (id) => document.getElementById(id);
const state = { item: -1, view: [0, page.duration], overlay: true, stopAt: null, hover: null, drag: null };

const explained = page.items.map((item, i) => (item.why ? i : -1)).filter((i) => i >= 0);
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const signed = (text) => text.replace("-", "−");
const fixed = (x, digits = 2) => (x == null ? "–" : signed(x.toFixed(digits)));
const percent = (x) => (x == null ? "–" : `${Math.round(100 * x)} %`);
const chosen = () => page.items[state.item] ?? null;
const largest = (values) => values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);

/** Round positions for about `n` ticks between low and high. */
function ticks(low, high, n) {
  const raw = (high - low) / n, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((k) => k * power >= raw) * power;
  const out = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-9; k++) out.push(k * step);
  return out;
}

const digitsFor = (marks) => (marks.length < 2 ? 0 : clamp(-Math.floor(Math.log10(marks[1] - marks[0]) + 1e-9), 0, 4));

// Colours live in the style sheet; canvases read them here after each change of theme.
let ink = {};
function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const names = ["text", "soft", "line", "panel", "accent", "accent-soft", "on-accent", "for", "against", "untrusted"];
  ink = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  ink.dark = document.documentElement.dataset.theme === "dark";
  ink.font = getComputedStyle(document.body).fontFamily;
}

/** Colour of a relevance: orange for, blue against, grey where the map failed; stronger is more opaque. */
function tint(value, scale, failed, most = 0.85) {
  const name = failed ? "untrusted" : value >= 0 ? "for" : "against";
  const strength = scale > 0 ? Math.min(1, Math.abs(value) / scale) : 0;
  return `rgb(${ink[name]} / ${(most * strength).toFixed(3)})`;
}

/** A canvas sized to its box in device pixels; returns its 2D context in CSS pixels, cleared. */
function prepare(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = `11px ${ink.font}`;
  return context;
}

function make(tag, attributes = {}, text = null) {
  const svg = ["svg", "path", "line", "text", "g"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== null) node.textContent = text;
  return node;
}
