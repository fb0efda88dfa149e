// What belongs to the chosen word beside the stage: curves, checks; and the matrix of all words.

const WIDTH = 250, HEIGHT = 168, EDGE = { left: 38, right: 8, top: 24, bottom: 32 };

function drawCurves() {
  const box = $("curves"), curves = chosen()?.why?.curves ?? [], failed = Boolean(chosen()?.why?.warning);
  box.replaceChildren();
  if (!curves.length) return box.append(make("p", { class: "empty" }, "No curves were measured."));
  const all = curves.flatMap((c) => [...c.scores, ...(c.random_low ?? []), ...(c.random_high ?? [])]).filter((v) => v !== null);
  const low = Math.min(...all), high = Math.max(...all), pad = 0.04 * (high - low || 1);
  for (const curve of curves) box.append(curveChart(curve, [low - pad, high + pad], failed));
}

function curveChart(curve, [low, high], failed) {
  const x = (f) => EDGE.left + f * (WIDTH - EDGE.left - EDGE.right);
  const y = (v) => EDGE.top + ((high - v) / (high - low)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const path = (values) => values.map((v, i) => `${i ? "L" : "M"}${x(curve.fractions[i]).toFixed(1)} ${y(v ?? low).toFixed(1)}`).join("");
  const words = `${curve.direction}, fill ${curve.fill}: area ${fixed(curve.auc)}, random ${fixed(curve.random_auc)} nats`;
  const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words, class: failed ? "curve failed" : "curve" });
  const text = (px, py, content, kind) => svg.append(make("text", { x: px, y: py, class: kind }, content));
  const marks = ticks(low, high, 4), digits = digitsFor(marks);
  for (const v of marks.filter((mark) => y(mark) > EDGE.top + 8)) {
    svg.append(make("line", { x1: x(0), x2: x(1), y1: y(v), y2: y(v), class: "grid" }));
    text(EDGE.left - 5, y(v) + 3.5, fixed(v, digits), "end");
  }
  for (const f of [0, 0.5, 1]) text(x(f), HEIGHT - 19, `${100 * f}`, f === 1 ? "end" : f ? "middle" : "");
  text(x(0.5), HEIGHT - 6, curve.direction === "deletion" ? "% of segments taken away" : "% of segments put back", "middle");
  if (curve.random_low) {
    const back = [...curve.random_high].map((v, i) => `L${x(curve.fractions[i]).toFixed(1)} ${y(v).toFixed(1)}`).reverse().join("");
    svg.append(make("path", { d: `${path(curve.random_low)}${back}Z`, class: "band" }));
    svg.append(make("path", { d: path(curve.random_mean), class: "random" }));
  }
  svg.append(make("path", { d: path(curve.scores), class: "method" }));
  text(2, 12, `${curve.direction} · ${curve.fill}`, "name");
  text(EDGE.left - 5, EDGE.top + 3, "nats", "end");
  text(WIDTH - EDGE.right, 12, `area ${fixed(curve.auc, 1)}, random ${fixed(curve.random_auc, 1)}`, "end");
  svg.append(make("title", {}, words));
  return svg;
}

function drawChecks() {
  const list = $("checks"), why = chosen()?.why;
  let group = null, rows = null;
  list.replaceChildren();
  list.classList.toggle("failed", Boolean(why?.warning));
  for (const check of why?.checks ?? []) {
    if (check.group !== group) {
      group = check.group;
      rows = make("dl");
      const question = make("div");
      question.append(make("h4", {}, group), rows);
      list.append(question);
    }
    const name = make("dt", {}, check.name), value = make("dd", { class: "value number" }, check.text);
    const meter = make("dd", { class: "meter", "aria-hidden": "true" });
    const place = (v) => `${100 * clamp((v - check.low) / (check.high - check.low), 0, 1)}%`;
    if (check.value !== null) {
      const fill = make("i"), zero = Math.max(check.low, 0), ends = [Math.min(check.value, zero), Math.max(check.value, zero)];
      fill.style.left = place(ends[0]);
      fill.style.right = `calc(100% - ${place(ends[1])})`;
      meter.append(fill);
    }
    if (check.value !== null && check.chance !== null) {
      const tick = make("b");
      tick.style.left = place(check.chance);
      meter.append(tick);
    }
    const chance = check.chanceText ? `Chance: ${check.chanceText}. ` : "";
    rows.append(name, value, ...(check.value === null ? [] : [meter]), make("dd", { class: "meaning" }, `${chance}${check.meaning}`));
  }
}

