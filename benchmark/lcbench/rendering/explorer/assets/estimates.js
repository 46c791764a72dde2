/* A table of estimates to choose from: what is estimated, protocol, images, baseline.

   lcbench.estimates(root, {id, caption, label, names, whats, rows, zero, more})
       names: {baselines, protocols, places}; whats: {key, title, group, what, share, higher}, what a
       row can be about; rows: {what, place, protocol, baseline, text, training, value, low, high,
       wideLow, wideHigh, n, groups}; more(what): {before, middle, after}, columns before the protocol, and before
       and after the way of training.
   lcbench.limits(list)  names for a list of five numbers from Python, infinity among them.
   lcbench.unitless(title)  a column's title without its unit, for CSV. */
"use strict";
(() => {
  const { el, state, choice, search, say, format } = lcbench;
  const ALL = "*";
  const DIRECTION = {
    true: "Higher is better.",
    false: "Lower is better.",
    null: "The best value lies in between.",
  };

  const counted = (key, title) => ({
    key,
    title,
    number: true,
    text: (row) => format.integer(row[key]),
    order: (row) => row[key],
    csv: (row) => ({ [title]: row[key] }),
  });
  /* Beside the estimate that they belong to, where no wide table hides them. */
  const SIZES = [counted("n", "predictions"), counted("groups", "source groups")];

  function limits(list) {
    const [value, low, high, wideLow, wideHigh] = list.map((one) =>
      one === null ? null : Number(one),
    );
    return { value, low, high, wideLow, wideHigh };
  }

  // CSV files hold shares and their differences as they were computed: 0.5, not 50 %.
  const unitless = (title) => title.replace(/, (%|points)$/, "");

  function index(list) {
    const found = new Map(list.map((one, place) => [one.key, { ...one, place }]));
    return (key) => found.get(key) ?? { key, title: key, short: key, series: 0, place: found.size };
  }

  function estimates(
    root,
    { id, caption, label, names, whats, rows, zero = false, more = () => ({}) },
  ) {
    const baseline = index(names.baselines);
    const protocol = index(names.protocols);
    const place = index(names.places);
    const byKey = new Map(whats.map((one) => [one.key, one]));
    const table = lcbench.table({ id, caption, file: id });
    const meaning = el("p", { class: "soft" });
    const lists = el("div", { class: "controls" });

    // Rows of other images come when they are asked for: they are no rivals of the test images.
    const usual = { show: whats[0].key, protocol: ALL, images: names.places[0].key, baseline: "" };
    const get = (name) => state.get(`${id}.${name}`) ?? usual[name];
    const whatNow = () => byKey.get(get("show")) ?? whats[0];
    const key = (row) =>
      [row.what, row.place, row.protocol, row.baseline, row.against]
        .filter((one) => one !== undefined)
        .join("|");

    function matching() {
      const what = whatNow();
      const text = get("baseline").toLowerCase();
      const is = (name, value) => get(name) === ALL || get(name) === value;
      const group = (row) => 1000 * place(row.place).place + protocol(row.protocol).place;
      const rank = (row) =>
        row.value === null ? Infinity : what.higher === false ? row.value : -row.value;
      return rows
        .filter(
          (row) => row.what === what.key && is("protocol", row.protocol) && is("images", row.place),
        )
        .filter((row) => baseline(row.baseline).title.toLowerCase().includes(text))
        .map((row) => ({
          ...row,
          series: protocol(row.protocol).series,
          floor: baseline(row.baseline).floor,
        }))
        .sort((a, b) => group(a) - group(b) || rank(a) - rank(b) || 0);
    }

    function columns(what, found) {
      const axis = lcbench.scale(found, { share: what.share, zero });
      const { before = [], middle = [], after = [] } = more(what);
      const name = (row) => baseline(row.baseline).title;
      const short = (row) => protocol(row.protocol).short;
      const trained = found.some((row) => row.wideLow !== null);
      return [
        {
          key: "baseline",
          title: "baseline",
          text: name,
          order: name,
          cell: (row) =>
            baseline(row.baseline).reference ? el("strong", {}, name(row)) : name(row),
        },
        ...before,
        {
          key: "protocol",
          title: "protocol",
          text: short,
          order: (row) => protocol(row.protocol).place,
          cell: (row) => el("span", { class: `key series-${row.series}` }, short(row)),
        },
        get("images") === ALL && {
          key: "images",
          title: "images",
          text: (row) => place(row.place).title,
          order: (row) => place(row.place).place,
        },
        {
          key: "picture",
          title: "95 % interval",
          picture: true,
          head: lcbench.drawAxis(axis),
          cell: (row) => lcbench.drawInterval(axis, [row]),
        },
        {
          key: "value",
          title: what.column ?? what.title,
          number: true,
          text: (row) => row.text,
          order: (row) => row.value,
          csv: (row) => ({
            what: unitless(what.title),
            ...(row.against === undefined ? {} : { against: baseline(row.against).title }),
            value: row.value,
            low: row.low,
            high: row.high,
          }),
        },
        ...SIZES,
        ...middle,
        trained && {
          key: "training",
          title: "way of training",
          number: true,
          text: (row) => row.training,
          order: (row) => row.wideLow,
          csv: (row) => ({
            "low, way of training": row.wideLow,
            "high, way of training": row.wideHigh,
          }),
        },
        ...after,
      ].filter(Boolean);
    }

    function draw() {
      const what = whatNow();
      const found = matching();
      meaning.textContent = `${what.what} ${what.directed ? "" : DIRECTION[what.higher]}`;
      table.show({
        caption: `${caption}: ${what.title}`,
        columns: columns(what, found),
        rows: found,
        key,
        address: (row) => ({ [`${id}.show`]: row.what }),
      });
      return found.length;
    }

    function change(name, value) {
      state.set({ [`${id}.${name}`]: value === usual[name] ? null : value, [`${id}.row`]: null });
      say(`${format.plural(draw(), "row")} shown`);
    }

    function drawLists() {
      const every = { key: ALL, title: "all" };
      const list = (title, name, options) =>
        choice(title, [every, ...options], get(name), (value) => change(name, value)).node;
      lists.replaceChildren(
        choice(label, whats, whatNow().key, (value) => change("show", value)).node,
        list("Protocol", "protocol", names.protocols),
        ...(names.places.length > 1 ? [list("Images", "images", names.places)] : []),
        search("Baseline contains", get("baseline"), (value) => change("baseline", value)).node,
      );
    }

    root.append(lists, meaning, table.node);
    drawLists();
    draw();
    if (state.get(`${id}.row`)) table.goToRow();
    lcbench.on("state", () => {
      drawLists();
      draw();
    });
  }

  Object.assign(lcbench, { estimates, limits, unitless });
})();
