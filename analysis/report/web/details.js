// What single runs tell: the phases of an iteration, and the devices' time.
const detailed = Object.keys(DATA.details).map(Number);
const detailView = { row: detailed[0], round: null, domain: "" };
const PARTS = [["computes", "s0", ""], ["transfers", "s3", "/"], ["waits", "line", ""], ["is away", "edge", "x"]];

const detailName = () => (MANY ? `${RUNS[detailView.row].name}: ` : "");

const isSmall = () => matchMedia("(max-width: 640px)").matches;

// The axis of a chart of bars; on a narrow screen the chart's heading has to say of what.
const spanAxis = (title, unit) => axisLook(`${isSmall() ? "Time" : title} (${unit})`, false, { tickangle: 0, nticks: isSmall() ? 4 : 8 });

function barChart(rows, more) {
  return chartLook({ barmode: "stack", bargap: 0.3, dragmode: false, height: rows * 26 + 84, hovermode: "closest", ...more });
}

function rowAxis(names) {
  return axisLook("", false, {
    type: "category", autorange: "reversed", showgrid: false, ticks: "", showline: false, nticks: 0,
    categoryarray: names, categoryorder: "array", tickmode: "array", tickvals: names, ticktext: names.map((name) => plain(shortened(name, isSmall() ? 24 : 34))),
  });
}

function drawPhases() {
  if (!byId("phases")) return null;
  const { phases } = DATA.details[detailView.row];
  const total = phases.reduce((sum, one) => sum + one.seconds, 0);
  const unit = unitFor("s", total);
  let start = 0;
  const bases = phases.map((one) => { const from = start; start += one.seconds; return from / unit[1]; });
  const names = phases.map((one) => one.name);
  const share = (one) => `${Math.round((100 * one.seconds) / total)} %`;
  const trace = {
    type: "bar", orientation: "h", y: names, x: phases.map((one) => one.seconds / unit[1]), base: bases, hoverinfo: "text",
    marker: { color: phases.map((_, at) => seriesColour(at)) }, textposition: "none",
    text: phases.map((one) => `${plain(one.name)}<br><b>${amount(one.seconds, "s")}</b>, ${share(one)}`),
  };
  byId("phases-about").textContent = phases.length
    ? `${detailName()}The mean iteration takes ${amount(total, "s")}, its share of the round's end included: ${phases.map((one) => `${one.name} ${amount(one.seconds, "s")} (${share(one)})`).join(", ")}.`
    : `${detailName()}No iteration has a phase with a duration.`;
  return draw("phases", [trace], barChart(names.length, { xaxis: spanAxis("Time within the mean iteration", unit[0]), yaxis: rowAxis(names) }));
}

function drawDevices() {
  if (!byId("devices")) return null;
  const own = DATA.details[detailView.row];
  const unit = unitFor("s", Math.max(...own.devices.map((one) => one.times.reduce((sum, part) => sum + part, 0)), 0));
  const names = own.devices.map((one) => (own.by_profile || isSmall() ? one.name : `${one.name} ${one.profile}`));
  const used = PARTS.map((part, at) => [...part, at]).filter(([, , , at]) => own.devices.some((one) => one.times[at] > 0));
  const traces = used.map(([what, ink, pattern, at]) => ({
    type: "bar", orientation: "h", name: what, y: names, x: own.devices.map((one) => one.times[at] / unit[1]), hoverinfo: "text",
    marker: { color: colour(ink), pattern: { shape: pattern, fillmode: "overlay", fgcolor: colour("card"), fgopacity: 0.75, size: 7, solidity: 0.25 } }, textposition: "none",
    text: own.devices.map((one, row) => {
      const whole = one.times.reduce((sum, part) => sum + part, 0);
      return `<b>${plain(names[row])}</b><br>${what} ${amount(one.times[at], "s")} (${whole ? Math.round((100 * one.times[at]) / whole) : 0} %)`;
    }),
  }));
  byId("device-legend").replaceChildren(...used.map(([what, ink, pattern]) => make("span", { class: "key" }, make("i", { style: `background-color: var(--${ink})`, class: pattern ? "striped" : "" }), what)));
  byId("devices-about").textContent = `${detailName()}How ${own.by_profile ? "the devices of each profile spent the run on average" : "each device spent the run"}; who computes while a message is on its way computes.`;
  return draw("devices", traces, barChart(names.length, { xaxis: spanAxis("Simulated time", unit[0]), yaxis: rowAxis(names) }));
}

function followFilter() {
  const which = byId("which");
  if (!which) return;
  const shown = detailed.filter((row) => passes(RUNS[row]));
  if (shown.length && !shown.includes(detailView.row)) choose(shown[0]);
}

function choose(row) {
  detailView.row = row;
  byId("which").value = String(row);
  redraw("phases");
  redraw("devices");
  redraw("timeline");
}
