/* Marks and notes of the reader, kept in the browser's storage under the report's own hash.

   lcbench.notes   of(name): {mark, note, when} of an image, or null; set(name, {mark, note});
       all(): [[name, {mark, note, when}]]; clear(); take([[name, {...}]]): the newer of each pair
       wins, and what has no time loses; returns {taken, kept}; refused(): whether the browser keeps
       nothing, so that notes last as long as the page is open
   lcbench.MARKS   {value: words}
   "notes" is emitted when anything changed. */
"use strict";
(() => {
  const MARKS = {
    again: "look again",
    label: "label doubtful",
    artefact: "artefact",
    typical: "typical",
  };
  const LONGEST = 4000;
  let place = null;
  let found = null;
  let refused = false;

  function clean({ mark, note, when }) {
    return {
      mark: Object.hasOwn(MARKS, mark) ? mark : "",
      note: String(note ?? "").slice(0, LONGEST),
      when: typeof when === "string" && !Number.isNaN(Date.parse(when)) ? when : "",
    };
  }

  /* What is stored, read once; what cannot be read counts as nothing. */
  function load() {
    if (found) return found;
    const data = JSON.parse(document.getElementById("data-notes")?.textContent ?? "{}");
    place = `lcbench-notes-${data.key}`;
    read();
    return found;
  }

  function read() {
    found = new Map();
    let text = null;
    try {
      text = localStorage.getItem(place);
      refused = false;
    } catch {
      refused = true;
    }
    try {
      for (const [name, one] of text ? JSON.parse(text) : []) found.set(String(name), clean(one));
    } catch {
      found.clear(); // not what this page wrote
    }
  }

  function keep() {
    try {
      if (found.size) localStorage.setItem(place, JSON.stringify([...found]));
      else localStorage.removeItem(place);
      refused = false;
    } catch {
      refused = true; // no storage for this page, or none left
    }
    lcbench.emit("notes");
  }

  function put(name, one) {
    const cleaned = clean(one);
    if (cleaned.mark || cleaned.note.trim()) found.set(name, cleaned);
    else found.delete(name);
  }

  function take(entries) {
    const done = { taken: 0, kept: 0 };
    for (const [name, one] of entries) {
      const own = load().get(name);
      const same = own && own.mark === one.mark && own.note === one.note;
      if (same || (own && (one.when || "") <= own.when)) done.kept += 1;
      else {
        put(name, one);
        done.taken += 1;
      }
    }
    if (done.taken) keep();
    return done;
  }

  // Another window of the same report.
  addEventListener("storage", (event) => {
    if (place === null || (event.key !== null && event.key !== place)) return;
    read();
    lcbench.emit("notes");
  });

  lcbench.MARKS = MARKS;
  lcbench.notes = {
    of: (name) => load().get(name) ?? null,
    all: () => [...load()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
    refused: () => {
      load();
      return refused;
    },
    set(name, one) {
      load();
      put(name, { ...one, when: new Date().toISOString() });
      keep();
    },
    clear() {
      load().clear();
      keep();
    },
    take,
  };
})();
