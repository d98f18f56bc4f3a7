"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headers = [...table.tHead.rows[0].cells];
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  const compare = (one, other) =>
    typeof one === "number" && typeof other === "number"
      ? one - other
      : String(one).localeCompare(String(other), "en", { numeric: true });
  headers.forEach((header, column) => {
    header.querySelector("button").addEventListener("click", () => {
      const rising = header.getAttribute("aria-sort") !== "ascending";
      for (const other of headers) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", rising ? "ascending" : "descending");
      // An empty cell stays at the end, whichever way the column is sorted.
      const full = [...body.rows].filter((row) => row.cells[column].textContent !== "");
      const empty = [...body.rows].filter((row) => row.cells[column].textContent === "");
      full.sort((one, other) => compare(value(one, column), value(other, column)));
      body.append(...(rising ? full : full.reverse()), ...empty);
    });
  });
}
const search = document.getElementById("search");
if (search !== null) {
  const state = document.getElementById("state");
  const shown = document.getElementById("shown");
  const rows = [...document.getElementById("weights").tBodies[0].rows];
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/);
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const chosen = state.value === "" || row.dataset.state.split(" ").includes(state.value);
      row.hidden = !(chosen && words.every((word) => text.includes(word)));
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = count + " of " + rows.length;
  };
  search.addEventListener("input", filter);
  state.addEventListener("change", filter);
  document.getElementById("controls").hidden = false;
  filter();
}
