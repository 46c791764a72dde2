/* A small plot: two axes, lines, dots with intervals.

   lcbench.plot({title, x, y})   an <svg>; an axis is {label, low, high, ticks: [{at, text}], place},
       place(value) from 0 to 1. What is drawn later goes into .layer; .x(value) and .y(value) give
       places in it.
   lcbench.linear(label, low, high)   an axis of shares, in per cent
   lcbench.logits(label, values)   one that spreads what is close to 0 % and to 100 % */
"use strict";
(() => {
  const { svg, format } = lcbench;
  const SIZE = { width: 460, height: 320, left: 52, right: 12, top: 10, bottom: 44 };
  const TICKS = [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999];
  const [LEAST, MOST] = [0.0005, 0.9999];

  function linear(label, low, high) {
    const rough = (high - low) / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999);
    const ticks = [];
    for (let at = Math.ceil(low / step) * step; at <= high + 1e-9; at += step)
      ticks.push({ at, text: String(Number((100 * at).toPrecision(6))) });
    return { label, low, high, ticks, place: (value) => (value - low) / (high - low) };
  }

  function logits(label, values) {
    const logit = (share) => {
      const cut = Math.min(Math.max(share, LEAST), MOST);
      return Math.log(cut / (1 - cut));
    };
    const all = values.map(logit);
    const [first, last] = [Math.min(...all), Math.max(...all)];
    const pad = 0.06 * (last - first) || 1;
    const [low, high] = [first - pad, last + pad];
    const place = (value) => Math.max(0, Math.min(1, (logit(value) - low) / (high - low)));
    const ticks = TICKS.filter((one) => low <= logit(one) && logit(one) <= high);
    return {
      label,
      low,
      high,
      ticks: ticks.map((at) => ({ at, text: String(Number((100 * at).toPrecision(6))) })),
      place,
    };
  }

  function plot({ title, x, y }) {
    const { width, height, left, right, top, bottom } = SIZE;
    const px = (value) => left + x.place(value) * (width - left - right);
    const py = (value) => height - bottom - y.place(value) * (height - top - bottom);
    const base = height - bottom;
    const layer = svg("g", {});
    const grid = [
      x.ticks.map(({ at, text }) => [
        svg("line", { class: "grid", x1: px(at), x2: px(at), y1: top, y2: base }),
        svg("text", { x: px(at), y: base + 16, "text-anchor": "middle" }, text),
      ]),
      y.ticks.map(({ at, text }) => [
        svg("line", { class: "grid", x1: left, x2: width - right, y1: py(at), y2: py(at) }),
        svg("text", { x: left - 6, y: py(at) + 4, "text-anchor": "end" }, text),
      ]),
    ];
    const node = svg(
      "svg",
      { class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title },
      grid,
      svg(
        "text",
        { x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle" },
        x.label,
      ),
      svg(
        "text",
        {
          x: 13,
          y: (top + base) / 2,
          "text-anchor": "middle",
          transform: `rotate(-90 13 ${(top + base) / 2})`,
        },
        y.label,
      ),
      layer,
    );
    return { node, layer, x: px, y: py, top, base };
  }

  /* Points joined by a line; those without a value are left out. */
  function line(at, points, attributes) {
    const known = points.filter(([, y]) => y !== null && y !== undefined);
    const path = known.map(
      ([x, y], k) => `${k ? "L" : "M"}${at.x(x).toFixed(1)} ${at.y(y).toFixed(1)}`,
    );
    return svg("path", { d: path.join(""), fill: "none", ...attributes });
  }

  /* A dot with an interval on either axis, each [value, low, high]. */
  function dot(at, across, up, attributes = {}) {
    const bar = (x1, x2, y1, y2) => svg("line", { class: "interval", x1, x2, y1, y2 });
    const [x, y] = [at.x(across[0]), at.y(up[0])];
    const has = (one) => one[1] !== null && one[1] !== undefined;
    return svg(
      "g",
      attributes,
      has(across) ? bar(at.x(across[1]), at.x(across[2]), y, y) : null,
      has(up) ? bar(x, x, at.y(up[1]), at.y(up[2])) : null,
      svg("circle", { cx: x, cy: y, r: attributes.r ?? 4 }),
      attributes.title ? svg("title", {}, attributes.title) : null,
    );
  }

  /* A threshold with as many digits as tell it from 1. */
  function sure(value) {
    const gap = 1 - value;
    if (value === 0) return "0 %";
    if (gap <= 0) return "100 %";
    const digits = gap >= 0.01 ? 1 : Math.min(12, Math.ceil(-Math.log10(gap)) - 1);
    return `${format.fixed(100 * value, digits)} %`;
  }

  Object.assign(lcbench, { plot, linear, logits, line, dot, sure });
})();