const matrix = { rows: [], left: 0, height: 0, base: null, key: "" };

/** The heat of all words does not change with the choice: it is painted once for each size and theme. */
function paintMatrix(width) {
  matrix.rows = page.items.map((item, index) => ({ item, index })).filter(({ item }) => item.why);
  matrix.height = clamp(Math.floor(460 / matrix.rows.length), 4, 20);
  matrix.left = matrix.height < 10 ? 8 : width < 560 ? 64 : 100;
  matrix.base = document.createElement("canvas");
  const h = matrix.height, end = h * matrix.rows.length, c = prepare(matrix.base, width, end + 22), x = matrixX(width);
  c.textBaseline = "middle";
  matrix.rows.forEach(({ item }, row) => {
    const grid = page.grids[item.why.grid], scale = largest(item.why.relevance);
    item.why.relevance.forEach((value, i) => {
      if (Math.abs(value) < 0.02 * scale) return;
      c.fillStyle = tint(value, scale, Boolean(item.why.warning), 0.95);
      c.fillRect(x(grid.start[i]), row * h + 0.5, x(grid.end[i]) - x(grid.start[i]) - 0.4, h - 1);
    });
    outline(c, row, x, ink.soft, 0.75);
    if (h >= 10) labelRow(c, row, ink.text, "");
  });
  c.font = `10.5px ${ink.font}`;
  c.fillStyle = ink.soft;
  c.textAlign = "center";
  const marks = ticks(0, page.duration, width < 560 ? 5 : 10), digits = digitsFor(marks);
  marks.forEach((t, i) => c.fillText(fixed(t, digits) + (i === marks.length - 1 ? " s" : ""), Math.min(x(t), width - 16), end + 12));
}

const matrixX = (width) => (t) => matrix.left + (t / page.duration) * (width - matrix.left - 8);

function outline(c, row, x, colour, thickness) {
  const { start, end } = matrix.rows[row].item;
  if (start === null) return;
  c.strokeStyle = colour;
  c.lineWidth = thickness;
  c.strokeRect(x(start), row * matrix.height + 1, x(end) - x(start), matrix.height - 2);
}

function labelRow(c, row, colour, weight) {
  const label = matrix.rows[row].item.label;
  c.fillStyle = colour;
  c.font = `${weight} 11px ${ink.font}`;
  c.textAlign = "right";
  c.fillText(label.length > 16 ? `${label.slice(0, 15)}…` : label, matrix.left - 6, (row + 0.5) * matrix.height, matrix.left - 8);
}

function drawMatrix() {
  $("matrix-figure").hidden = explained.length < 2;
  if (explained.length < 2) return;
  const width = $("matrix-figure").clientWidth, key = `${width} ${ink.dark} ${devicePixelRatio}`;
  if (matrix.key !== key) paintMatrix(width);
  matrix.key = key;
  const c = prepare($("matrix"), width, matrix.height * matrix.rows.length + 22);
  c.drawImage(matrix.base, 0, 0, width, matrix.height * matrix.rows.length + 22);
  const row = matrix.rows.findIndex(({ index }) => index === state.item);
  if (row < 0) return;
  c.textBaseline = "middle";
  outline(c, row, matrixX(width), ink.accent, 2);
  if (matrix.height < 10) return;
  c.clearRect(0, row * matrix.height, matrix.left - 2, matrix.height);
  labelRow(c, row, ink.accent, "bold");
}

function matrixRow(event) {
  return matrix.rows[Math.floor((event.clientY - $("matrix").getBoundingClientRect().top) / matrix.height)];
}

function drawRamps() {
  const db = $("ramp-db").getContext("2d"), relevance = $("ramp-relevance").getContext("2d");
  const failed = Boolean(chosen()?.why?.warning), grey = state.overlay && chosen()?.cells;
  relevance.clearRect(0, 0, 120, 10);
  for (let x = 0; x < 120; x++) {
    const level = Math.round((255 * x) / 119), [r, g, b] = magmaOf(level), shade = ink.dark ? 16 + level * 0.72 : 255 - level * 0.86;
    db.fillStyle = grey ? `rgb(${shade} ${shade} ${shade})` : `rgb(${r} ${g} ${b})`;
    db.fillRect(x, 0, 1, 10);
    relevance.fillStyle = tint(x - 60, 60, failed);
    relevance.fillRect(x, 0, 1, 10);
  }
}
