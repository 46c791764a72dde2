/* Parts of the images: those with estimates of their own, those chosen by their answers, a source
   group, and those that the reader marked. Each opens its images. */
"use strict";
(() => {
  const { el, format, state, choose } = lcbench;
  const key = (name) => `subsets.${name}`;

  function choiceOf(images) {
    const p = choose.within(key("protocol"), images.protocols.length, images.protocols.length - 1);
    const { baselines } = images.protocols[p];
    const b = choose.within(
      key("baseline"),
      baselines.length,
      Math.max(0, baselines.indexOf(images.reference)),
    );
    return {
      p,
      b,
      other: choose.within(key("other"), baselines.length, b === 0 ? baselines.length - 1 : b - 1),
      level: images.levels.length - 1,
      of: "",
      part: state.get(key("part")) ?? "",
      page: choose.within(key("page"), 1_000_000, 0),
    };
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
            baseline: there(value, choice.b),
            other: there(value, choice.other),
            page: null,
          }),
      ),
      choose.menu("Baseline", names, String(choice.b), (value) =>
        change({ baseline: value, page: null }),
      ),
      choose.menu("Compared with", names, String(choice.other), (value) =>
        change({ other: value, page: null }),
      ),
    ];
  }

  function opener(choice, name, title, size, open) {
    return el(
      "button",
      {
        type: "button",
        "data-part": name,
        "aria-pressed": String(choice.part === name),
        disabled: size === 0,
        onclick: () => open(name),
      },
      title,
    );
  }

  function table(caption, head, rows) {
    return el(
      "div",
      { class: "scroll", role: "region", tabindex: "0", "aria-label": caption },
      el(
        "table",
        { class: "rows plain" },
        el("caption", {}, caption),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            head.map((one, k) => el("th", { scope: "col", class: k ? "number" : null }, one)),
          ),
        ),
        el("tbody", {}, rows),
      ),
    );
  }

  const row = (name, first, cells) =>
    el(
      "tr",
      { "data-row": name },
      el("th", { scope: "row" }, first),
      cells.map((one) => el("td", { class: "number" }, one)),
    );

  /* Parts that were drawn without looking at answers: estimates from the file. */
  function drawn(images, data, choice, open) {
    const decimals = format.shareDecimals(
      data.protocols[choice.p].flatMap((one) => one.models[choice.b].map(([value]) => value)),
    );
    const rows = data.protocols[choice.p].map((one, place) => {
      const name = `drawn-${place}`;
      return row(name, opener(choice, name, one.title, one.images, open), [
        ...one.models[choice.b].map(([value, low, high]) =>
          format.shareInterval(value, low, high, { decimals }),
        ),
        format.integer(one.images),
        one.groups === null ? "unknown" : format.integer(one.groups),
        format.integer(one.answers),
      ]);
    });
    const confusion = data.confusion ? [`confusions within ${data.confusion}, %`] : [];
    return table(
      `${images.protocols[choice.p].titles[choice.b]}, ${images.protocols[choice.p].title}: parts drawn without looking at answers`,
      ["part", "accuracy, %", ...confusion, "images", "source groups", "answers"],
      rows,
    );
  }

  function groupsIn(images, rows) {
    const found = [...rows.keys()].map((one) => images.group(one));
    return found.some((one) => one < 0) ? null : new Set(found).size;
  }

  const size = (images, rows) => {
    const groups = groupsIn(images, rows);
    return [format.integer(rows.size), groups === null ? "unknown" : format.integer(groups)];
  };

  function counted(images, choice, found, wrong, open) {
    const rows = Object.entries(found).map(([name, one]) => {
      const answers = [...one.rows.values()].flat();
      return row(name, opener(choice, name, one.title, one.rows.size, open), [
        ...size(images, one.rows),
        format.integer(answers.length),
        format.integer(answers.filter(wrong).length),
      ]);
    });
    return table(
      "Parts chosen by their answers, or by you: counts alone",
      ["part", "images", "source groups", "answers", "of these wrong"],
      rows,
    );
  }

  /* A source group by its name: the datalist offers the hardest ones. */
  async function groupChoice(images, choice, open) {
    const tally = await images.tally(choice.p, choice.level, "");
    const rows = await images.rows(choice.p);
    const hardest = new Map();
    for (const image of new Set(rows)) {
      if (images.group(image) >= 0) hardest.set(images.group(image), tally.hardness(image));
    }
    if (!hardest.size) return el("p", { class: "soft" }, "Source groups are unknown.");
    const offered = [...hardest].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([one]) => one);
    const places = new Map(offered.map((one) => [images.groupName(one), one]));
    const said = el("span", { role: "status" });
    const input = el("input", { list: "subsets-groups", id: "subsets-group", autocomplete: "off" });
    const chosen = /^group-\d+$/.test(choice.part) ? Number(choice.part.slice(6)) : null;
    if (chosen !== null && hardest.has(chosen)) input.value = images.groupName(chosen);
    const go = (event) => {
      event.preventDefault();
      const place = places.get(input.value.trim());
      said.textContent = place === undefined ? "No tested image is of such a source group." : "";
      if (place !== undefined) open(`group-${place}`);
    };
    return el(
      "form",
      { class: "controls", onsubmit: go },
      el("label", { for: "subsets-group" }, "Source group "),
      input,
      el(
        "datalist",
        { id: "subsets-groups" },
        offered.slice(0, 200).map((one) => el("option", { value: images.groupName(one) })),
      ),
      el("button", {}, "Open"),
      said,
    );
  }

  /* {title, rows} of what is open; null where that is nothing. */
  async function partNow(images, data, arrays, choice, found) {
    const [kind, number] = choice.part.split("-");
    const place = Number(number);
    if (kind === "drawn" && data.protocols[choice.p][place]) {
      const one = data.protocols[choice.p][place];
      return { title: one.title, rows: await lcbench.partOf(images, arrays, choice.p, one) };
    }
    if (kind === "group" && Number.isInteger(place) && images.members(place).length) {
      const rows = await lcbench.groupPart(images, choice.p, place);
      return { title: `source group ${images.groupName(place)}`, rows, group: true };
    }
    return Object.hasOwn(found, choice.part) ? found[choice.part] : null;
  }

  async function openPart(images, choice, part, wrong, place, change) {
    if (!part) {
      place.replaceChildren(el("p", { class: "soft" }, "Choose a part to see its images."));
      return;
    }
    const answers = [...part.rows.values()].flat();
    const [many, groups] = size(images, part.rows);
    const own = images.protocols[choice.p].titles[choice.b];
    const kind = part.group
      ? " One source group is one case: there is no interval."
      : ` Source groups: ${groups}.`;
    const title = `${part.title}: ${many} images`;
    const below = el(
      "p",
      { class: "part-words", "data-images": part.rows.size, "data-answers": answers.length },
      `${format.integer(answers.filter(wrong).length)} of ${format.plural(answers.length, "answer")} by ${own} are wrong.${kind}`,
    );
    await choose.list(images, choice, part.rows, { id: "subsets", title, below, place, change });
  }

  async function start(root, data, arrays) {
    const images = await lcbench.images();
    let recount = () => {};
    // A new mark changes the counts; the cards that it was put on stay as they are.
    lcbench.on("notes", () => recount());
    const draw = async (parts, change, current) => {
      const choice = choiceOf(images);
      const [found, wrong] = await Promise.all([
        lcbench.parts(images, data, choice),
        lcbench.wrongOf(images, choice.p, choice.b),
      ]);
      const rows = await images.rows(choice.p);
      const withMarks = () => ({ ...found, ...lcbench.notes.parts(images, rows) });
      const open = async (part) => {
        await change({ part: choice.part === part ? null : part, page: null });
        const heading = parts.place.querySelector("h3");
        if (heading) lcbench.show(heading);
      };
      const group = await groupChoice(images, choice, open);
      const part = await partNow(images, data, arrays, choice, withMarks());
      if (!current()) return;
      const counts = el("div", {});
      recount = () => counts.replaceChildren(counted(images, choice, withMarks(), wrong, open));
      recount();
      parts.controls.replaceChildren(...controlsOf(images, choice, change));
      parts.table.replaceChildren(
        drawn(images, data, choice, open),
        el(
          "p",
          { class: "soft" },
          "Whoever looks for wrong answers finds wrong answers: an accuracy of the parts below, or an interval, would say nothing. Right and wrong: in more than half of the answers, where a line does not say otherwise.",
        ),
        counts,
        group,
      );
      await openPart(images, choice, part, wrong, parts.place, change);
    };
    await choose.section(root, "subsets", draw);
  }

  lcbench.section("subsets", { start });
})();
