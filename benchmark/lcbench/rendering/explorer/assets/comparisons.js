/* Comparisons: two models on the same images, by what goes wrong and by every metric. */
"use strict";
(() => {
  const { format, limits } = lcbench;

  function read([
    place,
    protocol,
    against,
    baseline,
    what,
    text,
    training,
    numbers,
    n,
    groups,
    event,
  ]) {
    return {
      place,
      protocol,
      against,
      baseline,
      what,
      text,
      training,
      n,
      groups,
      event,
      ...limits(numbers),
    };
  }

  const others = (data) => [...new Set(data.rows.map((row) => row[2]))];
  const titleIn = (data) => (key) =>
    data.names.baselines.find((one) => one.key === key)?.title ?? key;

  function further(data) {
    const title = titleIn(data);
    const against = {
      key: "against",
      title: "against",
      text: (row) => title(row.against),
      order: (row) => title(row.against),
    };
    const several = others(data).length > 1;
    const column = (name, title, place) => ({
      key: name,
      title,
      number: true,
      text: (row) => row.event?.[name] ?? format.NONE,
      order: (row) => row.event?.order[place] ?? null,
      csv: (row) => ({ [lcbench.unitless(title)]: row.event?.order[place] ?? null }),
    });
    const verdict = {
      key: "verdict",
      title: "verdict",
      words: true,
      text: (row) => row.event?.verdict ?? format.NONE,
      order: (row) => row.event?.verdict,
    };
    const seeds = data.rows.some(
      (row) => row[10]?.order[3] !== undefined && row[10]?.order[3] !== null,
    );
    const middle = [
      column("fewer", "fewer, %", 0),
      column("p", "p", 1),
      column("adjusted", data.adjusted, 2),
      verdict,
    ];
    const after = [
      ...(seeds ? [column("training_p", `training: ${data.adjusted}`, 3)] : []),
      column("detectable", "smallest difference, points", 4),
    ];
    const before = several ? [against] : [];
    return (what) => (what.event ? { before, middle, after } : { before });
  }

  lcbench.section("comparisons", {
    start(root, data) {
      const [only, ...more] = others(data);
      lcbench.estimates(root, {
        id: "comparisons",
        // Where all are compared with the same one, no column says with which.
        caption: more.length ? "Comparisons" : `Comparisons with ${titleIn(data)(only)}`,
        label: "What is compared",
        names: data.names,
        whats: data.whats,
        rows: data.rows.map(read),
        zero: true,
        more: further(data),
      });
    },
  });
})();
