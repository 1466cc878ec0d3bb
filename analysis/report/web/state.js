// What is filtered and how runs are coloured; everything that shows runs listens here.
// A filter is a set of allowed values by key: "a0", "a1", ... an axis (numbers of its values), "seed", "run".
const filters = new Map();
const listeners = [];
const onFilter = (listener) => listeners.push(listener);
const SEEDS = [...new Set(RUNS.map((run) => run.seed))].sort((a, b) => a - b);

function valueOf(run, key) {
  if (key === "seed") return run.seed;
  if (key === "run") return RUNS.indexOf(run);
  const place = Number(key.slice(1));
  return DATA.axes[place].values.indexOf(run.settings[place]);
}

const passes = (run) => [...filters].every(([key, allowed]) => allowed.has(valueOf(run, key)));
const visible = () => RUNS.filter(passes);

function changed() {
  listeners.forEach((listener) => listener());
}

function setFilter(key, values) {
  if (values.length) filters.set(key, new Set(values));
  else filters.delete(key);
  changed();
}

function toggleFilter(key, value) {
  const now = new Set(filters.get(key) || []);
  if (now.has(value)) now.delete(value);
  else now.add(value);
  setFilter(key, [...now]);
}

const runsOf = (series) => RUNS.filter((run) => run.series === series);
const sameSettings = (one, other) => one.settings.every((value, place) => value === other.settings[place]);

// Whether the axes tell a series from the others: runs may differ in more settings than there are axes, or in none.
const isTold = (series) => RUNS.every((run) => run.series === series || !sameSettings(run, runsOf(series)[0]));

// Toggles a whole series: the same value on every axis, or where the axes do not tell it, its runs.
function toggleSeries(run) {
  if (!DATA.axes.length || !isTold(run.series)) {
    const rows = runsOf(run.series).map((one) => RUNS.indexOf(one));
    const now = filters.get("run");
    setFilter("run", now?.size === rows.length && rows.every((row) => now.has(row)) ? [] : rows);
    return;
  }
  const keys = DATA.axes.map((_, place) => `a${place}`);
  const on = keys.every((key) => filters.get(key)?.size === 1 && filters.get(key).has(valueOf(run, key)));
  for (const key of keys) {
    if (on) filters.delete(key);
    else filters.set(key, new Set([valueOf(run, key)]));
  }
  changed();
}

function filterText(key, value) {
  if (key === "seed") return `seed: ${value}`;
  if (key === "run") return `run: ${RUNS[value].name}`;
  const axis = DATA.axes[Number(key.slice(1))];
  return `${axis.name}: ${axis.values[value]}`;
}

function showChips() {
  const chips = byId("chips");
  const focused = chips.contains(document.activeElement);
  chips.replaceChildren();
  for (const [key, values] of filters) {
    for (const value of values) {
      const text = filterText(key, value);
      const remove = make("button", { type: "button", "aria-label": `Remove the filter ${text}`, onclick: () => toggleFilter(key, value) }, `${shortened(text)} ✕`);
      chips.append(make("li", {}, remove));
    }
  }
  if (filters.size) {
    const all = make("button", { type: "button", class: "quiet", onclick: () => { filters.clear(); changed(); } }, "Clear all");
    chips.append(make("li", {}, all));
  }
  if (focused) (chips.querySelector("button") || byId("pickers").querySelector("select"))?.focus();
  const n = visible().length;
  byId("shown").textContent = filters.size ? `${n} of ${RUNS.length} runs` : `${RUNS.length} runs`;
}

function showPickers() {
  const pickers = byId("pickers");
  pickers.replaceChildren();
  const keys = DATA.axes.map((axis, place) => [`a${place}`, axis.name, axis.values.map((value, at) => [at, String(value)])]);
  if (SEEDS.length > 1) keys.push(["seed", "seed", SEEDS.map((seed) => [seed, String(seed)])]);
  for (const [key, name, values] of keys) {
    if (values.length < 2) continue;
    const chosen = filters.get(key);
    const options = [["", "any"], ...values.map(([value, text]) => [value, shortened(text, 40)])];
    if (chosen?.size > 1) options.unshift(["several", `${chosen.size} chosen`]);
    const now = !chosen ? "" : chosen.size === 1 ? [...chosen][0] : "several";
    const picker = select(name, options, now, (value) => {
      setFilter(key, value === "" ? [] : [Number(value)]);
      pickers.querySelector(`[data-key=${key}] select`).focus();
    });
    picker.dataset.key = key;
    pickers.append(picker);
  }
}

