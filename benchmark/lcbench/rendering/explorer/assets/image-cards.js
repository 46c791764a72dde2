/* Cards of images: what every baseline said of one, where its copies lay, and what resembles it.

   lcbench.imageCard(images, image, {p, level, of, words})  a promise of an element. words: more to say
       of the image.
   lcbench.onCard(make)   make(images, image) gives an element for the head of every card, or null.
   lcbench.imageList(images, entries, options)  an element with a page of cards at a time. An entry is
       {image, copies: [image, ...], words}: copies are folded below the card of the first. */
"use strict";
(() => {
  const { el, format } = lcbench;
  const PAGE = 12;
  const extras = [];
  const percent = (share) => format.share(share, { decimals: 0 });

  /* What a baseline says of an image: its most frequent answer, and mean probabilities by option. */
  async function opinion(images, image, b, { p, level, of }) {
    const { of_leaf, options } = images.levels[level];
    const [places, answers, chances] = await Promise.all([
      images.places(p),
      images.answers(p, b, level),
      images.chances(p, b),
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
    return {
      asked,
      answer,
      agree: votes[answer],
      chances: chances && means.map((one) => one / asked),
    };
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
      part(right, "right"),
      part(wrong, "wrong"),
      part(Math.max(0, 1 - right - wrong), "rest"),
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
        el(
          "td",
          {},
          one.chances
            ? [bar(options, one.chances, truth, one.answer), " ", percent(one.chances[one.answer])]
            : "no probabilities",
        ),
        el("td", { class: "agree" }, `${one.agree} of ${one.asked}`),
      );
    });
    return el(
      "table",
      { class: "opinions" },
      el("caption", { class: "unseen" }, `Answers to ${images.name(image)}`),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          ["baseline", "answer", "probability", "seeds"].map((one) =>
            el("th", { scope: "col" }, one),
          ),
        ),
      ),
      el("tbody", {}, rows),
    );
  }

  function why(images, image) {
    const found = images.explanations(image);
    if (!found.length) return [];
    return [
      el("h4", {}, "Why"),
      found.map((one) =>
        el(
          "figure",
          { class: "why" },
          el("img", { src: one.file, alt: one.title, loading: "lazy" }),
          el("figcaption", {}, one.title, one.note ? el("strong", {}, ` ${one.note}`) : null),
        ),
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
        lcbench.thumbnail(images, image),
        el(
          "div",
          {},
          el("h3", {}, images.name(image)),
          el("p", {}, "true: ", el("strong", {}, images.trueWords(image))),
          el(
            "p",
            { class: "soft" },
            code < 0
              ? "source group unknown"
              : `source group ${images.groupName(code)}, ${format.plural(size, "image")}`,
          ),
          choice.words ? el("p", { class: "soft" }, choice.words) : null,
          extras.map((make) => make(images, image)),
        ),
      ),
      await opinions(images, image, choice),
      later(
        "Copies in training, nearest training image",
        () => lcbench.surroundings(images, image),
        "around",
      ),
      images.explanations(image).length
        ? later("Where the model looked", async () => why(images, image), "around")
        : null,
    );
  }

  async function entryCard(images, entry, choice) {
    const card = await imageCard(images, entry.image, { ...choice, words: entry.words });
    if (entry.copies.length) {
      const words = `${format.plural(entry.copies.length, "more image")} of this source group in this ${choice.cell ? "cell" : "list"}`;
      const make = () => Promise.all(entry.copies.map((one) => imageCard(images, one, choice)));
      card.append(
        later(words, async () => [el("div", { class: "cards" }, await make())], "copies"),
      );
    }
    return card;
  }

  function imageList(images, entries, choice, { page = 0, onpage = () => {} } = {}) {
    const pages = Math.max(1, Math.ceil(entries.length / PAGE));
    let current = Math.min(page, pages - 1);
    const cards = el("div", { class: "cards" });
    const where = el("span", { class: "where", "aria-live": "polite" });
    const button = (words, step) =>
      el("button", { type: "button", onclick: () => turn(current + step) }, words);
    const [back, next] = [button("Previous", -1), button("Next", 1)];
    const root = el(
      "div",
      { class: "image-list" },
      cards,
      pages > 1 ? el("div", { class: "pager controls" }, back, where, next) : null,
    );
    let wanted = 0;

    async function turn(to) {
      const mine = (wanted += 1);
      current = Math.max(0, Math.min(to, pages - 1));
      const first = current * PAGE;
      const shown = await Promise.all(
        entries.slice(first, first + PAGE).map((one) => entryCard(images, one, choice)),
      );
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

  lcbench.onCard = (make) => extras.push(make);
  lcbench.imageCard = imageCard;
  lcbench.imageList = imageList;
})();
