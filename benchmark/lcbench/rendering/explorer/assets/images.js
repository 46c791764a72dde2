/* Confusion matrices, and the images behind each cell. */
"use strict";
(() => {
  const { el, format, state } = lcbench;
  const SORTS = {
    hardest: "hardest source groups first",
    wrong: "most baselines wrong first",
    disagreement: "most disagreement between baselines first",
    confident: "most confident answers first",
    unsure: "least confident answers first",
  };

  const key = (name) => `images.${name}`;

  function menu(label, options, chosen, onchoose) {
    const select = el(
      "select",
      { onchange: () => onchoose(select.value) },
      Object.entries(options).map(([value, words]) => el("option", { value, selected: value === chosen }, words)),
    );
    return el("label", { class: "menu" }, `${label} `, select);
  }

  const numbered = (words) => Object.fromEntries(words.map((one, number) => [String(number), one]));

  /* The choice that stands in the address, as far as the page has it. */
  function choiceOf(images) {
    const within = (name, size, otherwise) => {
      const given = state.get(key(name));
      const number = given === null ? NaN : Number(given);
      return Number.isInteger(number) && number >= 0 && number < size ? number : otherwise;
    };
    const free = images.protocols.length - 1;
    const p = within("protocol", images.protocols.length, free);
    const { baselines } = images.protocols[p];
    const level = within("level", images.levels.length, images.levels.length - 1);
    const options = images.levels[level].options.length;
    const of = state.get(key("of")) ?? "";
    const [row, column] = (state.get(key("cell")) ?? "").split("-").map((one) => parseInt(one, 10));
    return {
      p,
      level,
      b: within("baseline", baselines.length, Math.max(0, baselines.indexOf(images.reference))),
      of: images.ranges(p, of).length ? of : "",
      cell: row >= 0 && row < options && column >= 0 && column < options ? [row, column] : null,
      sort: state.get(key("sort")) in SORTS ? state.get(key("sort")) : "hardest",
      folded: state.get(key("copies")) !== "apart",
      page: within("page", 1_000_000, 0),
    };
  }

  function splitMenu(images, p) {
    const { splits } = images.protocols[p];
    const found = { "": `all ${format.plural(splits.length, "split")}` };
    const folds = splits.some((one) => one.fold > 0);
    for (const { seed, fold } of splits) {
      found[String(seed)] ??= folds ? `seed ${seed}, all folds` : `seed ${seed}`;
      if (folds) found[`${seed}.${fold}`] = `seed ${seed}, fold ${fold}`;
    }
    return found;
  }

  /* The images of each cell: how many answers of the chosen baseline lie there. */
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

  function matrix(images, choice, cells, onopen) {
    const { options } = images.levels[choice.level];
    const { title, titles } = images.protocols[choice.p];
    const width = options.length;
    const head = options.map((one) => el("th", { scope: "col" }, one));
    const rows = options.map((truth, row) => {
      const total = cells[row].reduce((sum, one) => sum + one.answers, 0);
      return el("tr", {}, el("th", { scope: "row" }, truth), cells[row].map((cell, column) => el("td", {}, button(row, column, cell, total))));
    });

    function button(row, column, cell, total) {
      const share = total ? cell.answers / total : 0;
      const open = choice.cell && choice.cell[0] === row && choice.cell[1] === column;
      const words = `true ${options[row]}, answered ${options[column]}: ${format.plural(cell.answers, "answer")} to ${format.plural(cell.rows.size, "image")}`;
      const made = el(
        "button",
        {
          type: "button", class: row === column ? "cell right" : "cell", "aria-label": words, "aria-pressed": String(Boolean(open)),
          "data-cell": `${row}-${column}`, "data-answers": cell.answers, "data-images": cell.rows.size,
          disabled: cell.answers === 0, onclick: () => onopen([row, column]),
        },
        el("span", { class: "count" }, format.integer(cell.answers)),
        el("span", { class: "share" }, cell.answers ? format.share(share) : "0 %"),
      );
      made.style.setProperty("--share", `${Math.round(100 * Math.sqrt(share))}%`); // rare confusions show
      return made;
    }

    return el(
      "div",
      { class: "matrix-box", role: "region", tabindex: "0", "aria-label": "Confusion matrix" },
      el(
        "table",
        { class: "matrix" },
        el("caption", {}, `${titles[choice.b]}, ${title}: answers, and their share of the true class`),
        el("thead", {}, el("tr", {}, el("td", {}, "true \\ answered"), head)),
        el("tbody", {}, rows),
      ),
      width > 8 ? el("p", { class: "soft" }, "Scroll sideways for more classes.") : null,
    );
  }

  /* Confidence: mean probability of the option that was answered, over the answers of a cell. */
  async function confidenceIn(images, choice, cell) {
    const chances = await images.chances(choice.p, choice.b);
    const { of_leaf } = images.levels[choice.level];
    const leaves = of_leaf.flatMap((option, leaf) => (option === choice.cell[1] ? [leaf] : []));
    const of_row = (row) => leaves.reduce((sum, leaf) => sum + chances[row * of_leaf.length + leaf], 0) / 65535;
    return (image) => {
      const rows = cell.rows.get(image);
      return chances ? rows.reduce((sum, row) => sum + of_row(row), 0) / rows.length : 0;
    };
  }

  async function entriesOf(images, choice, cell) {
    const tally = await images.tally(choice.p, choice.level, choice.of);
    const confidence = await confidenceIn(images, choice, cell);
    const measures = {
      hardest: tally.hardness,
      wrong: tally.baselinesWrong,
      disagreement: tally.disagreement,
      confident: confidence,
      unsure: (image) => -confidence(image),
    };
    const measure = measures[choice.sort];
    const found = [...cell.rows.keys()].map((image) => ({
      image, value: measure(image), wrong: tally.baselinesWrong(image), group: images.group(image),
    }));
    // Images of a group stay together where the group decides.
    found.sort((a, b) => b.value - a.value || (choice.sort === "hardest" ? a.group - b.group : 0) || b.wrong - a.wrong || a.image - b.image);
    const words = (image) => {
      const count = tally.baselinesWrong(image);
      const of = images.protocols[choice.p].baselines.length;
      return `${count} of ${format.plural(of, "baseline")} wrong; in this cell in ${format.integer(cell.rows.get(image).length)} of ${format.plural(tally.answered[image], "answer")}; its group is answered wrong by ${format.share(tally.hardness(image))} of all answers`;
    };
    if (!choice.folded) return found.map(({ image }) => ({ image, copies: [], words: words(image) }));
    const byGroup = new Map();
    for (const { image, group } of found) {
      const name = group < 0 ? `i${image}` : group;
      if (byGroup.has(name)) byGroup.get(name).copies.push(image);
      else byGroup.set(name, { image, copies: [], words: words(image) });
    }
    return [...byGroup.values()];
  }

  async function openCell(images, choice, cells, place, change) {
    if (!choice.cell) {
      place.replaceChildren(el("p", { class: "soft" }, "Choose a cell to see its images."));
      return;
    }
    const [row, column] = choice.cell;
    const cell = cells[row][column];
    const { options } = images.levels[choice.level];
    const entries = await entriesOf(images, choice, cell);
    const what = row === column ? `${options[row]}, answered right` : `${options[row]} taken for ${options[column]}`;
    const groups = new Set([...cell.rows.keys()].map((one) => images.group(one)).filter((one) => one >= 0)).size;
    const list = lcbench.imageList(images, entries, choice, { page: choice.page, onpage: (page) => state.set({ [key("page")]: page || null }) });
    const words = `${format.plural(cell.answers, "answer")} to ${format.plural(cell.rows.size, "image")}${groups ? ` of ${format.plural(groups, "source group")}` : ""}`;
    place.replaceChildren(
      el("h3", { tabindex: "-1", class: "cell-title" }, what),
      el("p", { class: "cell-words", "data-answers": cell.answers, "data-images": cell.rows.size }, words),
      el(
        "div",
        { class: "controls" },
        menu("Sort", SORTS, choice.sort, (value) => change({ sort: value, page: null })),
        el("label", { class: "menu" }, el("input", { type: "checkbox", checked: choice.folded, onchange: (event) => change({ copies: event.target.checked ? null : "apart", page: null }) }), " fold copies of a source group"),
      ),
      entries.length ? list : el("p", {}, "No image lies in this cell."),
    );
    await list.ready;
    lcbench.say(`${what}: ${words}`);
  }

  async function start(root) {
    const images = await lcbench.images();
    const controls = el("div", { class: "controls" });
    const table = el("div", {});
    const place = el("div", { class: "cell-images" });
    root.append(controls, table, place);
    let wanted = 0;

    function change(changes) {
      state.set(Object.fromEntries(Object.entries(changes).map(([name, value]) => [key(name), value])));
      return draw();
    }

    async function draw() {
      const mine = (wanted += 1);
      const choice = choiceOf(images);
      const { protocols, levels } = images;
      const cells = await cellsOf(images, choice);
      if (mine !== wanted) return;
      const shut = { cell: null, page: null };
      const level_words = levels.map((one, number) => (number === levels.length - 1 ? "classes" : `level ${number + 1}: ${one.options.join(" / ")}`));
      controls.replaceChildren(
        menu("Protocol", numbered(protocols.map((one) => one.title)), String(choice.p), (value) => {
          const b = protocols[value].baselines.indexOf(protocols[choice.p].baselines[choice.b]);
          change({ protocol: value, baseline: Math.max(0, b), of: null, page: null });
        }),
        menu("Baseline", numbered(protocols[choice.p].titles), String(choice.b), (value) => change({ baseline: value, page: null })),
        levels.length > 1 ? menu("Level", numbered(level_words), String(choice.level), (value) => change({ level: value, ...shut })) : "",
        menu("Splits", splitMenu(images, choice.p), choice.of, (value) => change({ of: value, page: null })),
      );
      table.replaceChildren(
        matrix(images, choice, cells, async (cell) => {
          await change({ cell: cell.join("-"), page: null });
          lcbench.show(place.querySelector("h3"));
        }),
      );
      await openCell(images, choice, cells, place, change);
      root.dataset.drawn = String(mine);
    }

    lcbench.on("state", draw);
    await draw();
  }

  lcbench.section("images", { start });
})();
