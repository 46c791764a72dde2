/* Two baselines side by side: images that only one of them gets right. */
"use strict";
(() => {
  const { el, format, state, choose } = lcbench;
  const key = (name) => `pairs.${name}`;
  const CELLS = {
    a: (one, other) => `only ${one} is right`,
    b: (one, other) => `only ${other} is right`,
    both: () => "both are right",
    neither: () => "both are wrong",
  };

  function choiceOf(images) {
    const p = choose.within(key("protocol"), images.protocols.length, images.protocols.length - 1);
    const { baselines } = images.protocols[p];
    const reference = Math.max(0, baselines.indexOf(images.reference));
    const a = choose.within(key("a"), baselines.length, reference);
    const other = a === baselines.length - 1 ? Math.max(0, a - 1) : baselines.length - 1;
    const of = state.get(key("of")) ?? "";
    const cell = state.get(key("cell"));
    return {
      p,
      a,
      b: choose.within(key("b"), baselines.length, other),
      level: choose.within(key("level"), images.levels.length, images.levels.length - 1),
      of: images.ranges(p, of).length ? of : "",
      cell: Object.hasOwn(CELLS, cell) ? cell : null,
      page: choose.within(key("page"), 1_000_000, 0),
    };
  }

  async function cellsOf(images, { p, a, b, level, of }) {
    const { of_node, of_leaf } = images.levels[level];
    const [rows, first, second] = await Promise.all([
      images.rows(p),
      images.answers(p, a, level),
      images.answers(p, b, level),
    ]);
    const cells = Object.fromEntries(
      Object.keys(CELLS).map((name) => [name, { answers: 0, rows: new Map() }]),
    );
    for (const [from, to] of images.ranges(p, of)) {
      for (let row = from; row < to; row += 1) {
        const truth = of_node[images.trueNode(rows[row])] ?? -1;
        if (truth < 0) continue;
        const [one, other] = [of_leaf[first[row]] === truth, of_leaf[second[row]] === truth];
        const cell = cells[one ? (other ? "both" : "a") : other ? "b" : "neither"];
        cell.answers += 1;
        if (!cell.rows.has(rows[row])) cell.rows.set(rows[row], []);
        cell.rows.get(rows[row]).push(row);
      }
    }
    return cells;
  }

  /* Confidence: of the baseline that is wrong alone, else of the first, in what it answered. */
  async function confidenceIn(images, choice, cell) {
    const b = choice.cell === "a" ? choice.b : choice.a;
    const [answers, chances] = await Promise.all([
      images.answers(choice.p, b, choice.level),
      images.chances(choice.p, b),
    ]);
    const { of_leaf } = images.levels[choice.level];
    const ofRow = (row) =>
      of_leaf.reduce(
        (sum, option, leaf) =>
          sum + (option === of_leaf[answers[row]] ? chances[row * of_leaf.length + leaf] : 0),
        0,
      ) / 65535;
    return (image) => {
      const rows = cell.rows.get(image);
      return chances ? rows.reduce((sum, row) => sum + ofRow(row), 0) / rows.length : 0;
    };
  }

  function table(images, choice, cells, onopen) {
    const { titles, title } = images.protocols[choice.p];
    const [one, other] = [titles[choice.a], titles[choice.b]];
    const button = (name) =>
      el(
        "td",
        {},
        el(
          "button",
          {
            type: "button",
            class: name === "both" ? "cell right" : "cell",
            "aria-label": `${CELLS[name](one, other)}: ${format.plural(cells[name].answers, "answer")} to ${format.plural(cells[name].rows.size, "image")}`,
            "aria-pressed": String(choice.cell === name),
            "data-cell": name,
            "data-answers": cells[name].answers,
            disabled: cells[name].answers === 0,
            onclick: () => onopen(name),
          },
          el("span", { class: "count" }, format.integer(cells[name].answers)),
          el("span", { class: "share" }, format.plural(cells[name].rows.size, "image")),
        ),
      );
    return el(
      "div",
      {
        class: "matrix-box",
        role: "region",
        tabindex: "0",
        "aria-label": "Right and wrong answers of two baselines",
      },
      el(
        "table",
        { class: "matrix" },
        el("caption", {}, `${one} and ${other}, ${title}: answers to the same images`),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("td", {}),
            el("th", { scope: "col" }, `${other} right`),
            el("th", { scope: "col" }, `${other} wrong`),
          ),
        ),
        el("tbody", {}, [
          el("tr", {}, el("th", { scope: "row" }, `${one} right`), button("both"), button("a")),
          el("tr", {}, el("th", { scope: "row" }, `${one} wrong`), button("b"), button("neither")),
        ]),
      ),
    );
  }

  /* What the report's test says of the same counts, where it compared the two. */
  function tested(images, choice, data) {
    const { baselines, titles } = images.protocols[choice.p];
    const names = [baselines[choice.a], baselines[choice.b]];
    const found = data.protocols[choice.p].find(
      (one) => names.includes(one.a) && names.includes(one.b) && one.a !== one.b,
    );
    const leaves = choice.level === images.levels.length - 1;
    if (!found || names[0] === names[1] || !leaves) return null;
    const [one, other] = [titles[baselines.indexOf(found.a)], titles[baselines.indexOf(found.b)]];
    const words = `In the report, over all splits: ${one} errs alone in ${format.integer(found.only_a)} answers and ${other} in ${format.integer(found.only_b)}; ${found.p}, adjusted ${found.p_adjusted} (${found.test}). Verdict on the difference: ${found.verdict}.`;
    return el(
      "p",
      { class: "tested", "data-only-a": found.only_a, "data-only-b": found.only_b },
      words,
    );
  }

  async function openCell(images, choice, cells, place, change) {
    if (!choice.cell) {
      place.replaceChildren(el("p", { class: "soft" }, "Choose a cell to see its images."));
      return;
    }
    const cell = cells[choice.cell];
    const { titles } = images.protocols[choice.p];
    const order = choose.order("pairs", change);
    const entries = await choose.entries(images, { ...choice, ...order }, cell.rows, {
      confidence: await confidenceIn(images, choice, cell),
      words: (image, tally) =>
        `like this in ${format.integer(cell.rows.get(image).length)} of ${format.plural(tally.answered[image], "answer")}; ${choose.hardness(images, choice, image, tally)}`,
    });
    const list = lcbench.imageList(images, entries, choice, {
      page: choice.page,
      onpage: (page) => state.set({ [key("page")]: page || null }),
    });
    await list.ready;
    const what = CELLS[choice.cell](titles[choice.a], titles[choice.b]);
    const words = `${format.plural(cell.answers, "answer")} to ${format.plural(cell.rows.size, "image")}`;
    place.replaceChildren(
      el("h3", { tabindex: "-1" }, what),
      el("p", { class: "cell-words", "data-answers": cell.answers }, words),
      order.controls(),
      entries.length ? list : el("p", {}, "No image is like that."),
    );
    lcbench.say(`${what}: ${words}`);
  }

  function controlsOf(images, choice, change) {
    const { protocols } = images;
    const { titles, baselines } = protocols[choice.p];
    const names = choose.numbered(titles);
    const there = (value, number) =>
      Math.max(0, protocols[value].baselines.indexOf(baselines[number]));
    return [
      choose.menu(
        "Protocol",
        choose.numbered(protocols.map((one) => one.title)),
        String(choice.p),
        (value) =>
          change({
            protocol: value,
            a: there(value, choice.a),
            b: there(value, choice.b),
            of: null,
            page: null,
          }),
      ),
      choose.menu("First", names, String(choice.a), (value) => change({ a: value, page: null })),
      choose.menu("Second", names, String(choice.b), (value) => change({ b: value, page: null })),
      images.levels.length > 1
        ? choose.menu("Level", choose.levels(images), String(choice.level), (value) =>
            change({ level: value, page: null }),
          )
        : "",
      choose.menu("Splits", choose.splits(images, choice.p), choice.of, (value) =>
        change({ of: value, page: null }),
      ),
    ];
  }

  async function start(root, data) {
    const images = await lcbench.images();
    await choose.section(root, "pairs", async (parts, change, current) => {
      const choice = choiceOf(images);
      const cells = await cellsOf(images, choice);
      if (!current()) return;
      parts.controls.replaceChildren(...controlsOf(images, choice, change));
      const open = async (cell) => {
        await change({ cell, page: null });
        lcbench.show(parts.place.querySelector("h3"));
      };
      parts.table.replaceChildren(
        table(images, choice, cells, open),
        tested(images, choice, data) ?? "",
      );
      await openCell(images, choice, cells, parts.place, change);
    });
  }

  lcbench.section("pairs", { start });
})();
