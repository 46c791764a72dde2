/* Confusion matrices, and the images behind each cell. */
"use strict";
(() => {
  const { el, format, state, choose } = lcbench;
  const key = (name) => `images.${name}`;

  /* The choice that stands in the address, as far as the page has it. */
  function choiceOf(images) {
    const p = choose.within(key("protocol"), images.protocols.length, images.protocols.length - 1);
    const { baselines } = images.protocols[p];
    const level = choose.within(key("level"), images.levels.length, images.levels.length - 1);
    const options = images.levels[level].options.length;
    const of = state.get(key("of")) ?? "";
    const [row, column] = (state.get(key("cell")) ?? "").split("-").map((one) => parseInt(one, 10));
    return {
      p,
      level,
      b: choose.within(
        key("baseline"),
        baselines.length,
        Math.max(0, baselines.indexOf(images.reference)),
      ),
      of: images.ranges(p, of).length ? of : "",
      cell: row >= 0 && row < options && column >= 0 && column < options ? [row, column] : null,
      page: choose.within(key("page"), 1_000_000, 0),
    };
  }

  /* The answers of the chosen baseline in each cell, by image. */
  async function cellsOf(images, { p, level, b, of }) {
    const { of_node, of_leaf, options } = images.levels[level];
    const [rows, answers] = await Promise.all([images.rows(p), images.answers(p, b, level)]);
    const cells = options.map(() => options.map(() => ({ answers: 0, rows: new Map() })));
    for (const [from, to] of images.ranges(p, of)) {
      for (let row = from; row < to; row += 1) {
        const truth = of_node[images.trueNode(rows[row])] ?? -1;
        const answer = of_leaf[answers[row]];
        if (truth < 0 || answer < 0) continue;
        const cell = cells[truth][answer];
        cell.answers += 1;
        if (!cell.rows.has(rows[row])) cell.rows.set(rows[row], []);
        cell.rows.get(rows[row]).push(row);
      }
    }
    return cells;
  }

  function cellButton(options, [row, column], cell, total, open, onopen) {
    const share = total ? cell.answers / total : 0;
    const words = `true ${options[row]}, answered ${options[column]}: ${format.plural(cell.answers, "answer")} to ${format.plural(cell.rows.size, "image")}`;
    const made = el(
      "button",
      {
        type: "button",
        class: row === column ? "cell right" : "cell",
        "aria-label": words,
        "aria-pressed": String(open),
        "data-cell": `${row}-${column}`,
        "data-answers": cell.answers,
        "data-images": cell.rows.size,
        disabled: cell.answers === 0,
        onclick: () => onopen([row, column]),
      },
      el("span", { class: "count" }, format.integer(cell.answers)),
      el("span", { class: "share" }, format.share(share)),
    );
    made.style.setProperty("--share", `${Math.round(100 * Math.sqrt(share))}%`); // rare confusions show
    return made;
  }

  function matrix(images, choice, cells, onopen) {
    const { options } = images.levels[choice.level];
    const { title, titles } = images.protocols[choice.p];
    const isOpen = (row, column) => choice.cell?.[0] === row && choice.cell?.[1] === column;
    const rows = options.map((truth, row) => {
      const total = cells[row].reduce((sum, one) => sum + one.answers, 0);
      const made = cells[row].map((cell, column) =>
        el("td", {}, cellButton(options, [row, column], cell, total, isOpen(row, column), onopen)),
      );
      return el("tr", {}, el("th", { scope: "row" }, truth), made);
    });
    return el(
      "div",
      { class: "matrix-box", role: "region", tabindex: "0", "aria-label": "Confusion matrix" },
      el(
        "table",
        { class: "matrix" },
        el(
          "caption",
          {},
          `${titles[choice.b]}, ${title}: answers, and their share of the true class`,
        ),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("td", {}, "true \\ answered"),
            options.map((one) => el("th", { scope: "col" }, one)),
          ),
        ),
        el("tbody", {}, rows),
      ),
    );
  }

  async function openCell(images, choice, cells, place, change) {
    if (!choice.cell) {
      place.replaceChildren(el("p", { class: "soft" }, "Choose a cell to see its images."));
      return;
    }
    const [row, column] = choice.cell;
    const cell = cells[row][column];
    const { options } = images.levels[choice.level];
    const order = choose.order("images", change);
    const entries = await choose.entries(images, { ...choice, ...order }, cell.rows, {
      confidence: await choose.confidence(images, choice, cell.rows),
      words: (image, tally) =>
        `in this cell in ${format.integer(cell.rows.get(image).length)} of ${format.plural(tally.answered[image], "answer")}; ${choose.hardness(images, choice, image, tally)}`,
    });
    const what =
      row === column
        ? `${options[row]}, answered right`
        : `${options[row]} taken for ${options[column]}`;
    const groups = new Set(
      [...cell.rows.keys()].map((one) => images.group(one)).filter((one) => one >= 0),
    ).size;
    const words = `${format.plural(cell.answers, "answer")} to ${format.plural(cell.rows.size, "image")}${groups ? ` of ${format.plural(groups, "source group")}` : ""}`;
    const list = lcbench.imageList(images, entries, choice, {
      page: choice.page,
      onpage: (page) => state.set({ [key("page")]: page || null }),
    });
    await list.ready;
    place.replaceChildren(
      el("h3", { tabindex: "-1" }, what),
      el(
        "p",
        { class: "cell-words", "data-answers": cell.answers, "data-images": cell.rows.size },
        words,
      ),
      order.controls(),
      entries.length ? list : el("p", {}, "No image is like that."),
    );
    lcbench.say(`${what}: ${words}`);
  }

  function controlsOf(images, choice, change) {
    const { protocols, levels } = images;
    const shut = { cell: null, page: null };
    return [
      choose.menu(
        "Protocol",
        choose.numbered(protocols.map((one) => one.title)),
        String(choice.p),
        (value) => {
          const b = protocols[value].baselines.indexOf(protocols[choice.p].baselines[choice.b]);
          change({ protocol: value, baseline: Math.max(0, b), of: null, page: null });
        },
      ),
      choose.menu(
        "Baseline",
        choose.numbered(protocols[choice.p].titles),
        String(choice.b),
        (value) => change({ baseline: value, page: null }),
      ),
      levels.length > 1
        ? choose.menu("Level", choose.levels(images), String(choice.level), (value) =>
            change({ level: value, ...shut }),
          )
        : "",
      choose.menu("Splits", choose.splits(images, choice.p), choice.of, (value) =>
        change({ of: value, page: null }),
      ),
    ];
  }

  async function start(root) {
    const images = await lcbench.images();
    await choose.section(root, "images", async (parts, change, current) => {
      const choice = choiceOf(images);
      const cells = await cellsOf(images, choice);
      if (!current()) return;
      parts.controls.replaceChildren(...controlsOf(images, choice, change));
      const open = async (cell) => {
        await change({ cell: cell.join("-"), page: null });
        lcbench.show(parts.place.querySelector("h3"));
      };
      parts.table.replaceChildren(matrix(images, choice, cells, open));
      await openCell(images, choice, cells, parts.place, change);
    });
  }

  lcbench.section("images", { start });
})();
