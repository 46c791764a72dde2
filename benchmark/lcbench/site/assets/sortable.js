"use strict";

// Tables whose headings sort their rows: numbers by their value, an interval by its estimate.
(() => {
  const NUMBER = /^[+\u2212-]?[\d,]*\.?\d+/;

  const text = (row, column) => row.cells[column].textContent.trim();

  const number = (words) => {
    const found = NUMBER.exec(words);
    return found ? Number(found[0].replace(/,/g, "").replace("\u2212", "-")) : NaN;
  };

  const isNumeric = (rows, column) =>
    rows.every((row) => ["", "\u2013"].includes(text(row, column)) || !/^\d{4}-\d\d-\d\d|^\d+\.\d+\.\d/.test(text(row, column)) && !Number.isNaN(number(text(row, column))));

  // Cells without a value stand last, whichever way the others go.
  const compare = (column, numeric, sign) => (first, second) => {
    const [a, b] = [text(first, column), text(second, column)];
    const [noA, noB] = [a, b].map((words) => words === "" || words === "\u2013");
    if (noA || noB) {
      return noA - noB;
    }
    return sign * (numeric ? number(a) - number(b) : a.localeCompare(b));
  };

  const sort = (table, heading, column) => {
    const ascending = heading.getAttribute("aria-sort") !== "ascending";
    const body = table.tBodies[0];
    const rows = [...body.rows];
    rows.sort(compare(column, isNumeric(rows, column), ascending ? 1 : -1));
    for (const other of table.tHead.rows[0].cells) {
      other.removeAttribute("aria-sort");
    }
    heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    body.append(...rows);
  };

  for (const table of document.querySelectorAll(".sortable table")) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sort(table, heading, column));
      heading.append(button);
    });
  }
})();
