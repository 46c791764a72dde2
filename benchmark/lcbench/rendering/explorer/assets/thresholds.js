/* What is answered at a threshold, counted as lcbench/statistics/selective.py counts it.

   lcbench.thresholds(images, p, b, level)   a promise of the answers of a baseline, or null where it
       has no probabilities. Each trained model's answers lie in steps of falling confidence; equal
       confidences share a step, so that they stand or fall together.
     stops   thresholds that can be chosen, from 0 upwards
     atStop(k)   of each split: how many steps are at least as sure as a stop
     count(reached, of)   {answers, answered, errors, images, groups, rows, wrongRows, silentRows}:
         rows are Maps from an image to its predictions
     share(reached, of)   {coverage, risk} alone, which is quick
     curve(coverages, of)   risks where each trained model answers that share of its images; within
         a step the errors are those of any of its images */
"use strict";
(() => {
  const KINDS = { 2: 0xffff, 4: 0xffffffff };

  function put(rows, image, row) {
    if (!rows.has(image)) rows.set(image, []);
    rows.get(image).push(row);
  }

  /* (answers, errors) cumulated over the steps of one trained model. */
  function cumulated(code, notAsked, from, to) {
    const answered = [0];
    const errors = [0];
    for (let row = from; row < to; row += 1) {
      if (code[row] === notAsked) continue;
      const step = (code[row] >>> 1) + 1;
      answered[step] = (answered[step] ?? 0) + 1;
      errors[step] = (errors[step] ?? 0) + (code[row] & 1);
    }
    for (let step = 1; step < answered.length; step += 1) {
      answered[step] += answered[step - 1];
      errors[step] += errors[step - 1];
    }
    return { answered, errors };
  }

  /* The errors among the surest `wanted` answers: straight lines within a step. */
  function errorsAmong({ answered, errors }, wanted) {
    let low = 0;
    let high = answered.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (answered[middle] < wanted) low = middle;
      else high = middle;
    }
    const width = answered[high] - answered[low];
    const part = width ? Math.min(1, (wanted - answered[low]) / width) : 0;
    return errors[low] + part * (errors[high] - errors[low]);
  }

  async function thresholds(images, p, b, level) {
    const arrays = lcbench.arrays("curves");
    const key = `${p}-${b}-${level}`;
    if (!arrays.has(`code-${key}`)) return null;
    const [code, stops, reached, rows] = await Promise.all([
      arrays.load(`code-${key}`).then((one) => one.values),
      arrays.load(`stops-${key}`).then((one) => one.values),
      arrays.load(`reached-${key}`).then((one) => one.values),
      images.rows(p),
    ]);
    const notAsked = KINDS[code.BYTES_PER_ELEMENT];
    const { splits } = images.protocols[p];
    const size = splits.length;

    function each(of, visit) {
      const ranges = new Set(images.ranges(p, of).map(([from]) => from));
      splits.forEach(({ from, to }, split) => {
        if (to > from && ranges.has(from)) visit(from, to, split);
      });
    }

    function share(steps, of) {
      let [answers, answered, errors] = [0, 0, 0];
      each(of, (from, to, split) => {
        const limit = 2 * steps[split];
        for (let row = from; row < to; row += 1) {
          if (code[row] === notAsked) continue;
          answers += 1;
          if (code[row] >= limit) continue;
          answered += 1;
          errors += code[row] & 1;
        }
      });
      return {
        answers,
        answered,
        errors,
        coverage: answers ? answered / answers : null,
        risk: answered ? errors / answered : null,
      };
    }

    function count(steps, of) {
      const found = { rows: new Map(), wrongRows: new Map(), silentRows: new Map() };
      each(of, (from, to, split) => {
        const limit = 2 * steps[split];
        for (let row = from; row < to; row += 1) {
          if (code[row] === notAsked) continue;
          const answered = code[row] < limit;
          put(answered ? found.rows : found.silentRows, rows[row], row);
          if (answered && code[row] & 1) put(found.wrongRows, rows[row], row);
        }
      });
      return { ...found, ...share(steps, of) };
    }

    function curve(coverages, of) {
      const errors = coverages.map(() => 0);
      let every = 0;
      each(of, (from, to) => {
        const one = cumulated(code, notAsked, from, to);
        const total = one.answered.at(-1);
        every += total;
        coverages.forEach((share, k) => (errors[k] += errorsAmong(one, share * total)));
      });
      return coverages.map((one, k) => (every ? errors[k] / (one * every) : 0));
    }

    return {
      stops,
      atStop: (k) => reached.subarray(k * size, (k + 1) * size),
      share,
      count,
      curve,
    };
  }

  lcbench.thresholds = thresholds;
})();
