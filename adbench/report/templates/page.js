// Draws the charts, makes tables sortable and the long one filterable. The page reads without it.
const config = {
  background: "transparent",
  font: getComputedStyle(document.body).fontFamily,
  view: { stroke: null },
  axis: {
    labelColor: "var(--soft)", titleColor: "var(--soft)", titleFontWeight: 400, titleFontSize: 13, labelFontSize: 12,
    titlePadding: 10, gridColor: "var(--faint)", domainColor: "var(--rule)", tickColor: "var(--rule)",
  },
};

for (const place of document.querySelectorAll("[data-chart]")) {
  const spec = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  // ast: expressions are interpreted, so that the page needs no permission to evaluate text as code
  window.vegaEmbed(place, spec, { actions: false, renderer: "svg", ast: true, config }).then(
    () => place.setAttribute("data-drawn", ""),
    (error) => {
      const told = document.createElement("p");
      told.className = "problem";
      told.textContent = `The chart could not be drawn: ${error.message}`;
      place.replaceChildren(told);
    },
  );
}

function key(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.sort ?? cell.textContent.trim();
  const number = Number.parseFloat(text);
  return cell.classList.contains("n") ? (Number.isNaN(number) ? Infinity : number) : text;
}

function sort(table, header, column) {
  const up = header.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", up ? "ascending" : "descending");
  const rows = [...table.tBodies[0].rows].map((row) => [key(row, column), row]);
  rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1));
  table.tBodies[0].append(...rows.map(([, row]) => row));
}

for (const table of document.querySelectorAll("table[data-sortable]")) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    if ("fixed" in header.dataset) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sort(table, header, column));
    header.append(button);
  });
}

for (const table of document.querySelectorAll("table[data-filter]")) {
  const box = document.createElement("input");
  box.type = "search";
  box.className = "filter";
  box.placeholder = "Filter, for example: gauss_nll jax";
  box.setAttribute("aria-label", "Filter the list by words");
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/);
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
  table.parentElement.before(box);
}
