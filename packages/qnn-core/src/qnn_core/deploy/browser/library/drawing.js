// A drawing as MNIST's digits are: strokes, not pixels, are scaled, so that a small digit becomes a
// large one and the pen stays as wide. The same pixels in every browser.
const Drawing = (() => {
  const PEN = 1.25; // half the width of the pen, in pixels of 28
  const BOX = 20 / 28; // what a digit fills of the longer side

  // From a point to the line between two others.
  function distance(x, y, [ax, ay], [bx, by]) {
    const dx = bx - ax, dy = by - ay, length = dx * dx + dy * dy;
    const t = length ? Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / length, 0), 1) : 0;
    return Math.hypot(x - ax - t * dx, y - ay - t * dy);
  }

  // Ink from 0 to 1, with soft edges.
  function rendered(strokes, height, width, pen) {
    const ink = new Float64Array(height * width);
    for (const stroke of strokes) {
      stroke.forEach((point, n) => {
        const before = stroke[Math.max(n - 1, 0)], reach = pen + 1;
        const [left, right] = [before[0], point[0]].sort((a, b) => a - b);
        const [top, bottom] = [before[1], point[1]].sort((a, b) => a - b);
        for (let y = Math.max(0, Math.floor(top - reach)); y < Math.min(height, bottom + reach); y++) {
          for (let x = Math.max(0, Math.floor(left - reach)); x < Math.min(width, right + reach); x++) {
            const here = Math.min(Math.max(pen + 0.5 - distance(x, y, before, point), 0), 1);
            ink[y * width + x] = Math.max(ink[y * width + x], here);
          }
        }
      });
    }
    return ink;
  }

  function moved(strokes, scale, dx, dy) {
    return strokes.map((stroke) => stroke.map(([x, y]) => [x * scale + dx, y * scale + dy]));
  }

  // Pixels, 0 (paper) to 255 (ink): strokes fitted into the box, their centre of mass in the middle.
  function pixels(strokes, height, width) {
    const points = strokes.flat(), side = Math.min(height, width), pen = (PEN * side) / 28;
    if (!points.length) return new Uint8Array(height * width);
    const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const longer = Math.max(right - left, bottom - top);
    const scale = longer > 0.02 ? (BOX * side - 2 * pen) / longer : side; // a dot stays a dot
    const centred = moved(strokes, scale, (width - scale * (left + right)) / 2, (height - scale * (top + bottom)) / 2);
    const [mx, my] = mass(rendered(centred, height, width, pen), width);
    const there = moved(centred, 1, Math.floor(width / 2) - mx, Math.floor(height / 2) - my);
    return Uint8Array.from(rendered(there, height, width, pen), (ink) => Math.round(255 * ink));
  }

  function mass(ink, width) {
    let total = 0, mx = 0, my = 0;
    ink.forEach((here, n) => {
      total += here;
      mx += here * (n % width);
      my += here * Math.floor(n / width);
    });
    return total ? [mx / total, my / total] : [0, 0];
  }

  // A three, so that there is something to see: two arcs.
  const arc = (cx, cy, r, from, to) => Array.from({ length: 16 }, (_, n) => {
    const angle = from + ((to - from) * n) / 15;
    return [cx + r * Math.cos(angle), cy + r * Math.sin(angle)];
  });
  const FIRST = [[...arc(0.48, 0.35, 0.14, -2.6, 1.5), ...arc(0.48, 0.64, 0.16, -1.5, 2.7)]];

  // The pad: strokes in shares of its side, drawn by finger, pen or mouse. What was drawn is said.
  function pad(canvas, drawn) {
    let strokes = [], at = null, under = null;
    const show = () => {
      const ink = canvas.getContext("2d"), side = canvas.width;
      ink.clearRect(0, 0, side, side);
      if (under) shade(ink, side, under);
      ink.lineWidth = (2 * PEN * side) / 28;
      ink.lineCap = ink.lineJoin = "round";
      ink.strokeStyle = getComputedStyle(canvas).color;
      for (const stroke of strokes) {
        ink.beginPath();
        for (const [x, y] of stroke) ink.lineTo(x * side, y * side);
        if (stroke.length === 1) ink.lineTo(stroke[0][0] * side + 0.01, stroke[0][1] * side);
        ink.stroke();
      }
    };
    const point = (event) => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    // Pixels under the strokes: a sample.
    const put = (pixels, height, width) => {
      under = { pixels, height, width };
      show();
    };
    const shade = (ink, side, { pixels, height, width }) => {
      ink.fillStyle = getComputedStyle(canvas).color;
      pixels.forEach((pixel, n) => {
        ink.globalAlpha = pixel / 255;
        const [x, y] = [n % width, Math.floor(n / width)];
        ink.fillRect((x * side) / width, (y * side) / height, side / width, side / height);
      });
      ink.globalAlpha = 1;
    };
    const set = (given) => {
      strokes = given;
      under = null; // a drawing begins on empty paper
      show();
      drawn(strokes);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      at = event.pointerId;
      set([...strokes, [point(event)]]);
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== at) return;
      strokes.at(-1).push(point(event));
      set(strokes);
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { at = null; });
    return { put, set, show };
  }

  return { BOX, FIRST, pad, pixels };
})();
