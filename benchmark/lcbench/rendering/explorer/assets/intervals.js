/* Intervals, drawn in the cells of tables.

   lcbench.scale(estimates, {share, zero})  the axis that estimates share; an estimate is {value,
       low, high, floor}, null where there is none. share: of a whole, written in per cent; zero: 0
       is on the axis and marked.
   lcbench.drawAxis(scale)  its numbers.
   lcbench.drawInterval(scale, estimates)  estimates below each other, each {value, low, high,
       wideLow, wideHigh, series}: a bar from low to high, a thin line for the wide limits. */
"use strict";
(() => {
  const { svg, format } = lcbench;
  const HEIGHT = 18;

  function steps(low, high, wanted) {
    const rough = (high - low) / wanted;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
    const ticks = [];
    for (let one = Math.ceil(low / step); one * step <= high + step * 1e-9; one += 1)
      ticks.push(one * step);
    return { ticks, decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
  }

  const exists = (one) => one !== null && one !== undefined && Number.isFinite(one);

  function spans(estimates) {
    return estimates
      .filter((one) => exists(one.value))
      .map(({ value, low, high, floor }) => ({
        floor,
        low: exists(low) ? low : value,
        high: exists(high) ? high : value,
      }));
  }

  // The floor would squeeze the others where it lies far below: it is left off, as on the plots.
  function ends(all) {
    const told = all.some((one) => !one.floor) ? all.filter((one) => !one.floor) : all;
    if (!told.length) return [0, 1];
    const start = Math.min(...told.map((one) => one.low));
    const end = Math.max(...told.map((one) => one.high));
    const near = all.filter((one) => one.low >= start - (end - start)).map((one) => one.low);
    return [Math.min(start, ...near), Math.max(end, ...near)];
  }

  // Of differences: 0, and all that do not reach four times as far as the one in the middle.
  function endsAroundZero(all) {
    const reach = (one) => Math.max(Math.abs(one.low), Math.abs(one.high));
    const reaches = all.map(reach).sort((a, b) => a - b);
    const widest = 4 * (reaches[Math.floor(reaches.length / 2)] ?? 1);
    const near = all.filter((one) => reach(one) <= widest);
    return [
      Math.min(0, ...near.map((one) => one.low)),
      Math.max(0, ...near.map((one) => one.high)),
    ];
  }

  function scale(estimates, { share = true, zero = false } = {}) {
    let [low, high] = (zero ? endsAroundZero : ends)(spans(estimates));
    const pad = Math.max(0.06 * (high - low), share ? 0.003 : 1e-3 * Math.abs(high), 1e-9);
    [low, high] = [low - pad, high + pad];
    const factor = share ? 100 : 1;
    const { ticks, decimals } = steps(factor * low, factor * high, 5);
    const place = (value) => (100 * (value - low)) / (high - low);
    return {
      low,
      high,
      place,
      zero,
      ticks: ticks.map((one) => ({
        at: place(one / factor),
        text: format.fixed(one, decimals, zero),
      })),
    };
  }

  const percent = (value) => `${value.toFixed(2)}%`;

  function drawAxis(axis) {
    const labels = axis.ticks.map((tick) => svg("text", { x: percent(tick.at), y: 11 }, tick.text));
    return svg("svg", { class: "axis", height: 14, "aria-hidden": "true" }, labels);
  }

  function drawOne(axis, estimate, y) {
    const { value, low, high } = estimate;
    if (value === null || value === undefined) return null;
    const within = (one) => Math.max(-5, Math.min(105, axis.place(one)));
    const series = { class: `series-${estimate.series}` };
    const at = axis.place(value);
    if (at < 0)
      return svg(
        "g",
        series,
        svg("text", { class: "off", x: 0, y: y + 4 }, "\u25c2 off the scale"),
      );
    if (at > 100) {
      return svg(
        "g",
        series,
        svg(
          "text",
          { class: "off", x: "100%", y: y + 4, "text-anchor": "end" },
          "off the scale \u25b8",
        ),
      );
    }
    const line = (from, to, name) =>
      from === null || from === undefined || from === to
        ? null
        : svg("line", {
            class: name,
            x1: percent(within(from)),
            x2: percent(within(to)),
            y1: y,
            y2: y,
          });
    return svg(
      "g",
      series,
      line(estimate.wideLow, estimate.wideHigh, "thin"),
      line(low, high, "bar"),
      svg("circle", { cx: percent(at), cy: y, r: 3.5 }),
    );
  }

  function drawInterval(axis, estimates) {
    const height = HEIGHT * estimates.length;
    const lines = axis.ticks.map((tick) =>
      svg("line", { class: "grid", x1: percent(tick.at), x2: percent(tick.at), y1: 0, y2: height }),
    );
    const zero = axis.zero
      ? svg("line", {
          class: "zero",
          x1: percent(axis.place(0)),
          x2: percent(axis.place(0)),
          y1: 0,
          y2: height,
        })
      : null;
    const drawn = estimates.map((one, number) => drawOne(axis, one, HEIGHT * (number + 0.5)));
    return svg("svg", { class: "interval", height, "aria-hidden": "true" }, lines, zero, drawn);
  }

  Object.assign(lcbench, { scale, drawAxis, drawInterval });
})();
