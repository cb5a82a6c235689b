// float32 in JavaScript: what Math.fround does not say, bit for bit as the processor has it.
"use strict";
const Arithmetic = (() => {
  const f = Math.fround;
  const MOST_FLOAT = f(3.4028234663852886e38);

  // a * b + c of float32 numbers, rounded once, as the instruction does it. In double the product is
  // exact; the sum is rounded, which matters only where it lies just between two floats.
  function fma(a, b, c) {
    const product = a * b, total = product + c, near = f(total);
    if (near === total) return near;
    const other = total + (total - near);
    return f(other) === other ? between(product, c, total, near, other) : near;
  }

  // Knuth's two-sum says what rounding the sum took away: it decides between both neighbours.
  function between(product, c, total, near, other) {
    const back = total - product;
    const error = (product - (total - back)) + (c - back);
    if (error === 0) return near;
    if (Math.abs(near) === Infinity) return error * total < 0 ? Math.sign(total) * MOST_FLOAT : near;
    return error > 0 ? Math.max(near, other) : Math.min(near, other);
  }

  // tanh and sigmoid as _kernels/elementwise.h has them: double operations that IEEE 754 rounds one
  // way only, in the same order.
  const POWERS = Float64Array.from({ length: 512 }, () => 1); // 2 ** (n - 256)
  for (let n = 257; n < 512; n++) POWERS[n] = POWERS[n - 1] * 2;
  for (let n = 255; n >= 0; n--) POWERS[n] = POWERS[n + 1] / 2;
  const TAYLOR = [39916800, 3628800, 362880, 40320, 5040, 720, 120, 24, 6, 2].map((n) => 1 / n);

  function expParts(t) {
    const rounder = 6755399441055744;
    const k = t * 1.4426950408889634 + rounder - rounder;
    const r = t - k * 0.69314718036912382 - k * 1.9082149292705877e-10;
    let p = TAYLOR[0];
    for (let n = 1; n < TAYLOR.length; n++) p = p * r + TAYLOR[n];
    return [POWERS[k + 256], r + r * r * p];
  }

  function tanh(x) {
    const [scale, fraction] = expParts(2 * Math.min(Math.abs(x), 10));
    const m = scale * fraction + (scale - 1);
    const y = f(m / (m + 2));
    return x < 0 || Object.is(x, -0) ? -y : y;
  }

  function sigmoid(x) {
    const [scale, fraction] = expParts(-Math.min(Math.max(x, -128), 128));
    return f(1 / (1 + (scale + scale * fraction)));
  }

  return { fma, sigmoid, tanh };
})();
