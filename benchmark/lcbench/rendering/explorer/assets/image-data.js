/* lcbench.images: who answered what to which image, for every part of the page that speaks of images.

   lcbench.images()  a promise of the object below; null where the page holds no images.
     count, reference, leaves, nodes, levels, protocols   as rendering/explorer/images.py wrote them:
         a level has options, of_node and of_leaf; the last one is that of the leaves. A protocol has
         name, title, baselines, titles, floor, splits [{seed, fold, from, to, whole}], nearest.
     name(i), trueNode(i), trueWords(i), picture(i)   of an image; picture is null without a file
     group(i), groupName(g), members(g)   source groups; -1 where it is unknown
     explanations(i)   [{file, title, note}]
     rows(p)   a promise of Uint32Array: the image of each prediction of protocol p, split by split
     answers(p, b, level)   a promise of the leaf that stands for each prediction's answer
     chances(p, b)   a promise of Uint16Array (rows x leaves), 65535 for 1; null without any
     sides(p)   a promise of Uint8Array (splits x images): 0 not known, 1 train, 2 validation, 3 test
     nearest(p)   a promise of {image, similarity} of each prediction; null where not recorded
     places(p)   a promise of Int32Array (splits x images): the prediction of an image, or -1
     ranges(p, of)   [from, to] of the predictions of "" (all), "0" (a seed) or "0.3" (seed and fold)
     siblings(p, split, i)   a promise of {train, validation, test, unknown}: images of its group
     told(p)   the baselines that are counted over images: no floor, unless there is nothing else
     tally(p, level, of)   a promise of what these baselines say of each image, see below */
"use strict";
(() => {
  const UNKNOWN = 0xffffffff;
  const SIDES = ["unknown", "train", "validation", "test"];

  function texts(bytes) {
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  function membersByGroup(group) {
    const found = new Map();
    group.forEach((code, image) => {
      if (code === UNKNOWN) return;
      if (!found.has(code)) found.set(code, []);
      found.get(code).push(image);
    });
    return found;
  }

  /* For each image with a label that fixes an option of the level: `answered[i]` answers of each
     baseline, `wrong[k][i]` of them wrong of the k-th that is told, `votes[i * options + k]` of all
     these for option k. */
  async function countUp(images, p, level, of) {
    const { of_node, of_leaf, options } = images.levels[level];
    const rows = await images.rows(p);
    const told = images.told(p);
    const answered = new Uint16Array(images.count);
    const votes = new Uint32Array(images.count * options.length);
    const wrong = told.map(() => new Uint16Array(images.count));
    const ranges = images.ranges(p, of);
    for (const [place, b] of told.entries()) {
      const answers = await images.answers(p, b, level);
      for (const [from, to] of ranges) {
        for (let row = from; row < to; row += 1) {
          const image = rows[row];
          const truth = of_node[images.trueNode(image)] ?? -1;
          if (truth < 0) continue;
          const answer = of_leaf[answers[row]];
          if (place === 0) answered[image] += 1;
          if (answer !== truth) wrong[place][image] += 1;
          votes[image * options.length + answer] += 1;
        }
      }
    }
    return {
      answered,
      wrong,
      votes,
      ...measures(images, told.length, answered, wrong, votes, options.length),
    };
  }

  function measures(images, baselines, answered, wrong, votes, options) {
    const sum = (image) => wrong.reduce((total, one) => total + one[image], 0);
    const rates = new Map();
    return {
      /* Baselines that are wrong in more than half of their answers to an image. */
      baselinesWrong: (image) => wrong.filter((one) => 2 * one[image] > answered[image]).length,
      /* Share of all answers that are not the most frequent one. */
      disagreement(image) {
        const own = votes.subarray(image * options, (image + 1) * options);
        const total = own.reduce((all, one) => all + one, 0);
        return total ? 1 - Math.max(...own) / total : 0;
      },
      /* Share of wrong answers of all baselines to all images of the image's source group. */
      hardness(image) {
        const code = images.group(image);
        const key = code < 0 ? `i${image}` : code;
        if (!rates.has(key)) {
          const group = code < 0 ? [image] : images.members(code);
          const all = group.reduce((total, one) => total + answered[one], 0) * baselines;
          rates.set(key, all ? group.reduce((total, one) => total + sum(one), 0) / all : 0);
        }
        return rates.get(key);
      },
    };
  }

  async function build(data, arrays) {
    const [names, groups, group, truth, pictures] = await Promise.all(
      ["names", "groups", "group", "true", "pictures"].map(
        async (name) => (await arrays.load(name)).values,
      ),
    );
    const name = texts(names);
    const groupName = texts(groups);
    const members = membersByGroup(group);
    const kept = new Map();
    const once = (key, make) => {
      if (!kept.has(key)) kept.set(key, make());
      return kept.get(key);
    };
    const values = async (array) => (arrays.has(array) ? (await arrays.load(array)).values : null);

    const images = {
      ...data,
      count: name.length,
      name: (i) => name[i],
      trueNode: (i) => truth[i],
      trueWords: (i) => data.nodes[truth[i]] ?? "unknown",
      picture: (i) => (pictures[i] ? `images/${i}.jpg` : null),
      explanations: (i) => data.explanations[i] ?? [],
      group: (i) => (group[i] === UNKNOWN ? -1 : group[i]),
      groupName: (g) => groupName[g],
      members: (g) => members.get(g) ?? [],
      rows: (p) => values(`rows-${p}`),
      sides: (p) => values(`sides-${p}`),
      chances: (p, b) => values(`chances-${p}-${b}`),
      async answers(p, b, level) {
        const { values: all, shape } = await arrays.load(`answers-${p}-${b}`);
        return all.subarray(level * shape[1], (level + 1) * shape[1]);
      },
      async nearest(p) {
        const image = await values(`nearest-${p}`);
        return image && { image, similarity: await values(`similarity-${p}`) };
      },
      places: (p) =>
        once(`places ${p}`, async () => {
          const rows = await images.rows(p);
          const found = new Int32Array(data.protocols[p].splits.length * name.length).fill(-1);
          data.protocols[p].splits.forEach(({ from, to }, split) => {
            for (let row = from; row < to; row += 1) found[split * name.length + rows[row]] = row;
          });
          return found;
        }),
      ranges(p, of) {
        const [seed, fold] = String(of ?? "").split(".");
        return data.protocols[p].splits
          .filter(
            (one) => !seed || (String(one.seed) === seed && (!fold || String(one.fold) === fold)),
          )
          .map(({ from, to }) => [from, to]);
      },
      async siblings(p, split, i) {
        const found = { train: [], validation: [], test: [], unknown: [] };
        const sides = await images.sides(p);
        const code = images.group(i);
        for (const other of code < 0 ? [] : images.members(code)) {
          if (other !== i) found[SIDES[sides[split * name.length + other]]].push(other);
        }
        return found;
      },
      told(p) {
        const { baselines, floor } = data.protocols[p];
        const every = baselines.map((_, b) => b);
        const others = every.filter((b) => !floor[b]);
        return others.length ? others : every;
      },
      tally: (p, level, of) =>
        once(`tally ${p} ${level} ${of}`, () => countUp(images, p, level, of)),
    };
    return images;
  }

  let promised = null;
  lcbench.images = () => {
    const node = document.getElementById("data-images");
    promised ??= node
      ? build(JSON.parse(node.textContent), lcbench.arrays("images"))
      : Promise.resolve(null);
    return promised;
  };
  lcbench.UNKNOWN_IMAGE = UNKNOWN;
})();
