// Draws the charts, makes tables sortable and filterable, opens the evidence of a number. The page reads without it.
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
  // ast: expressions are interpreted, so that the page needs no permission to evaluate text as code
  const options = { actions: false, renderer: "svg", ast: true, config };
  unpacked(document.getElementById(place.dataset.chart).textContent).then((text) => window.vegaEmbed(place, JSON.parse(text), options)).then(
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
  const numeric = cell.classList.contains("n") || (column > 0 && row.closest("table").matches("[data-heat]"));
  return numeric ? (Number.isNaN(number) ? Infinity : number) : text;
}

function sort(table, header, column) {
  const up = header.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", up ? "ascending" : "descending");
  const rows = [...table.tBodies[0].rows].map((row) => [key(row, column), row]);
  rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1));
  table.tBodies[0].append(...rows.map(([, row]) => row));
}

for (const table of document.querySelectorAll("table[data-sortable], table[data-heat]")) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    if ("fixed" in header.dataset) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sort(table, header, column));
    header.append(button);
  });
}

// A word box, and choosers of operator, size and family where the table says what there is.
function chooser(label, options) {
  const select = document.createElement("select");
  for (const [value, text] of options) select.add(new Option(text, value));
  const around = document.createElement("label");
  around.append(`${label} `, select);
  return [around, select];
}

for (const table of document.querySelectorAll("table[data-heat]")) {
  const words = (name) => (table.dataset[name] ?? "").split(" ").filter(Boolean);
  const named = (name) => [["", "all"], ...words(name).map((w) => [w, w.replaceAll("_", " ")])];
  const [operators, operator] = chooser("Operator", named("operators"));
  const [sizes, size] = chooser("Size", [["", "all"], ["small", "smallest of each problem"], ["large", "largest of each problem"]]);
  const [families, family] = chooser("Methods of", named("families"));
  const box = document.createElement("input");
  box.type = "search";
  box.className = "filter";
  box.placeholder = "Rows, for example: gauss_nll";
  box.setAttribute("aria-label", "Filter the rows by words");
  const bar = document.createElement("div");
  bar.className = "choosers";
  bar.append(operators, sizes, families, box);
  table.parentElement.before(bar);
  const apply = () => {
    const typed = box.value.toLowerCase().split(/\s+/);
    for (const row of table.tBodies[0].rows) {
      const text = row.cells[0].textContent.toLowerCase();
      row.hidden = (operator.value && row.dataset.operator !== operator.value)
        || (size.value && !row.dataset.sizes.split(" ").includes(size.value))
        || !typed.every((word) => text.includes(word));
    }
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      if (column === 0) return;
      const hidden = family.value && !header.dataset.family.split(" ").includes(family.value);
      for (const row of [table.tHead.rows[0], ...table.tBodies[0].rows]) row.cells[column].hidden = Boolean(hidden);
    });
  };
  for (const control of [operator, size, family, box]) control.addEventListener("input", apply);
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

// Evidence: every number opens the lines of the table that it was made of.
async function unpacked(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

function records(text) {
  const rows = [[]];
  let cell = "", quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') { cell += c; i += 1; } else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === "," || c === "\n") {
      rows.at(-1).push(cell);
      cell = "";
      if (c === "\n") rows.push([]);
    } else cell += c;
  }
  const [names, ...rest] = rows;
  return rest.filter((r) => r.length === names.length).map((r) => Object.fromEntries(r.map((v, i) => [names[i], v])));
}

let frame = null;
let texts = null;
async function load() {
  frame ??= unpacked(document.getElementById("frame").href.split(",")[1]).then(records);
  const about = JSON.parse(document.getElementById("evidence").textContent);
  texts ??= unpacked(about.texts).then(JSON.parse);
  return { frame: await frame, texts: await texts, runs: about.runs };
}

function make(tag, text, ...children) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
}

function shown(value, unit) {
  if (value === "" || value === undefined) return "";
  const number = Number(value);
  if (unit === "s") {
    for (const [scale, name] of [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]]) if (number >= scale) return `${(number / scale).toPrecision(4)} ${name}`;
    return `${(number / 1e-9).toPrecision(4)} ns`;
  }
  if (unit === "B") return `${(number / 2 ** 20).toPrecision(3)} MiB`;
  return Number.isInteger(number) ? String(number) : number.toPrecision(3);
}

