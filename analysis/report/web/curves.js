// Quality along the way: a curve for each run, or for each series with the range of its seeds.
const severalSeeds = RUNS.some((run) => RUNS.some((other) => other !== run && other.series === run.series));
const curveView = {
  metric: METRICS[0]?.name, domain: "", x: "time", logX: false, logY: METRICS[0]?.name === "fid", band: severalSeeds && look.by !== "seed", floor: !MANY,
};
const MANY_CURVES = 15;
const CURVE_X = { time: ["Simulated time", "s"], round: ["Rounds completed", "number"], bytes: ["Sent over the network", "B"] };

function spanOfTimes() {
  const ends = Object.values(DATA.curves).map((one) => Math.max(...known(one.time), 0)).filter((end) => end > 0);
  return ends.length ? Math.max(...ends) / Math.min(...ends) : 1;
}
curveView.logX = spanOfTimes() > 30;

function valuesOf(course, metric, domain) {
  const own = course.values[metric];
  if (!own) return null;
  if (domain) return own[domain] || null;
  const all = Object.values(own);
  return course.round.map((_, at) => (all.some((one) => one[at] === null) ? null : mean(all.map((one) => one[at]))));
}

// Points {x, y, round, time} of a run that the axes can show.
function pointsOf(row, metric, domain) {
  const course = DATA.curves[row];
  const values = course && valuesOf(course, metric, domain);
  if (!values) return [];
  const at = { time: course.time, bytes: course.bytes, round: course.round.map((round) => round + 1) }[curveView.x];
  return values
    .map((y, place) => ({ x: at[place], y, round: course.round[place], time: course.time[place] }))
    .filter((one) => one.y !== null && one.x !== null && !(curveView.logY && one.y <= 0) && !(curveView.logX && one.x <= 0));
}

// Colours that tell seeds cannot tell a mean of them: where nothing else can be told, it has the colour of text.
const NEUTRAL = -1;
const isNeutral = () => curveView.band && look.by === "seed";

// Whole rounds have no halves between them.
const wholeTicks = (lines) => (curveView.x === "round" && Math.max(...lines.flatMap((one) => one.x), 0) <= 8 ? { dtick: 1 } : {});

const when = (round) => (round < 0 ? "before training" : `after round ${round}`);

// Of few curves every evaluation has its mark, of many only the last one.
function curveTrace(points, group, unit, texts, refs, many) {
  const index = Math.max(group, 0);
  const ink = group === NEUTRAL ? colour("ink") : seriesColour(index);
  const size = (points.length > 40 ? 4 : 7) * SYMBOL_SIZES[index % SYMBOLS.length];
  return {
    type: "scatter", mode: "lines+markers", x: points.map((one) => one.x / unit[1]), y: points.map((one) => one.y),
    text: texts, hoverinfo: "text", customdata: refs,
    opacity: many ? 0.8 : 1, line: { color: ink, width: many ? 1.3 : 2, dash: DASHES[index % DASHES.length] },
    marker: { color: ink, symbol: SYMBOLS[index % SYMBOLS.length], size: many ? points.map((_, at) => (at === points.length - 1 ? size : 0)) : size },
  };
}

function eachRun(shown, unit, title) {
  const all = groups();
  const many = shown.length > MANY_CURVES;
  return shown.flatMap((run) => {
    const row = RUNS.indexOf(run);
    const points = pointsOf(row, curveView.metric, curveView.domain);
    if (!points.length) return [];
    const head = runLines(run).join("<br>");
    const texts = points.map((one) => `${head}<br>${when(one.round)}, ${amount(one.time, "s")}<br>${plain(title)} <b>${digits(one.y)}</b>`);
    return [curveTrace(points, all.findIndex((group) => group.has(run)), unit, texts, points.map(() => row), many)];
  });
}

// The runs of each series that have points.
function seriesWithPoints(shown) {
  const series = new Map();
  shown.filter((run) => pointsOf(RUNS.indexOf(run), curveView.metric, curveView.domain).length)
    .forEach((run) => series.set(run.series, [...(series.get(run.series) || []), run]));
  return [...series.values()];
}

// The mean over runs, of the rounds that all of them have: a mean of now these, now those would jump, in time too.
function meanPoints(runs) {
  const rounds = new Map();
  for (const run of runs) {
    for (const one of pointsOf(RUNS.indexOf(run), curveView.metric, curveView.domain)) {
      rounds.set(one.round, [...(rounds.get(one.round) || []), one]);
    }
  }
  const common = [...rounds].filter(([, own]) => own.length === runs.length).sort((a, b) => a[0] - b[0]);
  const points = common.map(([round, own]) => ({
    round, x: mean(own.map((one) => one.x)), y: mean(own.map((one) => one.y)), time: mean(own.map((one) => one.time)),
    low: Math.min(...own.map((one) => one.y)), high: Math.max(...own.map((one) => one.y)), n: own.length,
  }));
  return { points, left: rounds.size - common.length };
}

