// Pictures over rounds: one for each run and domain that is shown, at the round of the slider.
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
      const of = MANY ? `${runLabel(RUNS[row])}, ${domain}` : domain;
      const value = METRICS[0] ? valuesOf(DATA.curves[row] || { round: [], values: {} }, METRICS[0].name, domain)?.[DATA.curves[row].round.indexOf(one.round)] : null;
      const caption = make("figcaption", {}, make("b", {}, of), ` ${when(one.round)}${value === null || value === undefined ? "" : `, ${METRICS[0].title} ${digits(value)}`}`);
      return make("figure", {}, make("img", { src: one.src, alt: `Generated images: ${of}, ${when(one.round)}`, decoding: "async" }), caption);
    }));
  place.classList.toggle("many", figures.length > 6);
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
