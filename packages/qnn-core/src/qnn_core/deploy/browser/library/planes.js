// Products of few bits, 32 at a time: the bits of codes as planes, and how many are set in both. The
// sums are the same integers; what passes 32 bits on the way wraps around, and back.
"use strict";
const Planes = (() => {
  // So many pairs of planes are quicker than multiplying code by code.
  const MOST_PAIRS = 6;

  // How many bits are set in both of `count` words. Counts of bytes hold those of 31 words.
  function inBoth(x, v, y, w, count) {
    let total = 0;
    for (let j = 0; j < count; ) {
      let bytes = 0;
      for (const end = Math.min(count, j + 31); j < end; j++) {
        let bits = x[v + j] & y[w + j];
        bits = (bits - ((bits >>> 1) & 0x55555555)) | 0;
        bits = ((bits & 0x33333333) + ((bits >>> 2) & 0x33333333)) | 0;
        bytes = (bytes + ((bits + (bits >>> 4)) & 0x0f0f0f0f)) | 0;
      }
      const halves = (bytes & 0x00ff00ff) + ((bytes >>> 8) & 0x00ff00ff);
      total += (halves & 0xffff) + (halves >>> 16);
    }
    return total;
  }

  const bitsOf = (levels) => Math.ceil(Math.log2(levels));

  // The step from one element to the next, 0 if it is not the same for all.
  function stepOf(table, start, levels) {
    const step = table[start + 1] - table[start];
    for (let n = 1; n < levels; n++) if (table[start + n] - table[start + n - 1] !== step) return 0;
    return step;
  }

  // `k` codes as planes of words, from `at` on; returns their sum.
  function write(codes, start, k, bits, words, planes, at) {
    planes.fill(0, at, at + bits * words);
    let sum = 0;
    for (let j = 0; j < k; j++) {
      const code = codes[start + j], word = at + (j >> 5), bit = j & 31;
      sum += code;
      for (let p = 0; p < bits; p++) planes[word + p * words] |= ((code >> p) & 1) << bit;
    }
    return sum;
  }

  // A product with an element for each code, `first + step * code` on both sides; null if it is
  // none, has many bits, or windows that reach beyond the image, where there are no codes.
  function of({ integers, table, weight, n, k, padding = [0, 0] }) {
    if (!integers || !table || !weight.codes || padding.some((pixels) => pixels) || k < 32) return null;
    const xBits = bitsOf(table.length), { codes, elements, perRow, bits } = weight;
    const levels = perRow ? elements.length / n : elements.length;
    if (levels < 2 || table.length < 2 || xBits * bits > MOST_PAIRS) return null;
    const xStep = stepOf(table, 0, table.length), wStep = stepOf(elements, 0, levels);
    if (!xStep || !wStep) return null;
    const words = (k + 31) >> 5, planes = new Int32Array(n * bits * words);
    const firsts = new Int32Array(n), starts = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      const sum = write(codes, i * k, k, bits, words, planes, i * bits * words);
      firsts[i] = elements[perRow ? i * levels : 0];
      starts[i] = Math.imul(table[0], Math.imul(k, firsts[i]) + Math.imul(wStep, sum));
    }
    const x = new Int32Array(xBits * words);
    return { k, words, planes, bits, x, xBits, firsts, starts, xStep, steps: Math.imul(xStep, wStep) };
  }

  // As `multiplyIntegers`, of codes.
  function multiply(p, codes, start, sums, at, first, n) {
    const { words, planes, bits, x, xBits, firsts, starts, xStep, steps } = p;
    const sum = write(codes, start, p.k, xBits, words, x, 0);
    for (let i = first; i < first + n; i++) {
      let both = 0;
      for (let b = 0; b < bits; b++) {
        const w = (i * bits + b) * words;
        for (let a = 0; a < xBits; a++) both += inBoth(x, a * words, planes, w, words) << (a + b);
      }
      sums[at + i - first] = starts[i] + Math.imul(firsts[i], Math.imul(xStep, sum)) + Math.imul(steps, both);
    }
  }

  // All rows of a linear layer.
  function rows(s, codes) {
    const sums = new Int32Array(s.rows * s.n);
    for (let r = 0; r < s.rows; r++) multiply(s.planes, codes, r * s.k, sums, r * s.n, 0, s.n);
    return sums;
  }

  return { multiply, of, rows };
})();