// Groups of runs that share a look: by an axis, by the seed, by every combination of the axes, or each run on its own.
function groupChoices() {
  const choices = DATA.axes.map((axis, place) => [`a${place}`, axis.name]).filter((_, place) => DATA.axes[place].values.length > 1);
  const several = choices.length > 1;
  if (SEEDS.length > 1) choices.push(["seed", "seed"]);
  if (several || RUNS.some((run) => !isTold(run.series))) choices.push(["series", "every combination"]);
  return choices.length ? choices : [["run", "run"]];
}

// Every combination has its own look where they are few: what shares a look hides behind the other.
const MOST_LOOKS = 8;
const look = { by: groupChoices().some(([key]) => key === "series") && new Set(RUNS.map((run) => run.series)).size <= MOST_LOOKS ? "series" : groupChoices()[0][0] };

function seriesGroups() {
  const firsts = new Map();
  RUNS.forEach((run) => { if (!firsts.has(run.series)) firsts.set(run.series, run); });
  return [...firsts].map(([series, run]) => ({
    name: isTold(series) ? run.settings.join(" · ") : run.name, has: (one) => one.series === series, toggle: () => toggleSeries(run),
  }));
}

function groups() {
  if (look.by === "series") return seriesGroups();
  if (look.by === "seed") return SEEDS.map((seed) => ({ name: `seed ${seed}`, has: (run) => run.seed === seed, toggle: () => toggleFilter("seed", seed) }));
  if (look.by === "run") return RUNS.map((run, row) => ({ name: run.name, has: (one) => one === run, toggle: () => toggleFilter("run", row) }));
  const place = Number(look.by.slice(1));
  return DATA.axes[place].values.map((value, at) => ({
    name: String(value), has: (run) => run.settings[place] === value, toggle: () => toggleFilter(look.by, at),
  }));
}

// A choice of what colours tell, for the controls of a chart; null where there is nothing to choose.
function colourChoice(again) {
  const choices = groupChoices();
  if (!MANY || choices.length < 2) return null;
  return select("Colour by", choices, look.by, (value) => {
    look.by = value;
    if (value === "seed") curveView.band = false;
    again();
  });
}

function legendButton(index, name, pressed, onclick) {
  const sample = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  const glyph = document.createElementNS("http://www.w3.org/2000/svg", "text");
  const ink = `var(--s${index % N_COLOURS})`;
  sample.setAttribute("viewBox", "0 0 34 14");
  sample.setAttribute("aria-hidden", "true");
  for (const [key, value] of [["x1", 1], ["x2", 33], ["y1", 7], ["y2", 7], ["stroke-width", 2.5], ["stroke-dasharray", STROKES[index % STROKES.length]]]) line.setAttribute(key, value);
  line.style.stroke = ink;
  glyph.textContent = GLYPHS[index % GLYPHS.length];
  for (const [key, value] of [["x", 17], ["y", 11.5], ["text-anchor", "middle"], ["font-size", 13]]) glyph.setAttribute(key, value);
  glyph.style.fill = ink;
  sample.append(line, glyph);
  return make("button", { type: "button", "aria-pressed": String(pressed), title: name, onclick }, sample, make("span", {}, shortened(name, 36)));
}

function showLegend(place) {
  const shown = visible();
  const focused = [...place.children].indexOf(document.activeElement);
  const buttons = groups().map((group, index) => legendButton(index, group.name, shown.some(group.has), group.toggle));
  place.replaceChildren(...buttons);
  if (focused >= 0) buttons[focused]?.focus();
}