const COLUMNS = [
  ["process", "repeat", ""], ["lowest tenth", "steady_s", "s"], ["median", "median_s", "s"], ["blocks", "blocks", ""],
  ["f itself", "value_s", "s"], ["round trip", "round_trip_s", "s"], ["prepare", "prepare_s", "s"], ["compile", "compile_s", "s"],
  ["first call", "first_s", "s"], ["error (ulp)", "error_ulp", ""], ["worst (ulp)", "worst_ulp", ""], ["kappa", "kappa", ""],
  ["memory above", "above_bytes", "B"],
];

function table(rows) {
  const known = COLUMNS.filter(([, key]) => rows.some((r) => r[key] !== "" && r[key] !== undefined));
  const head = make("tr", "", make("th", "copy"), ...known.map(([name]) => make("th", name)));
  for (const cell of head.cells) cell.scope = "col";
  const body = rows.map((r) => make(
    "tr", "", make("td", r.twin === "True" ? "second" : "first"),
    ...known.map(([, name, unit]) => { const cell = make("td", shown(r[name], unit)); cell.className = "n"; return cell; }),
  ));
  const whole = make("table", "", make("caption", "One line a process; times are seconds of one call, raw samples are in the file beside this page"), make("thead", "", head), make("tbody", "", ...body));
  whole.className = "list";
  const around = make("div", "", whole);
  around.className = "scroll";
  return around;
}

function evidence(id, found) {
  const rows = found.frame.filter((r) => r.id === id);
  const parts = [make("h3", id)];
  if (!rows.length) return [...parts, make("p", "No line of this case stands in the table.")];
  for (const told of new Set(rows.map((r) => (r.message ? `${r.outcome}: ${r.message}` : r.outcome)))) parts.push(make("p", told));
  for (const set of new Set(rows.map((r) => r.set))) parts.push(table(rows.filter((r) => r.set === set)));
  const { tool, form, form_hash: hash } = rows[0];
  const versions = found.runs.map((r) => `${tool} ${r.versions?.[tool] ?? "of this repository"}, commit ${(r.commit ?? "unknown").slice(0, 12)}${r.dirty ? " with changes" : ""}, ${r.started ?? ""}`);
  parts.push(make("p", `Measured with ${[...new Set(versions)].join("; ")}. Function text: ${form || "none"}${hash ? ` (${hash})` : ""}.`));
  parts.push(make("p", "Again: ", make("code", `adbench run '${id}' --preset standard`)));
  if (found.texts[hash]) parts.push(make("details", "", make("summary", "The function's text"), make("pre", found.texts[hash])));
  return parts;
}

async function open(ids) {
  const dialog = document.getElementById("shown");
  const found = await load();
  document.getElementById("shown-text").replaceChildren(...ids.split("\n").flatMap((id) => evidence(id, found)));
  dialog.showModal();
}

function openable(place) {
  for (const cell of place.querySelectorAll("[data-see]")) {
    cell.setAttribute("role", cell.tagName === "TH" ? "rowheader" : "cell");
    cell.setAttribute("aria-haspopup", "dialog");
    if (!cell.closest("[data-cells]")) cell.tabIndex = 0;
  }
}
openable(document);
// Very long lists come packed, and are unfolded when they are first looked at.
for (const body of document.querySelectorAll("tbody[data-rows]")) {
  body.closest("details").addEventListener("toggle", async () => {
    if (!("rows" in body.dataset)) return;
    const packed = body.dataset.rows;
    delete body.dataset.rows;
    body.innerHTML = await unpacked(packed);
    openable(body);
  });
}
// A map of cells is one stop of the tab key; arrows go from cell to cell.
for (const map of document.querySelectorAll("table[data-cells]")) {
  const first = map.querySelector("[data-see]");
  if (first) first.tabIndex = 0;
}

function neighbour(cell, key) {
  const [across, down] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key];
  const rows = [...cell.closest("tbody").rows].filter((r) => !r.hidden);
  let row = rows.indexOf(cell.parentElement), column = cell.cellIndex;
  for (;;) {
    row += down;
    column += across;
    const next = rows[row]?.cells[column];
    if (!next) return null;
    if (next.dataset.see && !next.hidden) return next;
  }
}

document.addEventListener("click", (event) => {
  const cell = event.target.closest("[data-see]");
  if (cell) open(cell.dataset.see);
});
document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.("[data-see]");
  if (!cell) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    open(cell.dataset.see);
  } else if (event.key.startsWith("Arrow") && cell.closest("[data-cells]")) {
    event.preventDefault();
    const next = neighbour(cell, event.key);
    if (!next) return;
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
});
