// The arithmetic of packed nets, one sample at a time, with the bits of Python's engine: float32 by
// Math.fround, sums of integers in 32 bits. It knows no document: it runs in any JavaScript.
"use strict";
const Engine = (() => {
  const f = Math.fround, { fma, sigmoid, tanh } = Arithmetic;

  const atMost = (x, high) => (x >= high ? high : x);

  const EACH = {
    absolute: (x) => Math.abs(x),
    clip: (x, s) => atMost(x <= s.low ? s.low : x, s.high), // of two zeros the limit, as in Python
    negative: (x) => -x,
    relu: (x) => (x <= 0 ? 0 : x),
    sigmoid,
    sqrt: (x) => f(Math.sqrt(x)),
    tanh,
  };
  const PAIRS = {
    add: (a, b) => f(a + b),
    subtract: (a, b) => f(a - b),
    multiply: (a, b) => f(a * b),
    divide: (a, b) => f(a / b),
  };

  // How many of the thresholds from `start` on are not above x: few are counted, many searched.
  function reached(thresholds, start, count, x) {
    if (count < 8) {
      let code = 0;
      for (let t = start; t < start + count; t++) code += thresholds[t] <= x;
      return code;
    }
    let low = 0, high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (thresholds[start + middle] <= x) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  const nothing = () => {};

  // Windows on an image, pixel by pixel, line by line: `see` is told of each pixel in the image.
  function windows(s, { begin = nothing, see, end = nothing }) {
    const [height, width] = s.image, [rows, columns] = s.output;
    for (let oy = 0, at = 0; oy < rows; oy++) {
      for (let ox = 0; ox < columns; ox++, at++) {
        begin(at);
        for (let ky = 0, tap = 0; ky < s.kernel[0]; ky++) {
          const y = oy * s.stride[0] + ky * s.dilation[0] - s.padding[0];
          for (let kx = 0; kx < s.kernel[1]; kx++, tap++) {
            const x = ox * s.stride[1] + kx * s.dilation[1] - s.padding[1];
            if (y >= 0 && y < height && x >= 0 && x < width) see(y * width + x, tap, at);
          }
        }
        end(at);
      }
    }
  }

  // What enters a product: integers or floats, by a table where they are codes.
  function elements(s, x) {
    if (!s.table) return x;
    const made = new s.table.constructor(x.length);
    for (let i = 0; i < x.length; i++) made[i] = s.table[x[i]];
    return made;
  }

  // A sum becomes float32, times a scale, plus a bias; or a code by thresholds.
  function finish(s, sums) {
    if (s.thresholds) return codesOfSums(s, sums);
    const y = new Float32Array(sums.length), { scale, bias, n } = s;
    for (let i = 0, c = 0; i < y.length; i++, c = c + 1 === n ? 0 : c + 1) {
      y[i] = f(f(sums[i]) * scale[scale.length > 1 ? c : 0]);
      if (bias) y[i] = f(y[i] + bias[c]);
      if (s.pixels) y[i] = f(y[i] / s.pixels);
    }
    return y;
  }

  function codesOfSums(s, sums) {
    const codes = new Uint8Array(sums.length), { thresholds, flip, n } = s;
    const shared = thresholds.length === s.count; // all channels have the same
    for (let i = 0, c = 0; i < codes.length; i++, c = c + 1 === n ? 0 : c + 1) {
      codes[i] = reached(thresholds, shared ? 0 : c * s.count, s.count, flip ? sums[i] ^ flip[c] : sums[i]);
    }
    return codes;
  }

  // The row of x that begins at `start`, times `n` rows of weights from `first` on: of integers in
  // any order, of floats in one. Each has one kind of array, which is what makes it quick.
  function multiplyIntegers(weights, k, x, start, sums, at, first, n) {
    for (let i = 0, w = first * k; i < n; i++) {
      let sum = 0;
      for (let j = start; j < start + k; j++, w++) sum = (sum + Math.imul(x[j], weights[w])) | 0;
      sums[at + i] = sum;
    }
  }

  function multiplyFloats(weights, k, x, start, sums, at, first, n) {
    let i = 0;
    // Each sum waits for its last rounding: four go on meanwhile.
    for (; i + 4 <= n; i += 4) {
      let w = (first + i) * k, a = 0, b = 0, c = 0, d = 0;
      for (let j = start; j < start + k; j++, w++) {
        a = fma(x[j], weights[w], a);
        b = fma(x[j], weights[w + k], b);
        c = fma(x[j], weights[w + 2 * k], c);
        d = fma(x[j], weights[w + 3 * k], d);
      }
      sums[at + i] = a;
      sums[at + i + 1] = b;
      sums[at + i + 2] = c;
      sums[at + i + 3] = d;
    }
    for (; i < n; i++) {
      let w = (first + i) * k, sum = 0;
      for (let j = start; j < start + k; j++, w++) sum = fma(x[j], weights[w], sum);
      sums[at + i] = sum;
    }
  }

  const newSums = (s, size) => (s.integers ? new Int32Array(size) : new Float32Array(size));

  const STEPS = {
    // Codes of floats, and floats of codes; `inner` elements in a row have one channel.
    encode(s, x) {
      const codes = new Uint8Array(x.length), { thresholds, scale, shift, inner } = s;
      for (let i = 0; i < x.length; i++) {
        if (!Number.isFinite(x[i])) throw new RangeError(`${s.to}: ${x[i]} cannot be quantized`);
        const c = Math.floor(i / inner);
        const u = f(f(x[i] - shift[c % shift.length]) / scale[c % scale.length]);
        codes[i] = reached(thresholds, 0, thresholds.length, u);
      }
      return codes;
    },
    decode(s, x) {
      const y = new Float32Array(x.length), { values, levels, inner } = s;
      const channels = values.length / levels;
      for (let i = 0; i < x.length; i++) y[i] = values[(Math.floor(i / inner) % channels) * levels + x[i]];
      return y;
    },
    linear(s, given) {
      if (s.planes) return finish(s, Planes.rows(s, given));
      const x = elements(s, given), { n, k, weights } = s, sums = newSums(s, s.rows * n);
      const multiply = s.integers ? multiplyIntegers : multiplyFloats;
      for (let r = 0; r < s.rows; r++) multiply(weights, k, x, r * k, sums, r * n, 0, n);
      return finish(s, sums);
    },
    conv2d(s, given) {
      const x = s.planes ? given : elements(s, given), { n, k, groups, channels } = s;
      const [rows, columns] = s.output, each = n / groups, own = channels / groups;
      const sums = newSums(s, rows * columns * n), patch = new x.constructor(k);
      const multiply = s.integers ? multiplyIntegers : multiplyFloats;
      const product = s.planes
        ? (at, g) => Planes.multiply(s.planes, patch, 0, sums, at, g * each, each)
        : (at, g) => multiply(s.weights, k, patch, 0, sums, at, g * each, each);
      for (let g = 0; g < groups; g++) {
        windows(s, {
          begin: () => patch.fill(0), // beside the image
          see: (pixel, tap) => {
            const from = pixel * channels + g * own;
            for (let c = 0; c < own; c++) patch[tap * own + c] = x[from + c];
          },
          end: (at) => product(at * n + g * each, g),
        });
      }
      return finish(s, sums);
    },
    // Sums of windows on codes, then a mean or codes.
    sum_pool(s, given) {
      const x = elements(s, given), { n } = s, sums = new Int32Array(s.output[0] * s.output[1] * n);
      const see = (pixel, _, at) => {
        for (let c = 0; c < n; c++) sums[at * n + c] += x[pixel * n + c];
      };
      windows(s, { see });
      return finish(s, sums);
    },
    // The mean of floats: blocks of 64 pixels in float32, the blocks added up in double.
    mean_pool(s, x) {
      const { n } = s, y = new Float32Array(s.output[0] * s.output[1] * n);
      const block = new Float32Array(n), total = new Float64Array(n);
      let seen = 0;
      windows(s, {
        begin: () => {
          seen = 0;
          block.fill(0);
          total.fill(0);
        },
        see: (pixel) => {
          for (let c = 0; c < n; c++) block[c] += x[pixel * n + c];
          if (++seen % 64) return;
          for (let c = 0; c < n; c++) total[c] += block[c];
          block.fill(0);
        },
        end: (at) => {
          for (let c = 0; c < n; c++) y[at * n + c] = (total[c] + block[c]) / s.pixels;
        },
      });
      return y;
    },
    max_pool(s, x) {
      const { n } = s, y = new x.constructor(s.output[0] * s.output[1] * n);
      if (x instanceof Float32Array) y.fill(-Infinity); // below every number; codes begin with 0
      const see = (pixel, _, at) => {
        for (let c = 0; c < n; c++) {
          const value = x[pixel * n + c];
          // The first of two zeros; a NaN stays, and is taken.
          if (value > y[at * n + c] || value !== value) y[at * n + c] = value;
        }
      };
      windows(s, { see });
      return y;
    },
    // Elements moved: of all sources after one another, by a table; -1 is `fill`.
    gather(s, ...sources) {
      let x = sources[0];
      if (sources.length > 1) {
        x = new x.constructor(sources.reduce((sum, one) => sum + one.length, 0));
        let at = 0;
        for (const one of sources) { x.set(one, at); at += one.length; }
      }
      if (!s.table) return x;
      const y = new x.constructor(s.table.length);
      for (let i = 0; i < y.length; i++) y[i] = s.table[i] < 0 ? s.fill : x[s.table[i]];
      return y;
    },
    extreme(s, x) {
      const y = new Float32Array(x.length / s.count), best = s.greatest ? Math.max : Math.min;
      for (let i = 0; i < y.length; i++) {
        y[i] = x[i * s.count];
        for (let j = 1; j < s.count; j++) y[i] = best(y[i], x[i * s.count + j]);
        y[i] += 0; // there is one zero
      }
      return y;
    },
    each(s, x) {
      const y = new Float32Array(x.length), act = EACH[s.name];
      for (let i = 0; i < x.length; i++) y[i] = act(x[i], s);
      return y;
    },
    pair(s, a, b) {
      const y = new Float32Array(Math.max(a.length, b.length)), act = PAIRS[s.name];
      for (let i = 0; i < y.length; i++) y[i] = act(a[i % a.length], b[i % b.length]);
      return y;
    },
    normalize(s, x) {
      const y = new Float32Array(x.length), { mean, factor, bias, inner } = s;
      for (let i = 0; i < x.length; i++) {
        const c = Math.floor(i / inner) % mean.length;
        y[i] = f(f(f(x[i] - mean[c]) * factor[c]) + bias[c]);
      }
      return y;
    },
  };

  // --- From the page to arrays ---------------------------------------------------------------

  const TYPES = { i1: Int8Array, i2: Int16Array, i4: Int32Array };

  function unpacked(bytes, bits, count) {
    const codes = new Uint8Array(count), mask = (1 << bits) - 1;
    for (let i = 0, at = 0; i < count; i++, at += bits) {
      const here = bytes[at >> 3] | ((bytes[(at >> 3) + 1] ?? 0) << 8);
      codes[i] = (here >> (at & 7)) & mask;
    }
    return codes;
  }

  // An array is said by its type, place and length; codes by their bits. Integers take 32 bits here.
  function arrayOf(buffer, { type, at, length }) {
    if (type === "f4") return new Float32Array(buffer, at, length);
    if (TYPES[type]) return Int32Array.from(new TYPES[type](buffer, at, length));
    const bits = Number(type.slice(1));
    return unpacked(new Uint8Array(buffer, at, Math.ceil((length * bits) / 8)), bits, length);
  }

  function filled(value, buffer) {
    if (value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map((one) => filled(one, buffer));
    if (typeof value.at === "number") return arrayOf(buffer, value); // a net may call its own "at"
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, buffer)]));
  }

  // Weights are codes and what each enters with: for all rows the same, or for each row.
  function writtenOut(step) {
    const { codes, elements: table, perRow } = step.weight;
    if (!codes) return step.weight.values;
    const made = new table.constructor(codes.length), levels = perRow ? table.length / step.n : 0;
    for (let i = 0; i < codes.length; i++) made[i] = table[Math.floor(i / step.k) * levels + codes[i]];
    return made;
  }

  class Net {
    // A program whose arrays are filled in.
    constructor(program) {
      this.program = program;
      for (const step of program.steps) {
        if (!step.weight) continue;
        step.planes = Planes.of(step);
        if (!step.planes) step.weights = writtenOut(step);
      }
    }

    // The codes of a product's weights, or its floats: for pictures.
    weightCodes(name) {
      const { weight } = this.program.steps.find((step) => step.to === name);
      return weight.codes ?? weight.values;
    }

    // All values of one sample by name: Float32Array, and codes as Uint8Array.
    values(input) {
      for (let i = 0; i < input.length; i++) {
        if (!Number.isFinite(input[i])) throw new RangeError(`input: ${input[i]} at ${i} is not finite`);
      }
      const values = { ...this.program.constants, [this.program.input]: input };
      for (const step of this.program.steps) {
        values[step.to] = STEPS[step.op](step, ...step.from.map((name) => values[name]));
      }
      return values;
    }

    outputs(values) {
      return this.program.outputs.map((name) => values[name]);
    }

    // The outputs of one sample: a Float32Array each.
    run(input) {
      return this.outputs(this.values(input));
    }
  }

  return { Net, filled };
})();
