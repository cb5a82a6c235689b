// Codes as pictures: a square for each, from paper (the least) to ink; or a picture for each bit.
const Pictures = (() => {
  const MOST_TILES = 64, WIDTH = 240, LARGEST = 12;

  // What is put where: `of` says which code stands in a row and column, -1 for none.
  function layout(picture, image, most) {
    const { shape, kind } = picture;
    if (kind === "weight" && shape.length === 4) {
      const [n, kh, kw, c] = shape;
      const limit = Math.sqrt(4 * most), across = Math.min(c, limit);
      const count = Math.min(n, c > 1 ? limit : most) * across;
      // Outputs below each other, their inputs side by side.
      const of = (tile, y, x) => ((Math.floor(tile / across) * kh + y) * kw + x) * c + (tile % across);
      return tiles(count, kh, kw, of, c > 1 ? across : 0, n * c);
    }
    if (kind === "weight") {
      const [n, k] = shape;
      if (image && image[0] * image[1] === k) {
        const of = (tile, y, x) => tile * k + y * image[1] + x;
        return tiles(Math.min(n, most / 4), image[0], image[1], of, 0, n);
      }
      const rows = Math.min(n, 2 * most), columns = Math.min(k, 4 * most);
      const all = rows * columns < n * k ? `${rows} x ${columns} of ${n} x ${k}` : `${n} x ${k}`;
      return { rows, columns, of: (y, x) => y * k + x, all };
    }
    if (shape.length === 3 && shape[0] > 1) {
      const [height, width, c] = shape;
      return tiles(Math.min(c, most), height, width, (tile, y, x) => (y * width + x) * c + tile, 0, c);
    }
    if (shape.length > 1) { // a signal: time to the right, a row for each channel
      const [length, c] = shape.slice(-2);
      return { rows: c, columns: length, of: (y, x) => x * c + y, all: `${length} x ${c}` };
    }
    const size = shape.reduce((product, n) => product * n, 1);
    const columns = image && image[0] * image[1] === size ? image[1] : Math.min(size, 32);
    return {
      rows: Math.ceil(size / columns),
      columns,
      of: (y, x) => (y * columns + x < size ? y * columns + x : -1),
      all: `${size}`,
    };
  }

  // Small pictures beside each other, with a line of paper between.
  function tiles(count, height, width, of, across, total) {
    const per = across || Math.ceil(Math.sqrt(count * (height / width)));
    return {
      rows: Math.ceil(count / per) * (height + 1) - 1,
      columns: per * (width + 1) - 1,
      of: (y, x) => {
        const ty = y % (height + 1), tx = x % (width + 1);
        const tile = Math.floor(y / (height + 1)) * per + Math.floor(x / (width + 1));
        return ty === height || tx === width || tile >= count ? -1 : of(tile, ty, tx);
      },
      all: `${count < total ? `${count} of ${total}` : total} of ${height} x ${width}`,
    };
  }

  // A canvas of one pixel for each code, enlarged without smoothing.
  function canvas(place, shade, paper, ink, about, wide = WIDTH) {
    const made = document.createElement("canvas");
    made.width = place.columns;
    made.height = place.rows;
    const drawing = made.getContext("2d"), image = drawing.createImageData(made.width, made.height);
    for (let y = 0, at = 0; y < place.rows; y++) {
      for (let x = 0; x < place.columns; x++, at += 4) {
        const index = place.of(y, x);
        if (index < 0) continue;
        const share = shade(index);
        for (let c = 0; c < 3; c++) image.data[at + c] = paper[c] + (ink[c] - paper[c]) * share;
        image.data[at + 3] = 255;
      }
    }
    drawing.putImageData(image, 0, 0);
    const zoom = Math.max(1, Math.min(LARGEST, Math.floor(wide / place.columns)));
    made.style.width = `${place.columns * zoom}px`;
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", about);
    return made;
  }

  const rgb = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);

  // The pictures of one array: codes of so many bits, or floats.
  function drawn(picture, values, image, view, styles) {
    const { bits } = picture, planes = view === "bits" && bits > 1 && bits < 32;
    // Planes stand beside each other: smaller, and fewer in each.
    const place = layout(picture, image, planes ? MOST_TILES / 4 : MOST_TILES);
    const [paper, ink] = [rgb(styles.backgroundColor), rgb(styles.color)];
    if (planes) {
      const wide = bits > 2 ? WIDTH / 4 : WIDTH / 2;
      const made = Array.from({ length: bits }, (_, n) => bits - 1 - n).map((bit) => {
        return canvas(place, (index) => (values[index] >> bit) & 1, paper, ink, `bit ${bit}`, wide);
      });
      return { all: place.all, made };
    }
    let low = 0, range = 2 ** bits - 1;
    if (bits === 32) {
      low = values.reduce((least, value) => Math.min(least, value), Infinity);
      range = values.reduce((most, value) => Math.max(most, value), -Infinity) - low || 1;
    } else {
      range = values.reduce((most, value) => Math.max(most, value), 1);
    }
    return { all: place.all, made: [canvas(place, (index) => (values[index] - low) / range, paper, ink, picture.kind)] };
  }

  return { canvas, drawn, rgb };
})();
