/* Parts of the images that are chosen by their answers, or by their source group.

   lcbench.parts(images, data, arrays, {p, b, other, of})   a promise of {name: {title, rows}}; rows:
       a Map from an image to its predictions under protocol p. Answers are those at the leaves.
   lcbench.partOf(images, arrays, p, part)   a promise of the rows of a part that Python drew:
       {nodes, copies}, null where all are in it
   lcbench.groupPart(images, p, group)   a promise of the rows of a source group */
"use strict";
(() => {
  const SURE = 0.75;

  const known = new Map();
  const once = (key, make) => {
    if (!known.has(key)) known.set(key, make());
    return known.get(key);
  };

  async function rowsOf(images, p, keep = () => true) {
    const rows = await images.rows(p);
    const found = new Map();
    rows.forEach((image, row) => {
      if (!keep(image, row)) return;
      if (!found.has(image)) found.set(image, []);
      found.get(image).push(row);
    });
    return found;
  }

  const everyRow = (images, p) => once(`rows ${p}`, () => rowsOf(images, p));

  async function partOf(images, arrays, p, { nodes, copies }) {
    const near = (await arrays.load(`copies-${p}`)).values;
    const labels = nodes && new Set(nodes);
    return rowsOf(
      images,
      p,
      (image, row) =>
        (!labels || labels.has(images.trueNode(image))) &&
        (copies === null || near[row] === copies),
    );
  }

  const groupPart = (images, p, group) =>
    rowsOf(images, p, (image) => images.group(image) === group);

  /* Whether each prediction of a baseline is wrong at the leaves; null where that is not known. */
  async function wrongOf(images, p, b) {
    const level = images.levels.length - 1;
    const { of_node, of_leaf } = images.levels[level];
    const [rows, answers] = await Promise.all([images.rows(p), images.answers(p, b, level)]);
    return (row) => {
      const truth = of_node[images.trueNode(rows[row])] ?? -1;
      return truth < 0 ? null : of_leaf[answers[row]] !== truth;
    };
  }

  /* Images by how many of their answers are wrong: none known is left out. */
  const tallied = (images, p, b) => once(`tally ${p} ${b}`, () => tally(images, p, b));

  async function tally(images, p, b) {
    const [every, wrong] = await Promise.all([everyRow(images, p), wrongOf(images, p, b)]);
    const found = new Map();
    for (const [image, rows] of every) {
      const known = rows.filter((row) => wrong(row) !== null);
      if (known.length) {
        found.set(image, { rows, of: known.length, wrong: known.filter(wrong).length });
      }
    }
    return found;
  }

  const often = (one) => one !== undefined && 2 * one.wrong > one.of;
  const seldom = (one) => one !== undefined && 2 * one.wrong < one.of;

  function only(tallies, keep) {
    const found = new Map();
    for (const [image, one] of tallies) if (keep(one, image)) found.set(image, one.rows);
    return found;
  }

  async function parts(images, { strict, flattering }, { p, b, other }) {
    const { baselines, titles } = images.protocols[p];
    const own = await tallied(images, p, b);
    const all = await Promise.all(baselines.map((_, place) => tallied(images, p, place)));
    const rival = all[other];
    const level = images.levels.length - 1;
    const rows = only(own, () => true);
    const sure = await lcbench.choose.confidence(images, { p, b, level }, rows);
    const several = [...own.values()].some((one) => one.of > 1);
    const found = {
      always: {
        title: several ? "wrong in all seeds" : "wrong",
        rows: only(own, (one) => one.wrong === one.of),
      },
      sometimes: several && {
        title: "wrong in some seeds, right in others",
        rows: only(own, (one) => one.wrong > 0 && one.wrong < one.of),
      },
      everybody: {
        title: "most baselines wrong",
        rows: only(
          own,
          (_, image) => 2 * all.filter((one) => often(one.get(image))).length > baselines.length,
        ),
      },
      mine: b !== other && {
        title: `right here, wrong by ${titles[other]}`,
        rows: only(own, (one, image) => seldom(one) && often(rival.get(image))),
      },
      theirs: b !== other && {
        title: `wrong here, right by ${titles[other]}`,
        rows: only(own, (one, image) => often(one) && seldom(rival.get(image))),
      },
      doubtful: (await images.chances(p, b)) && {
        title: `doubtful: less than ${100 * SURE} % sure of its own answer, on average`,
        rows: only(own, (_, image) => sure(image) < SURE),
      },
      surely: (await images.chances(p, b)) && {
        title: "wrong, and more than 95 % sure, on average",
        rows: only(own, (one, image) => often(one) && sure(image) > 0.95),
      },
    };
    if (strict !== null && flattering !== null && strict !== flattering) {
      const name = baselines[b];
      const [one, two] = await Promise.all(
        [strict, flattering].map(async (place) => {
          const there = images.protocols[place].baselines.indexOf(name);
          return there < 0 ? null : tallied(images, place, there);
        }),
      );
      const [hard, easy] = [strict, flattering].map((place) => images.protocols[place].title);
      found.leak = one &&
        two && {
          title: `wrong under ${hard}, right under ${easy}`,
          rows: only(own, (_, image) => often(one.get(image)) && seldom(two.get(image))),
        };
    }
    return Object.fromEntries(Object.entries(found).filter(([, one]) => one));
  }

  Object.assign(lcbench, { parts, partOf, groupPart, wrongOf });
})();
