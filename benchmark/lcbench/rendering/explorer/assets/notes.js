/* The reader's marks and notes: how many there are, to and from CSV, and their images. */
"use strict";
(() => {
  const { el, format, state, choose, notes, MARKS } = lcbench;
  const HEADER = ["image", "source group", "true class", "mark", "note", "when"];
  const MOST = 20_000_000;

  async function byName() {
    const images = await lcbench.images();
    const place = new Map();
    for (let image = 0; image < images.count; image += 1) place.set(images.name(image), image);
    return { images, place };
  }

  function csvText({ images, place }) {
    const rows = notes.all().map(([name, { mark, note, when }]) => {
      const image = place.get(name);
      const group = image === undefined ? -1 : images.group(image);
      return [
        name,
        group < 0 ? "" : images.groupName(group),
        image === undefined ? "" : images.trueWords(image),
        MARKS[mark] ?? "",
        note,
        when,
      ];
    });
    return lcbench.csv(HEADER, rows);
  }

  /* What a CSV file says, by the names of its columns. */
  function entriesOf(text) {
    const [header, ...rows] = lcbench.parseCsv(text);
    const column = (name) => (header ?? []).findIndex((one) => one.trim().toLowerCase() === name);
    const [image, mark, note, when] = ["image", "mark", "note", "when"].map(column);
    if (image < 0 || (mark < 0 && note < 0)) {
      throw new Error("it needs a first line with the columns image, and mark or note");
    }
    const values = new Map(Object.entries(MARKS).map(([value, words]) => [words, value]));
    return rows
      .filter((row) => row.some((cell) => cell !== ""))
      .map((row) => [
        row[image] ?? "",
        { mark: values.get(row[mark]) ?? "", note: row[note] ?? "", when: row[when] ?? "" },
        row[mark] && !values.has(row[mark]) ? row[mark] : null,
      ]);
  }

  function takenWords(entries, place) {
    const known = entries.filter(([name]) => place.has(name));
    const foreign = entries.filter(([name]) => !place.has(name)).map(([name]) => name);
    const { taken, kept } = notes.take(known);
    const odd = known.filter(([, , mark]) => mark);
    const said = [`${format.plural(taken, "note")} taken over`];
    if (kept) said.push(`${format.integer(kept)} left as here, which is as new or the same`);
    if (foreign.length) {
      said.push(
        `${format.plural(foreign.length, "line")} about images that this report has not, such as ${foreign[0]}`,
      );
    }
    if (odd.length)
      said.push(
        `${format.plural(odd.length, "mark")} of another kind left out, such as ${odd[0][2]}`,
      );
    return `${said.join("; ")}.`;
  }

  function importer(found, say) {
    const read = (text) => {
      try {
        say(takenWords(entriesOf(text), found.place));
      } catch (error) {
        say(`This is no file of notes: ${error.message}.`);
      }
    };
    const file = el("input", {
      type: "file",
      accept: ".csv,text/csv",
      id: "notes-file",
      onchange: async () => {
        const [chosen] = file.files;
        if (!chosen) return;
        if (chosen.size > MOST) say("This file is too large for notes: 20 MB at most.");
        else read(await chosen.text());
        file.value = "";
      },
    });
    const area = el("textarea", { rows: 6, "aria-label": "CSV to take over" });
    return [
      el(
        "div",
        { class: "controls" },
        el("label", { for: "notes-file" }, "Take over from a CSV file "),
        file,
      ),
      el(
        "details",
        {},
        el("summary", {}, "Take over from text"),
        area,
        el("button", { type: "button", onclick: () => read(area.value) }, "Take over"),
      ),
    ];
  }

  function exporter(found, suite, say) {
    const text = () => csvText(found);
    const area = el("textarea", { rows: 10, readonly: true, "aria-label": "Notes as CSV" });
    const shown = el("details", {}, el("summary", {}, "Show as text"), area);
    const fill = () => (area.value = text());
    shown.addEventListener("toggle", fill);
    lcbench.on("notes", () => shown.open && fill());
    const clear = () => {
      if (!confirm("Delete all marks and notes of this report?")) return;
      notes.clear();
      say("All marks and notes are deleted.");
    };
    const buttons = [
      el(
        "button",
        {
          type: "button",
          onclick: () => lcbench.save(`notes-${suite.replace(/[^\w.-]+/g, "_")}.csv`, text()),
        },
        "Save as CSV",
      ),
      el("button", { type: "button", onclick: () => lcbench.copy(text(), "Notes") }, "Copy as CSV"),
      el("button", { type: "button", onclick: clear }, "Delete all"),
    ];
    const enable = () => {
      for (const one of buttons) one.disabled = notes.all().length === 0;
    };
    lcbench.on("notes", enable);
    enable();
    return [el("div", { class: "controls" }, buttons), shown];
  }

  function counts() {
    const all = notes.all();
    const by = Object.entries(MARKS)
      .map(([value, words]) => [words, all.filter(([, one]) => one.mark === value).length])
      .filter(([, count]) => count)
      .map(([words, count]) => `${format.integer(count)} ${words}`);
    const written = all.filter(([, one]) => one.note.trim()).length;
    if (written) by.push(`${format.integer(written)} with a note`);
    return all.length
      ? `${format.plural(all.length, "image")}: ${by.join(", ")}.`
      : "No image has a mark or note yet. Open a confusion, a pair or a part of the images, and mark what you see.";
  }

  function summary() {
    const words = el("p", { class: "count" });
    const warning = el(
      "p",
      { class: "warning" },
      "This browser does not let the page store anything, or has no space left: your notes last as long as this page is open. Save them as CSV before you close it.",
    );
    const update = () => {
      words.textContent = counts();
      warning.hidden = !notes.refused();
    };
    lcbench.on("notes", update);
    update();
    return [warning, words];
  }

  /* All images with a mark or note that were tested under a protocol. */
  async function drawList(images, parts, change, current) {
    const p = choose.within("notes.protocol", images.protocols.length, images.protocols.length - 1);
    const { baselines, title } = images.protocols[p];
    const rows = new Map();
    (await images.rows(p)).forEach((image, row) => {
      if (!notes.of(images.name(image))) return;
      if (!rows.has(image)) rows.set(image, []);
      rows.get(image).push(row);
    });
    if (!current()) return;
    parts.controls.replaceChildren(
      choose.menu(
        "Answers under",
        choose.numbered(images.protocols.map((one) => one.title)),
        String(p),
        (value) => change({ protocol: value, page: null }),
      ),
    );
    const choice = {
      p,
      b: Math.max(0, baselines.indexOf(images.reference)),
      level: images.levels.length - 1,
      of: "",
      page: choose.within("notes.page", 1_000_000, 0),
    };
    if (!rows.size) return parts.place.replaceChildren();
    const heading = `${format.plural(rows.size, "image")} with a mark or note, tested under ${title}`;
    await choose.list(images, choice, rows, {
      id: "notes",
      title: heading,
      place: parts.place,
      change,
    });
  }

  async function start(root, { suite }) {
    const found = await byName();
    const said = el("p", { role: "status", class: "said" });
    const say = (text) => (said.textContent = text);
    root.append(...summary(), ...exporter(found, suite, say), ...importer(found, say), said);
    const shown = el("button", { type: "button", class: "again" }, "Show these images");
    root.append(shown);
    let drawn = false;
    const draw = (parts, change, current) => drawList(found.images, parts, change, current);
    shown.addEventListener("click", async () => {
      shown.textContent = "Show them anew";
      if (drawn) lcbench.emit("state");
      else await choose.section(root, "notes", draw);
      drawn = true;
    });
    if (state.get("notes.page") || state.get("notes.marks")) shown.click();
    root.dataset.ready = "";
  }

  lcbench.section("notes", { start });
})();