function meanTexts(runs, points, title) {
  const head = runLines(runs[0]);
  const name = DATA.axes.length && isTold(runs[0].series) ? head.slice(1, -1) : head.slice(0, -1);
  const told = (runs.length === 1 ? head : [...name, `${runs.length} seeds: ${runs.map((run) => run.seed).join(", ")}`]).join("<br>");
  return points.map((one) => `${told}<br>${when(one.round)}, ${amount(one.time, "s")}<br>${plain(title)} <b>${digits(one.y)}</b>`
    + (one.n > 1 ? ` (mean of n = ${one.n}, ${digits(one.low)} to ${digits(one.high)})` : ""));
}

function bands(shown, unit, title) {
  const all = groups();
  const series = seriesWithPoints(shown);
  const many = series.length > MANY_CURVES;
  const traces = series.flatMap((runs) => {
    const { points } = meanPoints(runs);
    const texts = meanTexts(runs, points, title);
    const index = isNeutral() ? NEUTRAL : all.findIndex((group) => group.has(runs[0]));
    const line = curveTrace(points, index, unit, texts, points.map(() => RUNS.indexOf(runs[0])), many);
    const xs = line.x;
    const area = {
      type: "scatter", mode: "lines", x: [...xs, ...[...xs].reverse()], hoverinfo: "skip", fill: "toself", opacity: many ? 0.08 : 0.14,
      y: [...points.map((one) => one.high), ...points.map((one) => one.low).reverse()], fillcolor: line.line.color, line: { width: 0 },
    };
    return points.some((one) => one.n > 1) ? [area, line] : [line];
  });
  // No range lies over another's curve.
  return [...traces.filter((one) => one.fill), ...traces.filter((one) => !one.fill)];
}

function eachDomain(unit, title) {
  const chosen = DATA.domains.filter((domain) => !curveView.domain || domain === curveView.domain);
  return chosen.flatMap((domain) => {
    const index = DATA.domains.indexOf(domain);
    const points = pointsOf(0, curveView.metric, domain);
    const head = [...runLines(RUNS[0]), `domain: ${plain(domain)}`].join("<br>");
    const texts = points.map((one) => `${head}<br>${when(one.round)}, ${amount(one.time, "s")}<br>${plain(title)} <b>${digits(one.y)}</b>`);
    return points.length ? [curveTrace(points, index, unit, texts, points.map(() => 0))] : [];
  });
}

// The floors of what is shown, as [domain, value].
function floorsShown() {
  const floors = DATA.floors[curveView.metric];
  if (!floors || !curveView.floor) return [];
  if (!MANY && !curveView.domain) return Object.entries(floors);
  const value = curveView.domain ? floors[curveView.domain] : mean(Object.values(floors));
  return value === undefined ? [] : [[curveView.domain, value]];
}

function floorTraces(traces) {
  const xs = traces.flatMap((one) => one.x);
  const own = floorsShown().filter(([, value]) => value > 0);
  if (!own.length || !xs.length) return [];
  const ends = [Math.min(...xs), Math.max(...xs)];
  const highest = Math.max(...own.map(([, value]) => value));
  return own.map(([domain, value]) => ({
    type: "scatter", mode: "lines+text", x: ends, y: [value, value], hoverinfo: "skip",
    text: ["", value === highest ? `floor${own.length > 1 ? "s" : ""}: real images` : ""], textposition: "top left",
    textfont: { color: colour("quiet"), size: 11.5 },
    line: { color: own.length > 1 ? seriesColour(DATA.domains.indexOf(domain)) : colour("quiet"), width: 1.2, dash: "dash" },
  }));
}

function curveUnit() {
  const [, unit] = CURVE_X[curveView.x];
  const key = curveView.x === "bytes" ? "bytes" : "time";
  if (unit === "number") return [unit, 1];
  return unitOf(unit, Object.values(DATA.curves).flatMap((one) => known(one[key])), curveView.logX);
}

