/* lcbench.format: numbers as rendering/formats.py writes them; null and undefined are a dash. */
"use strict";
(() => {
  const MINUS = "\u2212";
  const NONE = "\u2013";

  function fixed(value, decimals, signed = false) {
    if (!Number.isFinite(value)) return `${value < 0 ? MINUS : ""}\u221e`;
    const size = Math.abs(value);
    // toFixed rounds a tie up, and Python to the even digit; only such numbers are exact ties.
    const tie = Number.isInteger(size * 2 ** (decimals + 1)) && (size * 10 ** decimals) % 1 === 0.5;
    const even = tie && Math.floor(size * 10 ** decimals) % 2 === 0;
    const written = even
      ? (Math.floor(size * 10 ** decimals) / 10 ** decimals).toFixed(decimals)
      : size.toFixed(decimals);
    const zero = Number(written) === 0;
    const [whole, part] = written.split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? `.${part}` : "");
    const sign = zero ? "" : value < 0 ? MINUS : signed ? "+" : "";
    return sign + grouped;
  }

  const known = (values) => values.filter((one) => one !== null && one !== undefined);

  const format = {
    NONE,
    fixed,
    integer: (value) => (value === null || value === undefined ? NONE : fixed(value, 0)),
    number: (value, decimals = 1) =>
      value === null || value === undefined ? NONE : fixed(value, decimals),
    plural: (count, one, many) => `${fixed(count, 0)} ${count === 1 ? one : (many ?? `${one}s`)}`,
    shareDecimals: (values) => (known(values).some((one) => one > 0.99 || one < 0.01) ? 2 : 1),
    pointsDecimals: (values) => (known(values).some((one) => Math.abs(one) < 0.01) ? 2 : 1),
    share(value, { unit = true, decimals = null } = {}) {
      if (value === null || value === undefined) return NONE;
      const digits = decimals ?? (value === 0 || value === 1 ? 0 : format.shareDecimals([value]));
      return fixed(100 * value, digits) + (unit ? " %" : "");
    },
    shareInterval(value, low, high, { unit = false, decimals = null } = {}) {
      if (value === null || value === undefined) return NONE;
      const digits = decimals ?? format.shareDecimals([value]);
      const written = fixed(100 * value, digits) + (unit ? " %" : "");
      if (low === null || low === undefined || (low === value && high === value)) return written;
      return `${written} [${fixed(100 * low, digits)}, ${fixed(100 * high, digits)}]`;
    },
    pointsInterval(value, low, high, { unit = false, decimals = null } = {}) {
      if (value === null || value === undefined) return NONE;
      const digits = decimals ?? format.pointsDecimals([value]);
      const written = fixed(100 * value, digits, true) + (unit ? " points" : "");
      if (low === null || low === undefined || (low === value && high === value)) return written;
      return `${written} [${fixed(100 * low, digits, true)}, ${fixed(100 * high, digits, true)}]`;
    },
  };

  Object.assign(lcbench, { format });
})();
