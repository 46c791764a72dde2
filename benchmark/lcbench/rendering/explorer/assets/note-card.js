/* The reader's marks and notes where images are: controls on every card, a filter of every list.

   lcbench.notes.parts(images, rows)   {name: {title, rows}} of what is marked among predictions */
"use strict";
(() => {
  const { el, MARKS, notes, choose } = lcbench;
  const marked = (name) => notes.of(name)?.mark ?? "";

  function controls(images, image) {
    if (!document.getElementById("data-notes")) return null;
    const name = images.name(image);
    const select = el(
      "select",
      { "aria-label": `mark of ${name}`, onchange: () => write() },
      el("option", { value: "" }, "no mark"),
      Object.entries(MARKS).map(([value, words]) => el("option", { value }, words)),
    );
    const area = el("textarea", {
      rows: 2,
      maxlength: 4000,
      "aria-label": `note on ${name}`,
      onchange: () => write(),
    });
    const summary = el("summary", {}, "Note");
    const box = el("details", {}, summary, area);
    const write = () => notes.set(name, { mark: select.value, note: area.value });
    const node = el("div", { class: "own-notes", "data-notes": "" }, select, box);
    node.addEventListener("show-notes", () => {
      const own = notes.of(name);
      select.value = own?.mark ?? "";
      if (document.activeElement !== area) area.value = own?.note ?? "";
      summary.textContent = own?.note ? "Note (written)" : "Note";
      node.classList.toggle("marked", own !== null);
    });
    node.dispatchEvent(new Event("show-notes"));
    return node;
  }

  // The same image can lie open in several parts of the page.
  lcbench.on("notes", () => {
    for (const node of document.querySelectorAll("[data-notes]")) {
      node.dispatchEvent(new Event("show-notes"));
    }
  });

  const KEEP = {
    any: (name) => notes.of(name) !== null,
    none: (name) => notes.of(name) === null,
  };
  choose.filter({
    name: "marks",
    label: "Your marks",
    options: () =>
      document.getElementById("data-notes") && {
        "": "all images",
        any: "with a mark or note",
        ...MARKS,
        none: "without any",
      },
    keep: (value, images, image) => {
      const name = images.name(image);
      return KEEP[value]?.(name) ?? marked(name) === value;
    },
  });

  notes.parts = (images, rows) => {
    const found = Object.fromEntries(
      Object.entries(MARKS).map(([mark, words]) => [
        mark,
        { title: `marked by you: ${words}`, rows: new Map() },
      ]),
    );
    found.noted = { title: "with a note of yours", rows: new Map() };
    const put = (name, image, row) => {
      const own = found[name].rows;
      if (!own.has(image)) own.set(image, []);
      own.get(image).push(row);
    };
    rows.forEach((image, row) => {
      const own = notes.of(images.name(image));
      if (own?.mark) put(own.mark, image, row);
      if (own?.note) put("noted", image, row);
    });
    return Object.fromEntries(Object.entries(found).filter(([, one]) => one.rows.size));
  };

  lcbench.onCard(controls);
})();
