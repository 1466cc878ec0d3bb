// Each run as one point: what it came to against what it cost, with the runs that no other beats in both.
const differs = (what) => new Set(RUNS.map((run) => run.numbers[what.name])).size > 1;
const otherMeasures = MEASURES.filter((one) => one.name !== "simulated_s").reverse();
const endView = {
  x: (MEASURES.find((one) => one.name === "simulated_s") || MEASURES[0])?.name,
  y: (METRICS[0] || otherMeasures.find(differs) || MEASURES[0])?.name,
  domain: "", logX: false, logY: false, front: true,
};

function decades(values) {
  const positive = values.filter((one) => one > 0);
  return positive.length ? Math.max(...positive) / Math.min(...positive) : 1;
}

function endPoints(shown) {
  const [x, y] = [quantity(endView.x), quantity(endView.y)];
  return shown
    .map((run) => ({ run, row: RUNS.indexOf(run), x: lastValue(run, x, endView.domain), y: lastValue(run, y, endView.domain) }))
    .filter((one) => one.x !== null && one.y !== null && !(endView.logX && one.x <= 0) && !(endView.logY && one.y <= 0));
}

// The points that no other beats: walked by the first quantity, best first, keeping each new best of the second, and what
// is equal to it.
function paretoFront(points) {
  const [x, y] = [quantity(endView.x), quantity(endView.y)];
  const turned = (what, value) => (what.lower ? value : -value);
  const sorted = [...points].sort((a, b) => turned(x, a.x) - turned(x, b.x) || turned(y, a.y) - turned(y, b.y));
  let best = null;
  return sorted.filter((one) => {
    const better = best === null || turned(y, one.y) < turned(y, best.y);
    if (better) best = one;
    return better || isAt(one, best);
  });
}

const isAt = (one, other) => one.x === other.x && one.y === other.y;
const placesOf = (points) => new Set(points.map((one) => `${one.x} ${one.y}`)).size;

// What lies under marks of other groups on the same place looks out from behind them.
const RIM = 7;
const above = (one, points) => new Set(points.filter((other) => other.group > one.group && isAt(other, one)).map((other) => other.group)).size;

// How many points there are, on how many places, and which of them no other beats.
function endWords(points, front) {
  const places = placesOf(points);
  const spots = places < points.length ? `, on ${counted(places, "place")}` : "";
  const told = `a point for each of ${counted(points.length, "run")}${spots}`;
  if (!endView.front || places < 2) return told;
  const held = placesOf(front);
  if (held === 1) return `${told}; no front, one place is the best in both: ${front.map((one) => runLabel(one.run)).join("; ")}`;
  const runs = held < front.length ? ` (${counted(front.length, "run")})` : "";
  return `${told}; the dashed line joins the ${counted(held, "place")}${runs} that no other beats in both`;
}

function endText(one, points, x, y) {
  const others = points.filter((other) => other !== one && isAt(other, one));
  const more = others.slice(0, 3).map((other) => `also here: ${plain(runLabel(other.run))}`);
  if (others.length > 3) more.push(`and ${others.length - 3} more`);
  return [...runLines(one.run), `${plain(x.title)} <b>${amount(one.x, x.unit)}</b>`, `${plain(y.title)} <b>${amount(one.y, y.unit)}</b>`, ...more].join("<br>");
}

function endTitle(what, unit) {
  const told = what.isMetric ? (what.lower ? "lower is better" : "higher is better") : unit[0];
  return `${what.title}${what.isMetric ? " at the end" : ""} (${told})`;
}

function drawEnds() {
  if (!byId("ends")) return null;
  const [x, y] = [quantity(endView.x), quantity(endView.y)];
  const points = endPoints(visible());
  const unitX = unitOf(x.unit, points.map((one) => one.x), endView.logX);
  const unitY = unitOf(y.unit, points.map((one) => one.y), endView.logY);
  const all = groups();
  points.forEach((one) => { one.group = all.findIndex((group) => group.has(one.run)); });
  const base = points.length > 80 ? 8 : 11;
  const traces = all.map((group, index) => {
    const own = points.filter((one) => one.group === index);
    return {
      type: "scatter", mode: "markers", name: group.name, x: own.map((one) => one.x / unitX[1]), y: own.map((one) => one.y / unitY[1]),
      customdata: own.map((one) => one.row), hoverinfo: "text",
      text: own.map((one) => endText(one, points, x, y)),
      marker: { color: seriesColour(index), opacity: 1, symbol: SYMBOLS[index % SYMBOLS.length], size: own.map((one) => base * SYMBOL_SIZES[index % SYMBOLS.length] + RIM * Math.min(above(one, points), 4)), line: { color: colour("card"), width: 1 } },
    };
  });
  showLegend(byId("end-legend"));
  const front = paretoFront(points);
  if (endView.front && placesOf(front) > 1) {
    traces.unshift({
      type: "scatter", mode: "lines", x: front.map((one) => one.x / unitX[1]), y: front.map((one) => one.y / unitY[1]),
      hoverinfo: "skip", line: { color: colour("quiet"), width: 1.5, dash: "dash", shape: x.lower ? "hv" : "linear" },
    });
  }
  const ticks = (log, key, unit) => (log ? logTicks(points.map((one) => one[key] / unit[1])) : {});
  const layout = chartLook({
    xaxis: axisLook(endTitle(x, unitX), endView.logX, ticks(endView.logX, "x", unitX)),
    yaxis: axisLook(endTitle(y, unitY), endView.logY, ticks(endView.logY, "y", unitY)),
  });
  const domain = DATA.domains.length > 1 && y.isMetric ? ` (${endView.domain || "mean over domains"})` : "";
  byId("ends-about").textContent = `${y.title}${domain} against ${x.title.toLowerCase()}, ${endWords(points, front)}. Press a point to see that run alone.`;
  return draw("ends", traces, layout, (point) => { if (point.customdata !== undefined) toggleFilter("run", point.customdata); });
}

function endControls() {
  const place = byId("end-controls");
  if (!place) return;
  const set = (key) => (value) => { endView[key] = value; redraw("ends"); };
  const quantities = [...METRICS, ...MEASURES].map((one) => [one.name, one.title]);
  place.replaceChildren(
    select("Up", quantities, endView.y, set("y")),
    select("Across", quantities, endView.x, set("x")),
  );
  if (DATA.domains.length > 1) {
    place.append(select("Domain", [["", "mean over domains"], ...DATA.domains.map((one) => [one, one])], endView.domain, set("domain")));
  }
  const colours = colourChoice(recolour);
  if (colours) place.append(colours);
  place.append(toggle("log x", endView.logX, set("logX")), toggle("log y", endView.logY, set("logY")), toggle("front", endView.front, set("front")));
}

function endDefaults() {
  if (!byId("ends")) return;
  const points = endPoints(RUNS);
  endView.logX = decades(points.map((one) => one.x)) > 20;
  endView.logY = decades(points.map((one) => one.y)) > 20;
}
