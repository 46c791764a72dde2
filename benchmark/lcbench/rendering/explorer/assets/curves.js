/* Risk-coverage and reliability curves, with a threshold that the reader moves. */
"use strict";
(() => {
  const { el, format, state, choose } = lcbench;
  const key = (name) => `curves.${name}`;
  const LISTS = {
    wrong: ["wrongRows", "Wrong answers that are given"],
    silent: ["silentRows", "Images without an answer"],
  };

  function choiceOf(images, data) {
    const p = choose.within(key("protocol"), images.protocols.length, images.protocols.length - 1);
    const { baselines } = images.protocols[p];
    const there = Object.keys(data.protocols[p].models).map(Number);
    const usual = there.includes(baselines.indexOf(images.reference))
      ? baselines.indexOf(images.reference)
      : there[0];
    const b = choose.within(key("baseline"), baselines.length, usual);
    const of = state.get(key("of")) ?? "";
    return {
      p,
      there,
      b: there.includes(b) ? b : usual,
      level: choose.within(key("level"), images.levels.length, images.levels.length - 1),
      of: images.ranges(p, of).length ? of : "",
      at: state.get(key("at")) ?? "",
      show: Object.hasOwn(LISTS, state.get(key("show"))) ? state.get(key("show")) : null,
      page: choose.within(key("page"), 1_000_000, 0),
    };
  }

  /* Where the threshold stands: a stop of the slider, or an operating point of the analysis. */
  function standing(found, model, at) {
    const point = model.points.find((one) => at === `risk-${one.target}`);
    if (point) return { point, reached: point.reached };
    const given = /^\d+$/.test(at) ? Number(at) : 0;
    const stop = Math.min(given, found.stops.length - 1);
    return { stop, reached: found.atStop(stop) };
  }

  function thresholdWords({ stop, point }, found) {
    if (!point) {
      return found.stops[stop] === 0
        ? "0 %: everything is answered"
        : `${lcbench.sure(found.stops[stop])}, for every trained model`;
    }
    const known = point.thresholds.filter((one) => one !== null);
    if (!known.length)
      return `no threshold keeps ${lcbench.target(point.target)}: nothing is answered`;
    const [low, high] = [Math.min(...known), Math.max(...known)].map(lcbench.sure);
    const all = `0 %: everything is answered, by the thresholds for ${lcbench.target(point.target)}`;
    if (known.length === point.thresholds.length && !Math.max(...known)) return all;
    const range = low === high ? low : `${low} to ${high}`;
    const none = point.thresholds.length - known.length;
    const silent = none ? `; ${format.plural(none, "trained model")} answer nothing` : "";
    return `${range}, each trained model its own for ${lcbench.target(point.target)}${silent}`;
  }

  const groupsOf = (images, rows) => {
    const found = new Set();
    for (const image of rows.keys()) if (images.group(image) >= 0) found.add(images.group(image));
    return found.size;
  };

  function within(images, rows) {
    const groups = groupsOf(images, rows);
    const of = groups ? ` of ${format.plural(groups, "source group")}` : "";
    return `${format.plural(rows.size, "image")}${of}`;
  }

  function numbersOf(images, where, counted, found) {
    const { answers, answered, errors, coverage, risk } = counted;
    const line = (name, words, value) => [
      el("dt", {}, words),
      el("dd", { "data-number": name, "data-value": value }, name === "threshold" ? value : ""),
    ];
    const made = el(
      "dl",
      { class: "numbers" },
      line("threshold", "threshold", thresholdWords(where, found)),
      line("coverage", "answered", coverage),
      line("risk", "wrong among these", risk),
      line("errors", "wrong answers", errors),
      line("images", "images with an answer", counted.rows.size),
      line("groups", "their source groups", groupsOf(images, counted.rows)),
      line("silent", "without one, at least once", counted.silentRows.size),
    );
    const write = (name, text) => (made.querySelector(`[data-number=${name}]`).textContent = text);
    write(
      "coverage",
      `${format.share(coverage)}: ${format.integer(answered)} of ${format.integer(answers)}`,
    );
    write("risk", format.share(risk));
    write("errors", `${format.integer(errors)}, in ${within(images, counted.wrongRows)}`);
    write("images", format.integer(counted.rows.size));
    write("silent", within(images, counted.silentRows));
    const known = groupsOf(images, counted.rows);
    write("groups", known || !counted.rows.size ? format.integer(known) : "unknown");
    return made;
  }

  function slider(found, where, onmove, onrest) {
    const last = found.stops.length - 1;
    const input = el("input", {
      type: "range",
      id: "curves-threshold",
      min: 0,
      max: last,
      step: 1,
      value: where.stop ?? 0,
      oninput: () => onmove(Number(input.value)),
      onchange: () => onrest(Number(input.value)),
    });
    return {
      input,
      node: el(
        "div",
        { class: "threshold" },
        el("label", { for: "curves-threshold" }, "Least confidence that is answered"),
        input,
        el(
          "span",
          { class: "soft ends" },
          el("span", {}, "everything"),
          el("span", {}, "the surest"),
        ),
      ),
    };
  }

  function listButtons(counted, choice, open) {
    return el(
      "div",
      { class: "controls" },
      Object.entries(LISTS).map(([name, [rows, words]]) =>
        el(
          "button",
          {
            type: "button",
            "data-list": name,
            "aria-pressed": String(choice.show === name),
            disabled: counted[rows].size === 0,
            onclick: () => open(name),
          },
          `${words}: ${format.plural(counted[rows].size, "image")}`,
        ),
      ),
    );
  }

  async function openList(images, choice, counted, place, change) {
    if (!choice.show) return place.replaceChildren();
    const [name, words] = LISTS[choice.show];
    const title = `${words}: ${within(images, counted[name])}`;
    return choose.list(images, choice, counted[name], { id: "curves", title, place, change });
  }

  function controlsOf(images, choice, change) {
    const { protocols, levels } = images;
    const titles = choose.numbered(protocols[choice.p].titles);
    const offered = Object.fromEntries(choice.there.map((one) => [String(one), titles[one]]));
    const shut = { at: null, page: null };
    return [
      choose.menu(
        "Protocol",
        choose.numbered(protocols.map((one) => one.title)),
        String(choice.p),
        (value) => {
          const b = protocols[value].baselines.indexOf(protocols[choice.p].baselines[choice.b]);
          change({ protocol: value, baseline: Math.max(0, b), of: null, ...shut });
        },
      ),
      choose.menu("Baseline", offered, String(choice.b), (value) =>
        change({ baseline: value, ...shut }),
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

  function view(images, data, choice, found, parts, change) {
    const model = data.protocols[choice.p].models[choice.b][choice.level];
    let where = standing(found, model, choice.at);
    const risk = lcbench.riskPlot(images, data, choice, found);
    const reliability = lcbench.reliabilityPlot(images, data, choice);
    const numbers = el("div", { class: "at-threshold" });
    const lists = el("div", {});
    const open = async (name) => {
      await change({ show: choice.show === name ? null : name, page: null });
      const heading = parts.place.querySelector("h3");
      if (heading) lcbench.show(heading);
    };
    const range = slider(
      found,
      where,
      (stop) => move({ stop, reached: found.atStop(stop) }),
      (stop) => rest(stop),
    );
    let waiting = null;

    // Nothing is made anew: the slider keeps the focus, and keys can follow each other fast.
    function rest(stop) {
      Object.assign(choice, { at: String(stop), page: 0 });
      state.set({ [key("at")]: stop || null, [key("page")]: null });
      for (const one of parts.table.querySelectorAll("[data-target]"))
        one.setAttribute("aria-pressed", "false");
      clearTimeout(waiting);
      const counted = found.count(where.reached, choice.of);
      if (choice.show)
        waiting = setTimeout(() => openList(images, choice, counted, parts.place, change), 300);
    }

    function move(to) {
      where = to;
      const counted = found.count(where.reached, choice.of);
      numbers.replaceChildren(numbersOf(images, where, counted, found));
      lists.replaceChildren(listButtons(counted, choice, open));
      risk.move(counted);
      reliability?.move(where.point ? null : found.stops[where.stop]);
      const words = `${thresholdWords(where, found)}: ${format.share(counted.coverage)} answered, ${format.share(counted.risk)} of these wrong`;
      range.input.setAttribute("aria-valuetext", words);
      return counted;
    }

    const counted = move(where);
    // The slider shows the stop that answers about as many.
    if (where.point) range.input.value = nearestStop(found, counted.coverage, choice.of);
    parts.table.replaceChildren(
      range.node,
      numbers,
      lists,
      lcbench.curveFigures(images, data, choice, risk, reliability),
      lcbench.pointsTable(model, choice, (at) => change({ at, page: null })),
    );
    return counted;
  }

  /* By bisection: the higher a stop, the less is answered. */
  function nearestStop(found, coverage, of) {
    let low = 0;
    let high = found.stops.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (found.share(found.atStop(middle), of).coverage > coverage) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async function start(root, data) {
    const images = await lcbench.images();
    await choose.section(root, "curves", async (parts, change, current) => {
      const choice = choiceOf(images, data);
      if (choice.b === undefined) {
        parts.controls.replaceChildren(controlsOf(images, choice, change)[0]);
        parts.table.replaceChildren(el("p", {}, "No baseline has probabilities here."));
        return parts.place.replaceChildren();
      }
      const found = await lcbench.thresholds(images, choice.p, choice.b, choice.level);
      if (!current()) return undefined;
      parts.controls.replaceChildren(...controlsOf(images, choice, change));
      const counted = view(images, data, choice, found, parts, change);
      return openList(images, choice, counted, parts.place, change);
    });
  }

  lcbench.section("curves", { start });
})();
