// The beginning: controls, listeners, and charts drawn when they come near the screen.
const CHARTS = { curves: drawCurves, ends: drawEnds, heat: drawHeat, phases: drawPhases, devices: drawDevices, timeline: drawTimeline };
const root = document.documentElement;
const near = new Set();
const stale = new Set(Object.keys(CHARTS));

function redraw(id) {
  if (!byId(id)) return null;
  if (!near.has(id)) {
    stale.add(id);
    return null;
  }
  stale.delete(id);
  return CHARTS[id]();
}

function recolour() {
  curveControls();
  endControls();
  redraw("curves");
  redraw("ends");
}

function redrawAll() {
  return Promise.all(Object.keys(CHARTS).map(redraw));
}

function watch() {
  const watcher = new IntersectionObserver((seen) => {
    for (const one of seen) {
      const { id } = one.target;
      if (!one.isIntersecting) near.delete(id);
      else {
        near.add(id);
        if (stale.has(id)) Promise.resolve(redraw(id)).then(ready);
      }
    }
    ready();
  }, { rootMargin: "300px" });
  const places = Object.keys(CHARTS).map(byId).filter(Boolean);
  places.forEach((place) => watcher.observe(place));
  if (!places.length) ready();
}

// Says that what is near the screen has been drawn.
function ready() {
  if ([...near].every((id) => byId(id).dataset.drawn)) root.dataset.ready = "true";
}

// Paper is light: all charts are drawn for it, and as they were again after it.
function beforePaper() {
  root.dataset.before = root.dataset.theme || "";
  root.dataset.theme = "light";
  Object.keys(CHARTS).filter(byId).forEach((id) => near.add(id));
  redrawAll();
}

function afterPaper() {
  if (root.dataset.before) root.dataset.theme = root.dataset.before;
  else delete root.dataset.theme;
  redrawAll();
}

function setTheme(theme) {
  root.dataset.theme = theme;
  redrawAll();
}

function switchTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme || (dark ? "dark" : "light");
  setTheme(now === "dark" ? "light" : "dark");
}

function copy(event) {
  const { copy: from, save, name } = event.currentTarget.dataset;
  const text = byId(from || save).textContent;
  const button = event.currentTarget;
  if (save) {
    make("a", { href: `data:text/yaml;charset=utf-8,${encodeURIComponent(text)}`, download: name }).click();
    return;
  }
  const selected = () => {
    const range = document.createRange();
    range.selectNodeContents(byId(from));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = document.execCommand("copy") ? "Copied" : "Selected: press Ctrl-C";
  };
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => { button.textContent = "Copied"; }, selected);
  else selected();
}

endDefaults();
curveControls();
endControls();
heatControls();
sampleControls();
showPictures();
if (MANY) {
  onFilter(showChips);
  onFilter(showPickers);
  onFilter(filterTable);
  onFilter(followFilter);
  onFilter(showPictures);
  onFilter(redrawAll);
  byId("table").addEventListener("click", pressTable);
  showChips();
  showPickers();
}
byId("which")?.addEventListener("change", (event) => choose(Number(event.target.value)));
byId("theme").addEventListener("click", switchTheme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
document.querySelectorAll("[data-copy], [data-save]").forEach((button) => button.addEventListener("click", copy));
addEventListener("beforeprint", beforePaper);
addEventListener("afterprint", afterPaper);
watch();
