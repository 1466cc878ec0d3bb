// Two axes of a sweep against each other: the mean of everything else that is not filtered out.
const wide = DATA.axes.map((axis, place) => [axis, place]).filter(([axis]) => axis.values.length > 1);
const heatView = { x: wide[0]?.[1] ?? 0, y: wide[1]?.[1] ?? 1, what: (METRICS[0] || MEASURES[0])?.name, domain: "" };

function heatCells(shown, what) {
  const [across, up] = [DATA.axes[heatView.x], DATA.axes[heatView.y]];
  return up.values.map((upper) => across.values.map((value) => {
    const own = shown.filter((run) => run.settings[heatView.x] === value && run.settings[heatView.y] === upper);
    const values = known(own.map((run) => lastValue(run, what, heatView.domain)));
    return values.length ? { value: mean(values), least: Math.min(...values), most: Math.max(...values), n: values.length, of: own.length } : null;
  }));
}

// A mean of fewer runs than the cell has says so: those that came to nothing are not in it.
function cellText(cell, unit, written) {
  if (cell === null) return "";
  if (!written) return cell.n < cell.of ? "*" : "";
  return digits(cell.value / unit[1]) + (cell.n < cell.of ? ` (${cell.n}/${cell.of})` : "");
}

function partly(cells, written) {
  const part = cells.flat().find((cell) => cell !== null && cell.n < cell.of);
  if (!part) return "";
  return `${written ? `(${part.n}/${part.of})` : "A star"} marks a mean of those runs alone that have the value. `;
}

function drawHeat() {
  if (!byId("heat")) return null;
  const what = quantity(heatView.what);
  const cells = heatCells(visible(), what);
  const [across, up] = [DATA.axes[heatView.x], DATA.axes[heatView.y]];
  const unit = unitFor(what.unit, Math.max(...cells.flat().filter(Boolean).map((one) => one.value), 0));
  const words = (cell, row, column) => (cell === null ? "" : [
    plain(shortened(`${across.name}: ${across.values[column]}`)), plain(shortened(`${up.name}: ${up.values[row]}`)),
    `${plain(what.title)} <b>${amount(cell.value, what.unit)}</b>`,
    cell.n > 1 ? `mean of ${cell.n} runs, ${amount(cell.least, what.unit)} to ${amount(cell.most, what.unit)}` : "1 run",
    ...(cell.n < cell.of ? [`${cell.of - cell.n} of ${counted(cell.of, "run")} without it, not in the mean`] : []),
  ].join("<br>"));
  const small = matchMedia("(max-width: 640px)").matches;
  const written = across.values.length <= (small ? 4 : 10);
  const trace = {
    type: "heatmap", x: across.values.map((_, at) => at), y: up.values.map((_, at) => at), xgap: 2, ygap: 2, hoverongaps: false,
    z: cells.map((row) => row.map((cell) => (cell === null ? null : cell.value / unit[1]))),
    text: cells.map((row) => row.map((cell) => cellText(cell, unit, written))),
    hovertext: cells.map((row, at) => row.map((cell, column) => words(cell, at, column))), hoverinfo: "text",
    texttemplate: "%{text}", colorscale: "Cividis", reversescale: what.lower,
    colorbar: { title: { text: endTitle(what, unit), side: "right" }, thickness: 12, outlinewidth: 0, tickcolor: colour("edge"), xpad: 4, x: 1.01 },
  };
  const ticks = (axis) => ({ tickvals: axis.values.map((_, at) => at), ticktext: axis.values.map((value) => plain(shortened(String(value), 24))), showgrid: false, nticks: 0 });
  const layout = chartLook({ dragmode: false, xaxis: axisLook(plain(across.name), false, ticks(across)), yaxis: axisLook(plain(up.name), false, ticks(up)) });
  byId("heat-about").textContent = `${what.title}${what.isMetric && DATA.domains.length > 1 ? ` (${heatView.domain || "mean over domains"})` : ""}: `
    + `${up.name} up, ${across.name} across; each cell is the mean of the runs that are not filtered out. ${partly(cells, written)}Brighter is better. Press a cell to filter by both.`;
  return draw("heat", [trace], layout, (point) => {
    filters.set(`a${heatView.x}`, new Set([point.x]));
    filters.set(`a${heatView.y}`, new Set([point.y]));
    changed();
  });
}

function heatControls() {
  const place = byId("heat-controls");
  if (!place) return;
  const axes = wide.map(([axis, at]) => [at, axis.name]);
  const pick = (key, other) => (value) => {
    if (Number(value) === heatView[other]) heatView[other] = heatView[key];
    heatView[key] = Number(value);
    heatControls();
    redraw("heat");
  };
  place.replaceChildren(
    select("Across", axes, heatView.x, pick("x", "y")),
    select("Up", axes, heatView.y, pick("y", "x")),
    select("Shown", [...METRICS, ...MEASURES].map((one) => [one.name, one.title]), heatView.what, (value) => { heatView.what = value; redraw("heat"); }),
  );
  if (DATA.domains.length > 1) {
    place.append(select("Domain", [["", "mean over domains"], ...DATA.domains.map((one) => [one, one])], heatView.domain, (value) => { heatView.domain = value; redraw("heat"); }));
  }
}
