// Numbers of a text as samples: a row for each, or a signal with a row for each moment.
const Numbers = (() => {
  class Wrong extends Error {}

  const cells = (line) => line.trim().split(/[,;\t]\s*|\s+/).filter((cell, n, all) => cell || n < all.length - 1);

  const BEYOND = /^[+-]?(nan|inf|infinity)$/i; // what programs write, and no name of a column
  const isName = (cell) => Number.isNaN(Number(cell)) && !BEYOND.test(cell);

  function number(cell, line, column) {
    const value = Number(cell);
    if (cell === "" || !Number.isFinite(value)) {
      throw new Wrong(`line ${line}, column ${column + 1}: ${JSON.stringify(cell)} is no finite number`);
    }
    return value;
  }

  // Samples of `shape`, an array of numbers each. A first row of names is left out.
  function samples(text, shape) {
    const lines = text.split(/\r\n|\r|\n/).map((line, n) => ({ row: cells(line), line: n + 1 }));
    let rows = lines.filter(({ row }) => row.length);
    if (rows.length > 1 && rows[0].row.every(isName)) rows = rows.slice(1);
    const found = rows.map(({ row, line }) => row.map((cell, c) => number(cell, line, c)));
    const size = shape.reduce((product, n) => product * n, 1);
    const [length, channels] = shape.length === 2 ? shape : [size, 1];
    if (found.length && found.length % length === 0 && found.every((row) => row.length === channels) && channels < size) {
      return Array.from({ length: found.length / length }, (_, n) => found.slice(n * length, (n + 1) * length).flat());
    }
    found.forEach((row, r) => {
      if (row.length === size) return;
      const signal = shape.length === 2 ? `, or ${length} rows of ${channels}` : "";
      throw new Wrong(`line ${rows[r].line} has ${row.length} numbers: ${size} are needed${signal}`);
    });
    return found;
  }

  // As the nets are given them: float32, and scaled if the page says so.
  function floats(values, mean, std) {
    const f = Math.fround;
    return Float32Array.from(values, (value, n) => {
      if (!mean) return value;
      return f(f(f(value) - mean[n % mean.length]) * f(1 / std[n % std.length]));
    });
  }

  // A float32 number in as few digits as give it again.
  function short(value) {
    for (let digits = 1; digits < 9; digits++) {
      const text = value.toPrecision(digits);
      if (Math.fround(Number(text)) === value) return String(Number(text));
    }
    return String(value);
  }

  // Channels over time.
  function draw(canvas, values, [length, channels], colours) {
    const ink = canvas.getContext("2d"), { width, height } = canvas;
    ink.clearRect(0, 0, width, height);
    const low = values.reduce((least, value) => Math.min(least, value), Infinity);
    const range = values.reduce((most, value) => Math.max(most, value), -Infinity) - low || 1;
    for (let c = 0; c < channels; c++) {
      ink.strokeStyle = colours[c % colours.length];
      ink.lineWidth = 2;
      ink.beginPath();
      for (let t = 0; t < length; t++) {
        const share = (values[t * channels + c] - low) / range;
        ink.lineTo(4 + ((width - 8) * t) / Math.max(length - 1, 1), height - 4 - (height - 8) * share);
      }
      ink.stroke();
    }
  }

  return { Wrong, draw, floats, samples, short };
})();
