/* Cards of images: what every baseline said of one, where its copies lay, and what resembles it.

   lcbench.imageCard(images, image, {p, level, of, mark})  a promise of an element. mark(image): more
       elements for the card, or null.
   lcbench.imageList(images, entries, options)  an element with a page of cards at a time. An entry is
       {image, copies: [image, ...], words}: copies are folded below the card of the first. */
"use strict";
(() => {
  const { el, format } = lcbench;
  const PAGE = 12;
  const MOST_NAMES = 200;
  const percent = (share) => format.share(share, { decimals: 0 });

  function thumbnail(images, image, small = false) {
    const source = images.picture(image);
    const size = small ? "thumbnail small" : "thumbnail";
    if (!source) return el("div", { class: `${size} none`, "aria-hidden": "true" }, "no picture");
    return el("img", { class: size, src: source, alt: `image ${images.name(image)}`, loading: "lazy" });
  }

  /* What a baseline says of an image: its most frequent answer, and mean probabilities by option. */
  async function opinion(images, image, b, { p, level, of }) {
    const { of_leaf, options } = images.levels[level];
    const [places, answers, chances] = await Promise.all([
      images.places(p), images.answers(p, b, level), images.chances(p, b),
    ]);
    const votes = new Array(options.length).fill(0);
    const means = new Array(options.length).fill(0);
    let asked = 0;
    images.protocols[p].splits.forEach((split, number) => {
      const row = places[number * images.count + image];
      if (row < 0 || !images.ranges(p, of).some(([from, to]) => from <= row && row < to)) return;
      asked += 1;
      votes[of_leaf[answers[row]]] += 1;
      if (!chances) return;
      of_leaf.forEach((option, leaf) => {
        if (option >= 0) means[option] += chances[row * of_leaf.length + leaf] / 65535;
      });
    });
    const answer = votes.indexOf(Math.max(...votes));
    return { asked, answer, agree: votes[answer], chances: chances && means.map((one) => one / asked) };
  }

  function bar(options, chances, truth, answer) {
    const words = options.map((option, k) => `${option} ${percent(chances[k])}`).join(", ");
    const part = (share, kind) => {
      const segment = el("span", { class: `part ${kind}` });
      segment.style.width = `${100 * share}%`;
      return segment;
    };
    const wrong = answer === truth ? 0 : chances[answer];
    const right = truth < 0 ? 0 : chances[truth];
    return el(
      "span",
      { class: "bar", role: "img", "aria-label": words, title: words },
      part(right, "right"), part(wrong, "wrong"), part(Math.max(0, 1 - right - wrong), "rest"),
    );
  }

  async function opinions(images, image, choice) {
    const { of_node, options } = images.levels[choice.level];
    const truth = of_node[images.trueNode(image)] ?? -1;
    const { baselines, titles } = images.protocols[choice.p];
    const found = await Promise.all(baselines.map((_, b) => opinion(images, image, b, choice)));
    const rows = found.map((one, b) => {
      const right = one.answer === truth;
      return el(
        "tr",
        { class: right ? "right" : "wrong" },
        el("th", { scope: "row" }, titles[b]),
        el("td", {}, `${right ? "\u2713" : "\u2717"} ${options[one.answer]}`),
        el("td", {}, one.chances ? [bar(options, one.chances, truth, one.answer), " ", percent(one.chances[one.answer])] : "no probabilities"),
        el("td", { class: "agree" }, `${one.agree} of ${one.asked}`),
      );
    });
    return el(
      "table",
      { class: "opinions" },
      el("caption", { class: "unseen" }, `Answers to ${images.name(image)}`),
      el("thead", {}, el("tr", {}, ["baseline", "answer", "probability", "seeds"].map((one) => el("th", { scope: "col" }, one)))),
      el("tbody", {}, rows),
    );
  }

  /* Where its copies lay, and the nearest training image, for each split that tested it. */
  async function surroundings(images, image) {
    const found = [];
    for (let p = 0; p < images.protocols.length; p += 1) {
      const { title, splits, nearest: recorded } = images.protocols[p];
      const places = await images.places(p);
      const nearest = await images.nearest(p);
      const lines = [];
      for (let split = 0; split < splits.length; split += 1) {
        const row = places[split * images.count + image];
        if (row >= 0) lines.push(await splitLine(images, image, p, split, nearest, row));
      }
      found.push(
        el("h4", {}, title),
        lines.length ? el("ul", { class: "sides" }, lines) : el("p", { class: "soft" }, "Not tested here."),
        recorded ? null : el("p", { class: "soft" }, "Nearest training image: not recorded by this run."),
      );
    }
    return found;
  }

  function splitWords({ seed, fold }, folds) {
    return folds ? `seed ${seed}, fold ${fold}` : `seed ${seed}`;
  }

  async function splitLine(images, image, p, split, nearest, row) {
    const { splits } = images.protocols[p];
    const folds = splits.some((one) => one.fold > 0);
    const siblings = await images.siblings(p, split, image);
    const known = splits[split].whole ? ["train", "validation", "test"] : ["validation", "test"];
    const unknown = images.group(image) < 0;
    const found = nearest?.image[row] ?? lcbench.UNKNOWN_IMAGE;
    return el(
      "li",
      {},
      `${splitWords(splits[split], folds)}: `,
      unknown ? "source group unknown" : ["copies: ", known.map((side) => names(images, side, siblings[side]))],
      found === lcbench.UNKNOWN_IMAGE ? null : resembling(images, image, found, nearest.similarity[row] / 65535),
    );
  }

  function names(images, side, found) {
    if (!found.length) return el("span", { class: "names" }, `0 in ${side}`);
    const shown = found.slice(0, MOST_NAMES).map((one) => images.name(one)).join(", ");
    const more = found.length > MOST_NAMES ? ` and ${format.integer(found.length - MOST_NAMES)} more` : "";
    return el("details", { class: "names" }, el("summary", {}, `${format.integer(found.length)} in ${side}`), el("p", {}, shown + more));
  }

  function resembling(images, image, other, similarity) {
    const [own, its] = [images.group(image), images.group(other)];
    const same = own < 0 || its < 0 ? "source group unknown" : own === its ? "the same source group" : "another source group";
    return el(
      "div",
      { class: own >= 0 && own === its ? "nearest same" : "nearest" },
      thumbnail(images, other, true),
      el("span", {}, `nearest training image: ${images.name(other)}, cosine ${format.number(similarity, 3)}, ${same}, ${images.trueWords(other)}`),
    );
  }

  function why(images, image) {
    const found = images.explanations(image);
    if (!found.length) return [];
    return [
      el("h4", {}, "Why"),
      found.map((one) =>
        el("figure", { class: "why" }, el("img", { src: one.file, alt: one.title, loading: "lazy" }), el("figcaption", {}, one.title, one.note ? el("strong", {}, ` ${one.note}`) : null)),
      ),
    ];
  }

  /* Details that are made when they are opened. */
  function later(summary, make, kind) {
    const box = el("details", { class: kind }, el("summary", {}, summary));
    box.addEventListener("toggle", async () => {
      if (!box.open || box.dataset.made) return;
      box.dataset.made = "yes";
      box.append(...(await make()).flat(Infinity).filter(Boolean));
    });
    return box;
  }

  async function imageCard(images, image, choice) {
    const code = images.group(image);
    const size = code < 0 ? 0 : images.members(code).length;
    return el(
      "article",
      { class: "image", "data-image": image, "aria-label": images.name(image) },
      el(
        "div",
        { class: "head" },
        thumbnail(images, image),
        el(
          "div",
          {},
          el("h3", {}, images.name(image)),
          el("p", {}, "true: ", el("strong", {}, images.trueWords(image))),
          el("p", { class: "soft" }, code < 0 ? "source group unknown" : `source group ${images.groupName(code)}, ${format.plural(size, "image")}`),
          choice.words ? el("p", { class: "soft" }, choice.words) : null,
          choice.mark ? choice.mark(image) : null,
        ),
      ),
      await opinions(images, image, choice),
      later("Copies in training, nearest training image", () => surroundings(images, image), "around"),
      images.explanations(image).length ? later("Where the model looked", async () => why(images, image), "around") : null,
    );
  }

  async function entryCard(images, entry, choice) {
    const card = await imageCard(images, entry.image, { ...choice, words: entry.words });
    if (entry.copies.length) {
      const words = `${format.plural(entry.copies.length, "more image")} of this source group`;
      const make = () => Promise.all(entry.copies.map((one) => imageCard(images, one, choice)));
      card.append(later(words, make, "copies"));
    }
    return card;
  }

  function imageList(images, entries, choice, { page = 0, onpage = () => {} } = {}) {
    const pages = Math.max(1, Math.ceil(entries.length / PAGE));
    let current = Math.min(page, pages - 1);
    const cards = el("div", { class: "cards" });
    const where = el("span", { class: "where", "aria-live": "polite" });
    const button = (words, step) => el("button", { type: "button", onclick: () => turn(current + step) }, words);
    const [back, next] = [button("Previous", -1), button("Next", 1)];
    const root = el("div", { class: "image-list" }, cards, pages > 1 ? el("div", { class: "pager controls" }, back, where, next) : null);
    let wanted = 0;

    async function turn(to) {
      const mine = (wanted += 1);
      current = Math.max(0, Math.min(to, pages - 1));
      const first = current * PAGE;
      const shown = await Promise.all(entries.slice(first, first + PAGE).map((one) => entryCard(images, one, choice)));
      if (mine !== wanted) return; // the reader has turned on meanwhile
      cards.replaceChildren(...shown);
      where.textContent = `${format.integer(first + 1)} to ${format.integer(first + shown.length)} of ${format.integer(entries.length)}`;
      back.disabled = current === 0;
      next.disabled = current === pages - 1;
      onpage(current);
    }
    root.ready = turn(current);
    return root;
  }

  lcbench.imageCard = imageCard;
  lcbench.imageList = imageList;
})();
