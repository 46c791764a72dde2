/* Tables as text to copy.

   lcbench.csv(header, rows)  a CSV file in which no cell is a formula to a spreadsheet.
   lcbench.parseCsv(text)  the rows of such a file, or of what a spreadsheet made of it.
   lcbench.copies  writers by name: each takes the columns of lcbench.table and its rows. */
"use strict";
(() => {
  const { format } = lcbench;

  const FORMULA = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
  const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

  function csvCell(value) {
    if (value === null || value === undefined) return "";
    const text = typeof value === "number" || NUMBER.test(value) ? String(value) : value;
    const safe =
      typeof value === "string" && FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  }

  const csv = (header, rows) =>
    [header, ...rows].map((row) => `${row.map(csvCell).join(",")}\n`).join("");

  /* The delimiter is what the first line has most of: spreadsheets write semicolons too. */
  function parseCsv(text) {
    const body = text.replace(/^\ufeff/, "");
    const [first] = body.split(/\r?\n/, 1);
    const delimiter = [",", ";", "\t"]
      .map((one) => [first.split(one).length, one])
      .sort((a, b) => b[0] - a[0])[0][1];
    const cell = new RegExp(
      `(?:"((?:[^"]|"")*)"|([^"${delimiter}\\r\\n][^${delimiter}\\r\\n]*)?)(${delimiter}|\\r?\\n|\\r|$)`,
      "y",
    );
    const rows = [[]];
    while (cell.lastIndex < body.length) {
      const from = cell.lastIndex;
      const found = cell.exec(body);
      if (!found)
        throw new Error(`a quotation mark is open or out of place at character ${from + 1}`);
      const value = found[1] === undefined ? (found[2] ?? "") : found[1].replaceAll('""', '"');
      rows.at(-1).push(FORMULA.test(value) && value.startsWith("'") ? value.slice(1) : value);
      if (found[3] !== delimiter) rows.push([]);
      else if (cell.lastIndex === body.length) rows.at(-1).push("");
    }
    return rows.filter((row) => row.length);
  }

  function tableCsv(columns, rows) {
    const cells = (row) =>
      Object.assign(
        {},
        ...columns.map((one) => (one.csv ? one.csv(row) : { [one.title]: one.text(row) })),
      );
    const found = rows.map(cells);
    const header = [...new Set(found.flatMap((one) => Object.keys(one)))];
    return csv(
      header,
      found.map((one) => header.map((name) => one[name])),
    );
  }

  const LATEX = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    $: "\\$",
    "&": "\\&",
    "#": "\\#",
    _: "\\_",
    "%": "\\%",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "\u2212": "$-$",
    "\u2013": "--",
    "\u221e": "$\\infty$",
    "|": "$|$",
    '"': "''",
    "[": "{[}",
    "]": "{]}",
  };
  const latexText = (text) =>
    text.replace(/[\\{}$&#_%~^<>\u2212\u2013\u221e|"[\]]/g, (one) => LATEX[one]);

  function tableLatex(columns, rows) {
    const line = (cells) => `${cells.map(latexText).join(" & ")} \\\\`;
    return [
      `\\begin{tabular}{${columns.map((one) => (one.number ? "r" : "l")).join("")}}`,
      "\\toprule",
      line(columns.map((one) => one.title)),
      "\\midrule",
      ...rows.map((row) => line(columns.map((one) => one.text(row)))),
      "\\bottomrule",
      "\\end{tabular}",
      "",
    ].join("\n");
  }

  const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  const INTERVAL =
    /^[+\u2212]?[\d.,\u221e]+( %)? \[[+\u2212\d.,\u221e\u2013]+, [+\u2212\d.,\u221e\u2013]+\]$/;

  function markdownText(text) {
    if (INTERVAL.test(text) || /^< 0\.\d+( \(few groups\))?$/.test(text)) return text;
    return text
      .replace(/[&<>]/g, (one) => ENTITIES[one])
      .replace(/[\\`*_[\]|~$!#]/g, "\\$&")
      .replace(/(https?|ftp|mailto|xmpp):/gi, "$1\\:")
      .replace(/www\./gi, "www\\.");
  }

  function tableMarkdown(columns, rows) {
    const line = (cells) => `| ${cells.join(" | ")} |`;
    return [
      line(columns.map((one) => markdownText(one.title))),
      line(columns.map((one) => (one.number ? "---:" : ":---"))),
      ...rows.map((row) => line(columns.map((one) => markdownText(one.text(row)) || format.NONE))),
      "",
    ].join("\n");
  }

  const copies = { CSV: tableCsv, LaTeX: tableLatex, Markdown: tableMarkdown };

  Object.assign(lcbench, { csv, parseCsv, copies });
})();
