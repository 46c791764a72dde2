/* What is chosen where images are listed, and in which order they come.

   lcbench.choose.menu(label, {value: words}, chosen, onchoose)   a labelled select
   lcbench.choose.numbered([words])   what menus take, by number
   lcbench.choose.splits(images, p)   what the menu of splits offers
   lcbench.choose.levels(images)   what the menu of levels offers
   lcbench.choose.section(root, id, draw)   a promise; puts controls, a table and a place for images
       into a part, and draws them again when the choice changes: draw({controls, table, place},
       change, current), where current() tells whether nothing was chosen meanwhile
   lcbench.choose.within(key, size, otherwise)   a number below size from the address
   lcbench.choose.order(key, change)   controls for sorting and folding; .sort, .folded: the choice
   lcbench.choose.entries(images, choice, rows, {confidence, words})   a promise of the entries of
       lcbench.imageList. choice: {p, level, of, sort, folded}; rows: a Map from an image to its
       predictions; confidence(image); words(image, tally). */
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

  function menu(label, options, chosen, onchoose) {
    const select = el(
      "select",
      { onchange: () => onchoose(select.value) },
      Object.entries(options).map(([value, words]) =>
        el("option", { value, selected: value === chosen }, words),
      ),
    );
    return el("label", { class: "menu" }, `${label} `, select);
  }

  const numbered = (words) => Object.fromEntries(words.map((one, number) => [String(number), one]));

  function within(key, size, otherwise) {
    const given = state.get(key);
    const number = given === null ? NaN : Number(given);
    return Number.isInteger(number) && number >= 0 && number < size ? number : otherwise;
  }

  function splits(images, p) {
    const every = images.protocols[p].splits;
    const found = { "": `all ${format.plural(every.length, "split")}` };
    const folds = every.some((one) => one.fold > 0);
    for (const { seed, fold } of every) {
      found[String(seed)] ??= folds ? `seed ${seed}, all folds` : `seed ${seed}`;
      if (folds) found[`${seed}.${fold}`] = `seed ${seed}, fold ${fold}`;
    }
    // Keys that are numbers come first in an object: seeds before their folds, as it should be.
    return found;
  }

  function levels(images) {
    const last = images.levels.length - 1;
    return numbered(
      images.levels.map((one, number) =>
        number === last ? "classes" : `level ${number + 1}: ${one.options.join(" / ")}`,
      ),
    );
  }

  /* Controls are made anew: the focus goes to the one in the same place. */
  function keepFocus(root) {
    const every = () => [...root.querySelectorAll("select, input, button")];
    const before = root.contains(document.activeElement)
      ? every().indexOf(document.activeElement)
      : -1;
    return () => {
      if (before >= 0 && document.activeElement === document.body)
        every()[before]?.focus({ preventScroll: true });
    };
  }

  async function section(root, id, draw) {
    const parts = {
      controls: el("div", { class: "controls" }),
      table: el("div", {}),
      place: el("div", { class: "cell-images" }),
    };
    root.append(parts.controls, parts.table, parts.place);
    let wanted = 0;

    function change(changes) {
      state.set(
        Object.fromEntries(
          Object.entries(changes).map(([name, value]) => [`${id}.${name}`, value]),
        ),
      );
      return again();
    }

    async function again() {
      const mine = (wanted += 1);
      const focus = keepFocus(root);
      await draw(parts, change, () => mine === wanted);
      focus();
      root.dataset.drawn = String(mine);
    }

    lcbench.on("state", again);
    await again();
  }

  function order(section, change) {
    const given = state.get(`${section}.sort`);
    const sort = Object.hasOwn(SORTS, given) ? given : "hardest";
    const folded = state.get(`${section}.copies`) !== "apart";
    const fold = (event) => change({ copies: event.target.checked ? null : "apart", page: null });
    return {
      sort,
      folded,
      controls: () =>
        el(
          "div",
          { class: "controls" },
          menu("Sort", SORTS, sort, (value) => change({ sort: value, page: null })),
          el(
            "label",
            { class: "menu" },
            el("input", { type: "checkbox", checked: folded, onchange: fold }),
            " fold copies of a source group",
          ),
        ),
    };
  }

  async function entries(images, choice, rows, { confidence, words }) {
    const tally = await images.tally(choice.p, choice.level, choice.of);
    const measure = {
      hardest: tally.hardness,
      wrong: tally.baselinesWrong,
      disagreement: tally.disagreement,
      confident: confidence,
      unsure: (image) => -confidence(image),
    }[choice.sort];
    const found = [...rows.keys()].map((image) => ({
      image,
      value: measure(image),
      wrong: tally.baselinesWrong(image),
      group: images.group(image),
    }));
    // Images of a group stay together where the group decides.
    const together = choice.sort === "hardest" ? 1 : 0;
    found.sort(
      (a, b) =>
        b.value - a.value ||
        together * (a.group - b.group) ||
        b.wrong - a.wrong ||
        a.image - b.image,
    );
    const entry = (image) => ({ image, copies: [], words: words(image, tally) });
    if (!choice.folded) return found.map(({ image }) => entry(image));
    const byGroup = new Map();
    for (const { image, group } of found) {
      const name = group < 0 ? `i${image}` : group;
      if (byGroup.has(name)) byGroup.get(name).copies.push(image);
      else byGroup.set(name, entry(image));
    }
    return [...byGroup.values()];
  }

  /* How hard an image is, in words. */
  function hardness(images, choice, image, tally) {
    const of = images.protocols[choice.p].baselines.length;
    return `${tally.baselinesWrong(image)} of ${format.plural(of, "baseline")} wrong here; ${format.share(tally.hardness(image))} of all answers to its source group are wrong`;
  }

  lcbench.choose = { menu, numbered, splits, levels, section, within, order, entries, hardness };
})();
