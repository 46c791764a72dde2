/* Tables that sort, with rows that have an address, and copies; lists to choose from.

   lcbench.table({id, caption, file})  a table: {node, show({columns, rows, caption, key, address}),
       goToRow()}.
       A column: {key, title, text(row), order(row), cell(row), number, picture, words, head,
       csv(row)}:
       text is what is read and copied, order what is sorted by (without: not sortable), cell what
       is shown instead, head what stands below its title, csv columns of the CSV file by title.
       key(row): the row's name; address(row): what must be shown for the row to be there.
   lcbench.choice(label, options, chosen, change)  a list; options {key, title, group}.
   lcbench.search(label, text, change)  a field for text. Both give {node, input}. */
"use strict";
(() => {
  const { el, format, state, say, copy } = lcbench;
  const FEW = 150;

  /* The table */

  // What is missing comes last, whichever way one sorts.
  function sorted(rows, column, descending) {
    const missing = (one) => one === null || one === undefined || Number.isNaN(one);
    const compare = (a, b) =>
      typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b;
    return rows
      .map((row, place) => ({ row, place, by: column.order(row) }))
      .sort((a, b) => {
        if (missing(a.by) || missing(b.by))
          return missing(a.by) - missing(b.by) || a.place - b.place;
        return (descending ? -1 : 1) * compare(a.by, b.by) || a.place - b.place;
      })
      .map((one) => one.row);
  }

  function table({ id, caption, file = id }) {
    const shown = { columns: [], rows: [], caption, key: () => "", address: () => ({}) };
    let everything = false;
    const title = el("caption");
    const head = el("thead");
    const body = el("tbody");
    const box = el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
      el("table", { class: "rows" }, title, head, body),
    );
    const count = el("span", { class: "count soft" });
    const more = el("button", {
      type: "button",
      hidden: true,
      onclick: () => {
        everything = true;
        draw();
      },
    });
    const copies = Object.entries(lcbench.copies).map(([name, write]) =>
      el(
        "button",
        {
          type: "button",
          onclick: () => copy(write(written(), ordered()), `${shown.caption} as ${name}`),
        },
        name,
      ),
    );
    const saved = el(
      "button",
      {
        type: "button",
        onclick: () => lcbench.save(`${file}.csv`, lcbench.copies.CSV(written(), ordered())),
      },
      "Save CSV",
    );
    const tools = el(
      "div",
      { class: "tools controls", role: "group", "aria-label": `Copies of the table: ${caption}` },
      count,
      el("span", { class: "soft" }, "Copy as"),
      copies,
      saved,
    );

    const written = () => shown.columns.filter((one) => one.text);

    function order() {
      const [key, direction] = (state.get(`${id}.sort`) ?? "").split(":");
      const column = shown.columns.find((one) => one.key === key && one.order);
      return column ? { column, descending: direction === "down" } : null;
    }

    function ordered() {
      const by = order();
      return by ? sorted(shown.rows, by.column, by.descending) : shown.rows;
    }

    // Numbers begin with the largest, names with A; the third press gives the first order back.
    function sortBy(column) {
      const by = order();
      const first = column.number ? "down" : "up";
      const now = by && by.column === column ? (by.descending ? "down" : "up") : null;
      const next = now === null ? first : now === first ? (first === "down" ? "up" : "down") : null;
      state.set({ [`${id}.sort`]: next && `${column.key}:${next}` });
      draw();
      head.querySelector(`button[data-key="${CSS.escape(column.key)}"]`)?.focus();
      say(
        next
          ? `Sorted by ${column.title}, ${next === "down" ? "descending" : "ascending"}`
          : "In the first order again",
      );
    }

    function heading(column, by) {
      const sort =
        by && by.column === column
          ? by.descending
            ? "descending"
            : "ascending"
          : column.order
            ? "none"
            : null;
      const label = column.order
        ? el(
            "button",
            {
              type: "button",
              class: "sort",
              "data-key": column.key,
              onclick: () => sortBy(column),
            },
            column.title,
          )
        : el("span", {}, column.title);
      return el(
        "th",
        { scope: "col", class: column.number ? "number" : null, "aria-sort": sort },
        label,
        column.head ?? null,
      );
    }

    function line(row) {
      const key = shown.key(row);
      const chosen = state.get(`${id}.row`) === key;
      const cells = shown.columns.map((column, place) => {
        const content = column.cell ? column.cell(row) : column.text(row);
        const name = ["number", "picture", "words"].filter((one) => column[one]).join(" ") || null;
        return place === 0
          ? el("th", { scope: "row", class: name }, content)
          : el("td", { class: name }, content);
      });
      const href = state.link({ ...shown.address(row), at: null, [`${id}.row`]: key });
      const link = el(
        "a",
        {
          href,
          "aria-label": `Link to this row: ${written()
            .map((one) => one.text(row))
            .slice(0, 3)
            .join(", ")}`,
          title: "Link to this row",
        },
        "#",
      );
      return el(
        "tr",
        { class: chosen ? "chosen" : null, "aria-current": chosen ? "true" : null },
        cells,
        el("td", { class: "link" }, link),
      );
    }

    function draw() {
      const by = order();
      const rows = ordered();
      const chosen = rows.findIndex((row) => shown.key(row) === state.get(`${id}.row`));
      const few = everything ? rows : rows.slice(0, Math.max(FEW, chosen + 1));
      head.replaceChildren(
        el(
          "tr",
          {},
          shown.columns.map((one) => heading(one, by)),
          el("th", { class: "link" }, el("span", { class: "unseen" }, "Link")),
        ),
      );
      body.replaceChildren(...few.map(line));
      if (!rows.length) {
        body.append(
          el(
            "tr",
            {},
            el("td", { colspan: shown.columns.length + 1 }, "Nothing matches these filters."),
          ),
        );
      }
      title.textContent = shown.caption;
      count.textContent =
        few.length < rows.length
          ? `${format.integer(few.length)} of ${format.plural(rows.length, "row")}`
          : format.plural(rows.length, "row");
      more.textContent = `Show all ${format.plural(rows.length, "row")}`;
      more.hidden = few.length === rows.length;
    }

    return {
      node: el("div", { class: "sortable" }, tools, box, more),
      show(next) {
        Object.assign(shown, next);
        everything = false;
        draw();
      },
      goToRow() {
        const row = body.querySelector("tr.chosen");
        if (row) lcbench.show(row);
      },
    };
  }

  /* Lists to choose from */

  let numbered = 0;

  function field(label, input) {
    numbered += 1;
    input.id = `field-${numbered}`;
    return el("div", { class: "field" }, el("label", { for: input.id }, label), input);
  }

  function choice(label, options, chosen, change) {
    const groups = new Map();
    for (const one of options) {
      if (!groups.has(one.group)) groups.set(one.group, []);
      groups
        .get(one.group)
        .push(el("option", { value: one.key, selected: one.key === chosen }, one.title));
    }
    const parts = [...groups].map(([name, found]) =>
      name ? el("optgroup", { label: name }, found) : found,
    );
    const input = el("select", { onchange: () => change(input.value) }, parts);
    const node = field(label, input);
    return { node, input };
  }

  function search(label, text, change) {
    const input = el("input", { type: "search", value: text, oninput: () => change(input.value) });
    return { node: field(label, input), input };
  }

  Object.assign(lcbench, { table, choice, search });
})();
