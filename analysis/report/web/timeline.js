// One iteration as bars: what each device did when, and what decided how long it took.
const BARS = [["waits", "line", 0.72], ["transfers", "s3", 0.4], ["computes", "s0", 0.72]];

function timelineTraces(own, unit) {
  return BARS.map(([what, ink, width], kind) => {
    const bars = own.bars.filter((bar) => bar[1] === kind);
    return {
      type: "bar", orientation: "h", name: what, hoverinfo: "text", textposition: "none", width,
      y: bars.map((bar) => own.devices[bar[0]]), base: bars.map((bar) => bar[3] / unit[1]),
      x: bars.map((bar) => (bar[4] - bar[3]) / unit[1]),
      text: bars.map((bar) => `<b>${plain(own.devices[bar[0]])}</b><br>${plain(shortened(own.whats[bar[2]]))}<br>${amount(bar[4] - bar[3], "s")}, from ${amount(bar[3], "s")}${bar[5] ? "<br>on the critical path" : ""}`),
      marker: { color: colour(ink), opacity: kind === 1 ? 0.75 : 1, line: { color: colour("ink"), width: bars.map((bar) => (bar[5] ? 1.6 : 0)) } },
    };
  });
}

function drawTimeline() {
  if (!byId("timeline")) return null;
  const own = DATA.details[detailView.row].timeline;
  const about = byId("timeline-about");
  if (!own || own.why_not) {
    about.textContent = `${detailName()}${own ? `No timeline: ${own.why_not}.` : "This run has no trace."}`;
    byId("timeline-legend").replaceChildren();
    return draw("timeline", [], barChart(0, { xaxis: { visible: false }, yaxis: { visible: false } }));
  }
  const end = Math.max(...own.bars.map((bar) => bar[4]), 0);
  const unit = unitFor("s", end);
  const keys = BARS.map(([what, ink]) => make("span", { class: "key" }, make("i", { style: `background-color: var(--${ink})` }), what));
  byId("timeline-legend").replaceChildren(...keys, make("span", { class: "key" }, make("i", { class: "outlined" }), "on the critical path"));
  about.textContent = `${detailName()}The iteration that began at ${amount(own.start_s, "s")} of simulated time, ${amount(end, "s")} long. `
    + "A message stands at both of its ends, thin; what is outlined decided how long the iteration took.";
  return draw("timeline", timelineTraces(own, unit), barChart(own.devices.length, { barmode: "overlay", dragmode: "zoom", xaxis: { ...spanAxis("Time within the iteration", unit[0]), range: [0, end / unit[1]] }, yaxis: { ...rowAxis(own.devices), fixedrange: true } }));
}
