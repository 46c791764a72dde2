/* Scores: every metric of every baseline. */
"use strict";
lcbench.section("scores", {
  start(root, data) {
    const rows = data.rows.map(
      ([place, protocol, baseline, what, text, training, numbers, n, groups]) => ({
        place,
        protocol,
        baseline,
        what,
        text,
        training,
        n,
        groups,
        ...lcbench.limits(numbers),
      }),
    );
    lcbench.estimates(root, {
      id: "scores",
      caption: "Scores",
      label: "Metric",
      names: data.names,
      whats: data.whats,
      rows,
    });
  },
});
