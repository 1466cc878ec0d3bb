// What single runs tell: an iteration's phases, the devices' time, and pictures over rounds.
const detailed = Object.keys(DATA.details).map(Number);
const detailView = { row: detailed[0], round: null, domain: "" };
const PARTS = [["computes", "s0", ""], ["transfers", "s3", "/"], ["waits", "line", ""], ["is away", "edge", "x"]];

const detailName = () => (MANY ? `${RUNS[detailView.row].name}: ` : "");

function barChart(rows, more) {
  return chartLook({ barmode: "stack", bargap: 0.3, dragmode: false, height: rows * 26 + 84, hovermode: "closest", ...more });
}

function rowAxis(names) {
  return axisLook("", false, {
    type: "category", autorange: "reversed", showgrid: false, ticks: "", showline: false, nticks: 0,
    categoryarray: names, categoryorder: "array", tickmode: "array", tickvals: names, ticktext: names.map((name) => plain(shortened(name, 30))),
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
  return draw("phases", [trace], barChart(names.length, { xaxis: axisLook(`Time within the mean iteration (${unit[0]})`, false), yaxis: rowAxis(names) }));
}

function drawDevices() {
  if (!byId("devices")) return null;
  const own = DATA.details[detailView.row];
  const unit = unitFor("s", Math.max(...own.devices.map((one) => one.times.reduce((sum, part) => sum + part, 0)), 0));
  const names = own.devices.map((one) => (own.by_profile || one.name === one.profile ? one.name : `${one.name} ${one.profile}`));
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
  return draw("devices", traces, barChart(names.length, { xaxis: axisLook(`Simulated time (${unit[0]})`, false), yaxis: rowAxis(names) }));
}

const sampleRounds = () => [...new Set(detailed.flatMap((row) => Object.values(DATA.details[row].samples).flatMap((own) => own.map((one) => one.round))))].sort((a, b) => a - b);

// The picture of a round, or the last one before it.
function pictureAt(own, round) {
  const before = own.filter((one) => one.round <= round);
  return before.length ? before[before.length - 1] : own[0];
}

function showPictures() {
  const place = byId("pictures");
  if (!place) return;
  const shown = detailed.filter((row) => passes(RUNS[row]));
  const figures = shown.flatMap((row) => Object.entries(DATA.details[row].samples)
    .filter(([domain]) => !detailView.domain || domain === detailView.domain)
    .map(([domain, own]) => {
      const one = pictureAt(own, detailView.round);
      const of = MANY ? `${RUNS[row].name}, ${domain}` : domain;
      const value = METRICS[0] ? valuesOf(DATA.curves[row] || { round: [], values: {} }, METRICS[0].name, domain)?.[DATA.curves[row].round.indexOf(one.round)] : null;
      const caption = make("figcaption", {}, make("b", {}, of), ` ${when(one.round)}${value === null || value === undefined ? "" : `, ${METRICS[0].title} ${digits(value)}`}`);
      return make("figure", {}, make("img", { src: one.src, alt: `Generated images: ${of}, ${when(one.round)}`, decoding: "async" }), caption);
    }));
  place.replaceChildren(...figures);
  const skipped = Math.max(...detailed.map((row) => DATA.details[row].skipped), 0);
  byId("samples-about").textContent = `${figures.length ? "A column for each class; the same noise in every round." : "None of the runs that are shown has pictures here."}`
    + `${skipped ? ` Pictures of ${skipped} round${skipped > 1 ? "s" : ""} are left out to keep the page small; the run folder has them.` : ""}`
    + `${detailed.length < RUNS.filter((run) => run.finished).length ? ` Shown are ${detailed.length} runs, those that no other beats first.` : ""}`;
}

function sampleControls() {
  const place = byId("sample-controls");
  if (!place) return;
  const rounds = sampleRounds();
  detailView.round = rounds[rounds.length - 1];
  if (rounds.length > 1) {
    const told = make("output", {}, when(detailView.round));
    const slide = (event) => {
      detailView.round = rounds[Number(event.target.value)];
      told.textContent = when(detailView.round);
      event.target.setAttribute("aria-valuetext", told.textContent);
      showPictures();
    };
    const range = make("input", { type: "range", min: 0, max: rounds.length - 1, step: 1, value: rounds.length - 1, oninput: slide, "aria-valuetext": told.textContent });
    place.append(make("label", { class: "slider" }, "Round ", range), told);
  }
  if (DATA.domains.length > 1 && MANY) {
    place.append(select("Domain", [["", "all"], ...DATA.domains.map((one) => [one, one])], "", (value) => { detailView.domain = value; showPictures(); }));
  }
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
}
