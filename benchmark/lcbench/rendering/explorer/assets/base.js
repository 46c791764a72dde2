/* What every part of the page builds on. Plain JavaScript, no network.

   lcbench.section(id, {start(root, data, arrays)})  registers a part; it is started when the page
       is read, and may return a promise. root: its <section>; data: its JSON; arrays.load(name): a
       promise of {values, shape}. lcbench.arrays(id): the arrays of another part.
   lcbench.el(tag, attributes, ...children), lcbench.svg(...)  make elements. Text is only ever
       text; a function under "onclick" listens; null, undefined and false leave an attribute out.
   lcbench.on(name, listener), lcbench.emit(name, detail)  let parts speak to each other.
   lcbench.state  what the page shows, in the address after "#": get(key), set({key: value}),
       link({key: value}). Keys begin with the id of a part: "scores.metric". When the reader follows
       a link or goes back, "state" is emitted.
   lcbench.say(text)  tells a screen reader. lcbench.copy(text, what)  copies, or shows what to copy.
   lcbench.save(name, text, type)  offers a file.
   lcbench.show(element)  scrolls to an element and puts the focus there. */
"use strict";
(() => {
  const registered = new Map();
  const listeners = new Map();
  const SVG = "http://www.w3.org/2000/svg";
  const SAFE_LINK = /^(#|blob:|[\w.%~-]+(\/[\w.%~-]+)*(#.*)?$)/;
  const SAFE_SOURCE = /^(data:image\/(png|jpeg|webp);|[\w.%~-]+(\/[\w.%~-]+)*$)/;

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (value === null || value === undefined || value === false) continue;
      if (typeof value === "function") {
        node.addEventListener(name.replace(/^on/, ""), value);
        continue;
      }
      const text = value === true ? "" : String(value);
      if (name.startsWith("on") || name === "style" || name === "srcdoc") {
        throw new Error(`attribute ${name} is not for text`);
      }
      if (/(^|:)href$/.test(name) && !SAFE_LINK.test(text))
        throw new Error(`no such link: ${text}`);
      if (name === "src" && !SAFE_SOURCE.test(text)) throw new Error(`no such picture: ${text}`);
      node.setAttribute(name, text);
    }
    node.append(
      ...children
        .flat(Infinity)
        .filter((one) => one !== null && one !== undefined && one !== false),
    );
    return node;
  }

  const el = (tag, attributes, ...children) =>
    fill(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) =>
    fill(document.createElementNS(SVG, tag), attributes, children);

  /* Arrays: base64 of gzip of little-endian numbers, unpacked when they are asked for. */

  const TYPES = {
    uint8: Uint8Array,
    int8: Int8Array,
    uint16: Uint16Array,
    int16: Int16Array,
    uint32: Uint32Array,
    int32: Int32Array,
    float32: Float32Array,
    float64: Float64Array,
  };

  async function unpack(node) {
    const packed = Uint8Array.from(atob(node.textContent), (one) => one.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const bytes = await new Response(stream).arrayBuffer();
    return {
      values: new TYPES[node.dataset.dtype](bytes),
      shape: node.dataset.shape.split(",").filter(Boolean).map(Number),
    };
  }

  function arraysOf(id) {
    const loaded = new Map();
    const find = (name) => document.getElementById(`array-${id}-${name}`);
    return {
      has: (name) => find(name) !== null,
      load(name) {
        if (!loaded.has(name)) {
          const node = find(name);
          loaded.set(
            name,
            node ? unpack(node) : Promise.reject(new Error(`no array ${name} of ${id}`)),
          );
        }
        return loaded.get(name);
      },
    };
  }

  /* What the page shows, after "#" in its address. */

  const parsed = () => {
    const hash = location.hash.slice(1);
    return hash.includes("=") ? new URLSearchParams(hash) : new URLSearchParams();
  };
  let current = parsed();

  function changed(changes) {
    const next = new URLSearchParams(current);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === undefined || value === "") next.delete(key);
      else next.set(key, String(value));
    }
    return next;
  }

  const state = {
    get: (key) => current.get(key),
    set(changes) {
      current = changed(changes);
      const text = current.toString();
      history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
    },
    link: (changes) => `#${changed(changes)}`,
  };

  function on(name, listener) {
    if (!listeners.has(name)) listeners.set(name, []);
    listeners.get(name).push(listener);
  }

  function emit(name, detail) {
    for (const listener of listeners.get(name) ?? []) listener(detail);
  }

  /* Speaking, copying, saving, showing. */

  function say(text) {
    const live = document.getElementById("live");
    live.textContent = "";
    // An empty moment between makes the same words heard again.
    setTimeout(() => (live.textContent = text), 50);
  }

  async function copy(text, what) {
    try {
      await navigator.clipboard.writeText(text);
      say(`${what} copied`);
      return true;
    } catch {
      offer(text, what); // a page that was opened from a file may not be allowed to
      return false;
    }
  }

  function offer(text, what) {
    const area = el("textarea", { readonly: true, rows: 14, "aria-label": what });
    area.value = text;
    const dialog = el(
      "dialog",
      { class: "copy", "aria-label": what, onclose: () => dialog.remove() },
      el("p", {}, `${what}: the browser does not let this page copy. Select the text and copy it.`),
      area,
      el("form", { method: "dialog" }, el("button", {}, "Close")),
    );
    document.body.append(dialog);
    dialog.showModal();
    area.focus();
    area.select();
  }

  function save(name, text, type = "text/csv") {
    const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
    el("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  function show(element) {
    if (!element.matches("a, button, input, select, textarea, [tabindex]")) element.tabIndex = -1;
    element.scrollIntoView({ block: "center", behavior: "instant" });
    element.focus({ preventScroll: true });
  }

  /* Light and dark. */

  const THEMES = ["auto", "light", "dark"];
  let theme = "auto";
  try {
    theme = localStorage.getItem("lcbench-theme") ?? "auto";
  } catch {
    // Without storage the choice lasts as long as the page.
  }

  function dress(button) {
    if (!THEMES.includes(theme)) theme = "auto";
    document.documentElement.dataset.theme = theme;
    button.textContent = `Colours: ${theme}`;
  }

  function startTheme() {
    const button = document.getElementById("theme");
    dress(button);
    button.hidden = false;
    button.addEventListener("click", () => {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      dress(button);
      emit("theme", theme);
      try {
        localStorage.setItem("lcbench-theme", theme);
      } catch {
        // As above.
      }
    });
  }

  /* The list of parts keeps what the page shows: its links change "at" only. */

  function goTo(id) {
    const heading = document.getElementById(`${id}-title`);
    if (!heading) return;
    heading.scrollIntoView();
    heading.focus({ preventScroll: true });
  }

  function startLinks() {
    for (const link of document.querySelectorAll("header.top nav a")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        const id = link.getAttribute("href").slice(1);
        state.set({ at: id });
        goTo(id);
      });
    }
    addEventListener("hashchange", () => {
      if (!location.hash.includes("=")) return; // a plain anchor says nothing of what is shown
      current = parsed();
      emit("state");
    });
  }

  async function startSection(id, part) {
    const root = document.getElementById(id);
    const node = document.getElementById(`data-${id}`);
    if (!root || !node) return;
    try {
      await part.start(root, JSON.parse(node.textContent), arraysOf(id));
    } catch (error) {
      root.append(el("p", { class: "warning" }, `This part could not be shown: ${error.message}`));
      console.error(error);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    startTheme();
    startLinks();
    for (const [id, part] of registered) startSection(id, part);
    document.documentElement.dataset.ready = "";
    if (state.get("at")) goTo(state.get("at"));
  });

  window.lcbench = {
    section: (id, part) => registered.set(id, part),
    arrays: arraysOf,
    el,
    svg,
    on,
    emit,
    state,
    say,
    copy,
    save,
    show,
  };
})();
