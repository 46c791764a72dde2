/* The pictures of the section on curves: risk by coverage, and reliability.

   lcbench.riskPlot(images, data, choice, found)   {node, others, move}: the curve of the chosen
       splits, that of the same baseline under other protocols, the points of the analysis;
       move({coverage, risk}) puts the ring there. found: see lcbench.thresholds
   lcbench.reliabilityPlot(images, data, choice)   {node, move}; null without answers
   lcbench.curveFigures(...)   both with their captions
   lcbench.pointsTable(model, choice, go)   the points of the analysis; go(at) goes to one
   lcbench.target(risk)   a risk that thresholds were chosen for, in words */
"use strict";
(() => {
  const { el, svg, format } = lcbench;
  const target = (value) => `${Number((100 * value).toPrecision(6))} %`;
  const modelOf = (data, { p, b, level }) => data.protocols[p].models[b][level];

  function riskPlot(images, data, choice, found) {
    const { coverages, protocols } = data;
    const model = modelOf(data, choice);
    const own = found.curve(coverages, choice.of);
    const others = protocols.flatMap((one, p) => {
      const b = images.protocols[p].baselines.indexOf(
        images.protocols[choice.p].baselines[choice.b],
      );
      const curve = one.models[b]?.[choice.level]?.curve;
      return p !== choice.p && curve?.length ? [{ p, curve, series: one.series }] : [];
    });
    const points = choice.of === "" ? model.points.filter((one) => one.risk[0] !== null) : [];
    const highest = Math.max(
      0.015,
      ...own,
      ...others.flatMap((one) => one.curve),
      ...points.map((one) => one.risk[2] ?? one.risk[0]),
    );
    const at = lcbench.plot({
      title: `Wrong answers by share answered, ${images.protocols[choice.p].titles[choice.b]}`,
      x: lcbench.linear("answered, %", 0, 1),
      y: lcbench.linear("wrong among these, %", 0, 1.07 * highest),
    });
    const along = (curve) => coverages.map((one, k) => [one, curve[k]]);
    at.layer.append(
      ...others.map((one) =>
        lcbench.line(at, along(one.curve), { class: `other series-${one.series}` }),
      ),
      lcbench.line(at, along(own), {
        class: `own series-${protocols[choice.p].series}`,
        "data-risks": own.join(" "),
      }),
      ...points.map((one) =>
        lcbench.dot(at, one.coverage, one.risk, {
          class: "point",
          title: `thresholds for ${target(one.target)}`,
        }),
      ),
    );
    const mark = svg("circle", { class: "mark", r: 6 });
    at.layer.append(mark);
    const move = ({ coverage, risk }) => {
      mark.toggleAttribute("hidden", risk === null);
      if (risk === null) return;
      mark.setAttribute("cx", at.x(coverage));
      mark.setAttribute("cy", Math.max(at.top, at.y(risk)));
    };
    return { node: at.node, others, move };
  }

  function reliabilityPlot(images, data, choice) {
    const curve = modelOf(data, choice).reliability;
    if (!curve.length) return null;
    const all = curve.flatMap(([sure, right]) => [sure, right]);
    const at = lcbench.plot({
      title: `Right answers by confidence, ${images.protocols[choice.p].titles[choice.b]}`,
      x: lcbench.logits("confidence, %", all),
      y: lcbench.logits("right, %", all),
    });
    const ends = [Math.min(...all), Math.max(...all)];
    const { series } = data.protocols[choice.p];
    at.layer.append(
      lcbench.line(
        at,
        ends.map((one) => [one, one]),
        { class: "diagonal" },
      ),
      lcbench.line(at, curve, { class: `own thin series-${series}` }),
      ...curve.map(([sure, ...right]) =>
        lcbench.dot(at, [sure], right, { class: `series-${series}`, r: 3.5 }),
      ),
    );
    const mark = svg("line", { class: "mark", y1: at.top, y2: at.base });
    at.layer.append(mark);
    const move = (threshold) => {
      mark.toggleAttribute("hidden", threshold === null);
      if (threshold === null) return;
      mark.setAttribute("x1", at.x(threshold));
      mark.setAttribute("x2", at.x(threshold));
    };
    return { node: at.node, move };
  }

  function curveFigures(images, data, choice, risk, reliability) {
    const { protocols } = data;
    const name = (p) => images.protocols[p].title;
    const keys = [choice.p, ...risk.others.map((one) => one.p)].map((p) =>
      el("span", { class: `key series-${protocols[p].series}` }, name(p), " "),
    );
    return el(
      "div",
      { class: "plots" },
      el(
        "figure",
        {},
        risk.node,
        el(
          "figcaption",
          {},
          keys,
          "Each trained model answers its surest images, as many as the axis says. Points with bars: thresholds from validation images. Ring: the threshold that you chose.",
        ),
      ),
      reliability
        ? el(
            "figure",
            {},
            reliability.node,
            el(
              "figcaption",
              {},
              "Dots: bins of about as many images each, of all splits, with 95 % intervals. Below the line: too sure. Upright line: the threshold that you chose.",
            ),
          )
        : null,
    );
  }

  /* What the analysis found at thresholds that validation images gave. */
  function pointsTable(model, choice, go) {
    if (!model.points.length) {
      return el("p", { class: "soft" }, "No thresholds from validation images for this baseline.");
    }
    const cell = ([value, low, high]) => format.shareInterval(value, low, high);
    const rows = model.points.map((one) =>
      el(
        "tr",
        {},
        el(
          "th",
          { scope: "row" },
          el(
            "button",
            {
              type: "button",
              "aria-pressed": String(choice.at === `risk-${one.target}`),
              "data-target": one.target,
              onclick: () => go(`risk-${one.target}`),
            },
            `thresholds for ${target(one.target)}`,
          ),
        ),
        el("td", { class: "number" }, cell(one.coverage)),
        el("td", { class: "number" }, cell(one.risk)),
      ),
    );
    const head = ["chosen on validation images", "answered, %", "wrong among these, %"];
    return el(
      "div",
      { class: "scroll", role: "region", tabindex: "0", "aria-label": "Operating points" },
      el(
        "table",
        { class: "rows plain" },
        el("caption", {}, "Operating points of the analysis, all splits"),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            head.map((one, k) => el("th", { scope: "col", class: k ? "number" : null }, one)),
          ),
        ),
        el("tbody", {}, rows),
      ),
    );
  }

  Object.assign(lcbench, {
    pointsTable,
    riskPlot,
    reliabilityPlot,
    curveFigures,
    target,
  });
})();
