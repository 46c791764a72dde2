/* The first screen: intervals drawn into the table that stands there. */
"use strict";
lcbench.section("overview", {
  start(root, data) {
    const axis = lcbench.scale(data.flat());
    root.querySelector("th.picture").append(lcbench.drawAxis(axis));
    root.querySelectorAll("td.picture").forEach((cell, row) => {
      cell.append(lcbench.drawInterval(axis, data[row]));
    });
  },
});
