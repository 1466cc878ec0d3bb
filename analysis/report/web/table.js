// The table of runs: sorted by any column, filtered along with the charts.
const sorted = { column: null, up: true };

function sortKey(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.v ?? cell.textContent.trim();
  const number = Number(text);
  return text !== "" && Number.isFinite(number) ? number : text;
}

function compareCells(one, other) {
  if (one === "" || other === "") return one === other ? 0 : one === "" ? 1 : -1;
  const order = typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));
  return sorted.up ? order : -order;
}

function sortBy(column) {
  sorted.up = sorted.column === column ? !sorted.up : true;
  sorted.column = column;
  const table = byId("table");
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => compareCells(sortKey(a, column), sortKey(b, column)));
  table.tBodies[0].append(...rows);
  [...table.tHead.rows[0].cells].forEach((cell, at) => {
    cell.setAttribute("aria-sort", at !== column ? "none" : sorted.up ? "ascending" : "descending");
  });
}

function filterTable() {
  for (const row of byId("table").tBodies[0].rows) row.hidden = !passes(RUNS[Number(row.dataset.run)]);
}

function pressTable(event) {
  const button = event.target.closest("button");
  if (!button) return;
  const { sort, only, axis, value } = button.dataset;
  if (sort !== undefined) sortBy(Number(sort));
  if (only !== undefined) toggleFilter("run", Number(only));
  if (axis !== undefined) toggleFilter(`a${axis}`, Number(value));
}