function drawCurves() {
  if (!byId("curves")) return null;
  const metric = quantity(curveView.metric);
  const unit = curveUnit();
  const shown = visible();
  const lines = !MANY ? eachDomain(unit, metric.title) : curveView.band ? bands(shown, unit, metric.title) : eachRun(shown, unit, metric.title);
  const floors = floorTraces(lines);
  const of = curveView.domain || (DATA.domains.length > 1 && MANY ? "mean over domains" : DATA.domains.length === 1 ? DATA.domains[0] : "each domain");
  const better = metric.lower ? "lower is better" : "higher is better";
  const layout = chartLook({
    xaxis: axisLook(`${CURVE_X[curveView.x][0]}${unit[0] ? ` (${unit[0]})` : ""}`, curveView.logX, curveView.logX ? logTicks(lines.flatMap((one) => one.x)) : { rangemode: "tozero", ...wholeTicks(lines) }),
    yaxis: axisLook(`${metric.title} (${better})`, curveView.logY, curveView.logY ? logTicks([...lines, ...floors].flatMap((one) => one.y)) : {}),
  });
  showCurveLegend();
  const left = MANY && curveView.band ? seriesWithPoints(shown).filter((runs) => meanPoints(runs).left > 0).length : 0;
  byId("curves-about").textContent = `${metric.title}, ${of}, against ${CURVE_X[curveView.x][0].toLowerCase()}: `
    + (MANY ? `${shown.length} of ${RUNS.length} runs${curveView.band ? ", mean of seeds, with the range from the least to the greatest" : ""}. ` : "")
    + (left ? `Rounds that not all seeds have are left out (${left} of ${seriesWithPoints(shown).length} curves); with "every run" they are shown. ` : "")
    + (floorsShown().length ? `The dashed line is the floor, what real images held out have: ${floorsShown().map(([domain, value]) => `${domain ? `${domain} ` : ""}${digits(value)}`).join(", ")}. ` : "")
    + (MANY ? "Press a point, or a name in the legend, to filter. The table below has the last values." : "The tables below have the first and last values.");
  return draw("curves", [...floors, ...lines], layout, (point) => pressCurve(point));
}

function pressCurve(point) {
  const row = point.customdata;
  if (!MANY || row === undefined) return;
  if (curveView.band) toggleSeries(RUNS[row]);
  else toggleFilter("run", row);
}

function showCurveLegend() {
  const place = byId("legend");
  if (MANY && isNeutral()) {
    place.replaceChildren(make("span", { class: "key" }, make("i", { style: "background-color: var(--ink)" }), "mean and range of the seeds"));
    return null;
  }
  if (MANY) return showLegend(place);
  const focused = [...place.children].indexOf(document.activeElement);
  const pressed = (domain) => !curveView.domain || curveView.domain === domain;
  const choose = (domain) => { curveView.domain = curveView.domain === domain ? "" : domain; redraw("curves"); };
  place.replaceChildren(...DATA.domains.map((domain, index) => legendButton(index, domain, pressed(domain), () => choose(domain))));
  if (focused >= 0) place.children[focused]?.focus();
  return null;
}

function chooseSeeds(value) {
  curveView.band = value === "band";
  if (isNeutral()) look.by = groupChoices()[0][0];
  recolour();
  byId("curve-controls").querySelector("[data-key=seeds] select").focus();
}

function curveControls() {
  const place = byId("curve-controls");
  if (!place) return;
  const set = (key, again) => (value) => { curveView[key] = value; if (again) curveControls(); redraw("curves"); };
  place.replaceChildren();
  if (METRICS.length > 1) {
    place.append(select("Metric", METRICS.map((one) => [one.name, one.title]), curveView.metric, (value) => {
      curveView.metric = value;
      curveView.logY = value === "fid";
      curveControls();
      redraw("curves");
      place.querySelector("select").focus();
    }));
  }
  if (DATA.domains.length > 1 && MANY) {
    place.append(select("Domain", [["", "mean over domains"], ...DATA.domains.map((one) => [one, one])], curveView.domain, set("domain")));
  }
  place.append(select("Against", Object.entries(CURVE_X).map(([key, [text]]) => [key, text]), curveView.x, set("x")));
  const colours = colourChoice(recolour);
  if (colours) place.append(colours);
  if (severalSeeds) {
    const seeds = select("Seeds", [["band", "mean and range"], ["each", "every run"]], curveView.band ? "band" : "each", chooseSeeds);
    seeds.dataset.key = "seeds";
    place.append(seeds);
  }
  place.append(toggle("log x", curveView.logX, set("logX")), toggle("log y", curveView.logY, set("logY")));
  if (DATA.floors[curveView.metric]) place.append(toggle("floor", curveView.floor, set("floor")));
}
