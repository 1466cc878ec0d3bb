// Small tools: the page's data, elements, numbers as people read them, and the look of charts.
const DATA = JSON.parse(document.getElementById("data").textContent);
const RUNS = DATA.runs;
const MANY = RUNS.length > 1;
const DASHES = ["solid", "dash", "dot", "dashdot"];
const STROKES = ["", "7 4", "2 3", "7 3 2 3"];
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "x", "star", "pentagon"];
// Each a little smaller than the one before, so that marks of different groups on one spot all show.
const SYMBOL_SIZES = [1.3, 1.1, 1.05, 1.1, 0.95, 0.85, 1, 0.85];
const GLYPHS = ["●", "■", "◆", "▲", "✚", "✖", "★", "⬟"];
const N_COLOURS = 7;

const byId = (id) => document.getElementById(id);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const seriesColour = (index) => colour(`s${index % N_COLOURS}`);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick" || name === "onchange" || name === "oninput") element[name] = value;
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function select(label, options, value, onchange) {
  const list = make("select", { onchange: (event) => onchange(event.target.value) });
  for (const [key, text] of options) list.append(make("option", { value: key }, text));
  list.value = value;
  return make("label", {}, `${label} `, list);
}

function toggle(label, on, onchange) {
  const box = make("input", { type: "checkbox", onchange: (event) => onchange(event.target.checked) });
  box.checked = on;
  return make("label", { class: "toggle" }, box, ` ${label}`);
}

// Charts read a small markup in their texts: names must not be taken for it.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const shortened = (text, most = 60) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function digits(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2);
  return size >= 99.95 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);
}

const TIME_UNITS = [["ms", 1e-3, 0.1], ["s", 1, 120], ["min", 60, 7200], ["h", 3600, 172800], ["d", 86400, Infinity]];
const SIZE_UNITS = [["B", 1, 1e3], ["kB", 1e3, 1e6], ["MB", 1e6, 1e9], ["GB", 1e9, 1e12], ["TB", 1e12, Infinity]];
const ENERGY_UNITS = [["mJ", 1e-3, 1], ["J", 1, 1e3], ["kJ", 1e3, 1e6], ["MJ", 1e6, 1e9], ["GJ", 1e9, Infinity]];

// The unit in which amounts up to a largest one read best, as [symbol, size in SI units].
function unitFor(unit, largest) {
  const units = { s: TIME_UNITS, B: SIZE_UNITS, J: ENERGY_UNITS }[unit];
  if (!units) return ["", 1];
  if (!(largest > 0)) return [unit, 1];
  return units.find((one) => largest < one[2]);
}

// The same for all of some amounts: by the largest, or by the middle one where a scale is logarithmic.
function unitOf(unit, values, log) {
  const sorted = values.filter((one) => one > 0).sort((a, b) => a - b);
  return unitFor(unit, (log ? sorted[Math.floor(sorted.length / 2)] : sorted[sorted.length - 1]) ?? 0);
}

function amount(value, unit) {
  if (value === null || value === undefined) return "–";
  const [symbol, size] = unitFor(unit, Math.abs(value));
  return `${digits(value / size)}${symbol ? ` ${symbol}` : ""}`;
}

const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;
const known = (values) => values.filter((one) => one !== null && one !== undefined);

// A measured quantity: a metric (its mean over domains, or one domain's value) or a number of a run.
const METRICS = DATA.metrics.map((one) => ({ ...one, unit: "", isMetric: true }));
const MEASURES = DATA.measures.map((one) => ({ ...one, lower: true, isMetric: false }));
const quantity = (name) => [...METRICS, ...MEASURES].find((one) => one.name === name);

function lastValue(run, what, domain) {
  if (!what.isMetric) return run.numbers[what.name] ?? null;
  const values = run.last[what.name] || {};
  if (domain) return values[domain] ?? null;
  const all = Object.values(values);
  return all.length && !all.includes(null) ? mean(all) : null;
}

const runLines = (run) => {
  const lines = [`<b>${plain(shortened(run.name))}</b>`];
  DATA.axes.forEach((axis, place) => {
    const text = String(run.settings[place]);
    if (text !== run.name) lines.push(plain(shortened(`${axis.name}: ${text}`)));
  });
  const told = DATA.axes.some((axis) => axis.name === "strategy" || axis.name === "strategy.name");
  if (!told && run.strategy) lines.push(`strategy: ${plain(run.strategy)}`);
  lines.push(`seed: ${run.seed}`);
  return lines;
};

// Ticks of a logarithmic axis: 1, 2 and 5 of each decade, all nine of a short one, powers of ten of a long one.
function logTicks(values) {
  const positive = values.filter((one) => one > 0);
  const span = positive.length ? Math.log10(Math.max(...positive) / Math.min(...positive)) : 1;
  return { dtick: span > 4 ? 1 : span > 0.7 ? "D2" : "D1" };
}

// What tells a run from the others in a few words: of a sweep's job its settings, else its name.
function runLabel(run) {
  if (DATA.kind !== "sweep" || !DATA.axes.length) return run.name;
  const seed = RUNS.some((other) => other.seed !== run.seed) ? `, seed ${run.seed}` : "";
  return shortened(run.settings.join(" · ") + seed, 80);
}

function axisLook(title, log, more = {}) {
  return {
    title: { text: title, standoff: 10 }, type: log ? "log" : "linear", automargin: true, gridcolor: colour("grid"),
    linecolor: colour("edge"), tickcolor: colour("edge"), showline: true, zeroline: false, ticks: "outside",
    ticklen: 4, ticklabelstandoff: 3, nticks: 8, tickformat: log ? "~g" : undefined, ...more,
  };
}

function chartLook(more = {}) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest",
    font: { family: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif", size: 13, color: colour("ink") },
    margin: { l: 56, r: 18, t: 12, b: 48 }, hoverdistance: 24,
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("edge"), font: { color: colour("ink"), size: 12.5 }, align: "left" },
    ...more,
  };
}

const CHART_OPTIONS = { displayModeBar: false, responsive: true, showTips: false, doubleClick: "reset" };

function draw(id, traces, layout, onclick) {
  const place = byId(id);
  return Plotly.react(place, traces, layout, CHART_OPTIONS).then(() => {
    place.removeAllListeners("plotly_click");
    if (onclick) place.on("plotly_click", (event) => onclick(event.points[0]));
    place.dataset.drawn = "true";
  });
}
