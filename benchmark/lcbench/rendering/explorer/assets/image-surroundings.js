/* What stands around an image: its copies on each side of each split, and what resembles it.

   lcbench.thumbnail(images, image, small)   its picture, or a box that says that there is none
   lcbench.surroundings(images, image)   a promise of elements */
"use strict";
(() => {
  const { el, format } = lcbench;
  const MOST_NAMES = 200;

  function thumbnail(images, image, small = false) {
    const source = images.picture(image);
    const size = small ? "thumbnail small" : "thumbnail";
    if (!source) return el("div", { class: `${size} none`, "aria-hidden": "true" }, "no picture");
    return el("img", {
      class: size,
      src: source,
      alt: `image ${images.name(image)}`,
      loading: "lazy",
    });
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
        lines.length
          ? el("ul", { class: "sides" }, lines)
          : el("p", { class: "soft" }, "Not tested here."),
        recorded
          ? null
          : el("p", { class: "soft" }, "Nearest training image: not recorded by this run."),
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
      unknown
        ? "source group unknown"
        : ["copies: ", known.map((side) => names(images, side, siblings[side]))],
      found === lcbench.UNKNOWN_IMAGE
        ? null
        : resembling(images, image, found, nearest.similarity[row] / 65535),
    );
  }

  function names(images, side, found) {
    if (!found.length) return el("span", { class: "names" }, `0 in ${side}`);
    const shown = found
      .slice(0, MOST_NAMES)
      .map((one) => images.name(one))
      .join(", ");
    const more =
      found.length > MOST_NAMES ? ` and ${format.integer(found.length - MOST_NAMES)} more` : "";
    return el(
      "details",
      { class: "names" },
      el("summary", {}, `${format.integer(found.length)} in ${side}`),
      el("p", {}, shown + more),
    );
  }

  function resembling(images, image, other, similarity) {
    const [own, its] = [images.group(image), images.group(other)];
    const same =
      own < 0 || its < 0
        ? "source group unknown"
        : own === its
          ? "the same source group"
          : "another source group";
    return el(
      "div",
      { class: own >= 0 && own === its ? "nearest same" : "nearest" },
      thumbnail(images, other, true),
      el(
        "span",
        {},
        `nearest training image: ${images.name(other)}, cosine ${format.number(similarity, 3)}, ${same}, ${images.trueWords(other)}`,
      ),
    );
  }

  lcbench.thumbnail = thumbnail;
  lcbench.surroundings = surroundings;
})();
