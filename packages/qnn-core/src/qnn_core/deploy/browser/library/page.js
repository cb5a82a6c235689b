// The page: what is given, and the answers of all nets beside each other.
"use strict";
const find = (id) => document.getElementById(id);

function made(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// --- Nets ------------------------------------------------------------------------------------

async function unpackedArrays() {
  const bytes = Uint8Array.from(atob(find("arrays").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

// Bytes as Python draws them, see probes.py.
function drawnBytes(count) {
  let state = 0;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

const same = (a, b) => a.length === b.length && a.every((value, n) => Object.is(value, b[n]));

// How many of the inputs that Python answered are answered here to the bit.
function checked(net, inputs) {
  return inputs.filter((input, n) => net.engine.run(input).every((y, output) => {
    const expected = net.expected[output];
    return same(y, expected.subarray(n * y.length, (n + 1) * y.length));
  })).length;
}

// Milliseconds of an answer: the least of several rounds, each long enough for the clock.
function milliseconds(net, input) {
  let least = Infinity, runs = 1;
  for (let round = 0; round < 4; round++) {
    const began = performance.now();
    for (let n = 0; n < runs; n++) net.engine.run(input);
    const passed = performance.now() - began;
    if (round) least = Math.min(least, passed / runs);
    runs = Math.min(200, Math.max(1, Math.ceil((runs * 8) / Math.max(passed, 0.1))));
  }
  return least;
}

const brief = (time) => `${time < 0.1 ? time.toFixed(3) : time < 10 ? time.toFixed(2) : time.toFixed(0)} ms`;

function softmax(scores) {
  const top = Math.max(...scores), raised = Array.from(scores, (score) => Math.exp(score - top));
  const total = raised.reduce((sum, one) => sum + one, 0);
  return raised.map((one) => one / total);
}

// What a net says: the answer in a word, and for each class its share and score; null where the
// score that decides is not finite: Python gives no class either.
function answerOf({ task, classes }, y) {
  if (task === "regression") {
    const rows = Array.from(y, (value, n) => ({ name: classes[n] ?? String(n), share: null, score: value }));
    return { word: y.length === 1 ? String(Number(y[0].toPrecision(5))) : "", rows };
  }
  if (task === "binary") {
    if (!Number.isFinite(y[0])) return null;
    const yes = 1 / (1 + Math.exp(-y[0]));
    const rows = [1 - yes, yes].map((share, n) => ({ name: classes[n], share, score: y[0] }));
    return { word: classes[y[0] > 0 ? 1 : 0], rows };
  }
  if (!Number.isFinite(y.reduce((most, score) => Math.max(most, score), -Infinity))) return null;
  const shares = softmax(y);
  let best = 0;
  y.forEach((score, n) => { if (score > y[best]) best = n; });
  const rows = shares.map((share, n) => ({ name: classes[n], share, score: y[n], best: n === best }));
  return { word: classes[best], rows };
}

// Few short names stand beside each other; of many, or long ones, the best stand in lines.
const COLUMNS = 12, LINES = 5;

function inColumns(rows) {
  return rows.length <= COLUMNS && rows.every((row) => row.share !== null && row.name.length < 3);
}

const percent = (share) => `${(100 * share).toFixed(share > 0.0995 && share < 0.995 ? 0 : 1)} %`;

function columns(rows) {
  return rows.map((row) => {
    const bar = made("span", { class: row.best ? "bar best" : "bar" });
    bar.style.height = `${100 * row.share}%`;
    const about = `${row.name}: ${percent(row.share)}, score ${row.score}`;
    return made("li", { title: about, "aria-label": about }, made("span", { class: "track" }, bar), row.name);
  });
}

function lines(rows) {
  const best = rows[0]?.share == null ? rows : [...rows].sort((a, b) => b.share - a.share).slice(0, LINES);
  return best.map((row) => {
    const number = row.share === null ? String(Number(row.score.toPrecision(6))) : percent(row.share);
    const line = made("li", { title: `score ${row.score}` }, made("span", {}, row.name), made("span", { class: "share" }, number));
    if (row.share === null) return line;
    const bar = made("span", { class: row.best ? "bar best" : "bar" });
    bar.style.width = `${100 * row.share}%`;
    line.append(made("span", { class: "track" }, bar));
    return line;
  });
}

// --- A card for each net ---------------------------------------------------------------------

// Bits of weights and activations, each width once.
function widths(pictures) {
  return [["weight", "weights"], ["codes", "activations"]].flatMap(([kind, what]) => {
    const bits = [...new Set(pictures.filter((one) => one.kind === kind).map((one) => one.bits))];
    const told = bits.map((b) => (b === 32 ? "float" : `${b} bit${b > 1 ? "s" : ""}`)).join(", ");
    return told ? [[what, told]] : [];
  });
}

function card(net) {
  const word = made("p", { class: "word" }), bars = made("ul");
  const time = made("dd", {}, "\u2026"), pictures = made("div", { class: "pictures" });
  const bits = widths(net.program.pictures);
  const facts = made("dl", { class: "facts" },
    made("dt", {}, "file"), made("dd", {}, `${net.nbytes.toLocaleString("en")} bytes`),
    made("dt", {}, "an answer"), time,
    ...bits.flatMap(([what, told]) => [made("dt", {}, what), made("dd", {}, told)]));
  const body = made("article", { class: "net" }, made("h3", {}, net.name), word, bars, facts);
  if (net.cut) body.append(made("p", { class: "quiet" }, `ends before ${net.cut}`));
  body.append(pictures);
  find("nets").append(body);
  return { body, word, bars, time, pictures };
}

function showAnswer(net, answers) {
  const { word, bars } = net.card;
  const [first, ...others] = net.values ? net.engine.outputs(net.values) : [null];
  const answer = first && answerOf(answers, first);
  if (first && !answer) net.wrong = "its scores are not finite";
  const share = answer?.rows.find((row) => row.best)?.share;
  word.replaceChildren(answer ? answer.word : "\u2013");
  // What is not given yet takes its place all the same.
  const rows = (answer ?? answerOf(answers, new Float32Array(net.expected[0].length / net.probes))).rows;
  bars.className = inColumns(rows) ? "columns" : "lines";
  bars.hidden = answers.task === "regression" && rows.length === 1; // the word says it all
  if (share && inColumns(rows)) word.append(" ", made("span", { class: "sure" }, percent(share)));
  bars.replaceChildren(...(inColumns(rows) ? columns : lines)(answer ? rows : rows.map((row) => ({ ...row, share: row.share && 0, score: 0, best: false }))));
  for (const other of others) {
    const numbers = Array.from(other.slice(0, 8), (value) => Number(value.toPrecision(4))).join(", ");
    bars.append(made("li", { class: "also" }, `also: ${numbers}${other.length > 8 ? ", \u2026" : ""}`));
  }
  return answer && answer.word;
}

function showInside(net, page) {
  const { pictures } = net.card;
  if (!page.inside) {
    pictures.replaceChildren();
    return;
  }
  const styles = getComputedStyle(find("paper-and-ink"));
  pictures.replaceChildren(...net.program.pictures.flatMap((picture) => {
    const values = picture.kind === "weight" ? net.engine.weightCodes(picture.value) : net.values?.[picture.value];
    if (!values) return [];
    const { all, made: canvases } = Pictures.drawn(picture, values, page.image, page.view, styles);
    const bits = picture.bits === 32 ? "float" : `${picture.bits} bit${picture.bits > 1 ? "s" : ""}`;
    const caption = made("figcaption", {}, `${picture.what}: ${bits}, ${all}`);
    return [made("figure", {}, made("div", { class: "planes" }, ...canvases), caption)];
  }));
}

// --- What is given ---------------------------------------------------------------------------

// Controls of a drawing; `give` takes what nets are given, `null` where nothing is drawn.
function drawingControls(page, give) {
  const [height, width] = page.input.shape;
  find("give-title").textContent = height === 28 && width === 28 ? "Draw a digit" : "Draw";
  const canvas = made("canvas", { id: "pad", width: 560, height: 560, tabindex: 0, "aria-label": "Draw here" });
  const seen = made("div", { class: "seen" }), clear = made("button", { type: "button", id: "clear" }, "Clear");
  const about = made("p", { class: "quiet" }, `What the nets see: ${height} × ${width} pixels.`);
  let pixels = null;
  const show = () => {
    const styles = getComputedStyle(find("paper-and-ink"));
    const place = { rows: height, columns: width, of: (y, x) => y * width + x };
    const shade = (n) => (pixels ? pixels[n] / 255 : 0);
    seen.replaceChildren(Pictures.canvas(place, shade, Pictures.rgb(styles.backgroundColor), Pictures.rgb(styles.color), "what the nets see"));
  };
  const see = (found) => {
    pixels = found;
    show();
    give(found && Float32Array.from(found, (pixel) => page.input.pixels[pixel]));
  };
  const pad = Drawing.pad(canvas, (strokes) => {
    see(strokes.length ? Drawing.pixels(strokes, height, width) : null);
  });
  clear.addEventListener("click", () => pad.set([]));
  find("give").append(canvas, made("div", { class: "under" }, clear, made("div", {}, seen, about)));
  page.redraw.push(pad.show, show);
  page.draw = pad.set;
  const sample = (values) => {
    pad.set([]);
    see(Uint8Array.from(values));
    pad.put(pixels, height, width);
  };
  sampleButtons(page, sample, (button, values) => {
    const place = { rows: height, columns: width, of: (y, x) => y * width + x };
    page.redraw.push(() => {
      const styles = getComputedStyle(find("paper-and-ink"));
      button.replaceChildren(Pictures.canvas(place, (n) => values[n] / 255, Pictures.rgb(styles.backgroundColor), Pictures.rgb(styles.color), "a sample"));
    });
  });
  find("told").textContent =
    `A drawing becomes pixels as MNIST's digits did: fitted into a box of ${Math.round(Drawing.BOX * Math.min(height, width))} ` +
    `of ${Math.min(height, width)} pixels, its shape kept, then its centre of mass is put in the middle; grey levels are those of a soft pen. ` +
    `The nets are given ${page.input.told}.`;
  if (page.samples) sample(page.samples[0]);
  else pad.set(Drawing.FIRST);
}

function numberControls(page, give) {
  const { shape, kind } = page.input, size = shape.reduce((product, n) => product * n, 1);
  find("give-title").textContent = kind === "signal" ? "Give a signal" : "Give numbers";
  const text = made("textarea", { id: "csv", rows: 8, spellcheck: "false", "aria-label": "CSV" });
  const file = made("input", { type: "file", accept: ".csv,.tsv,.txt,text/*", "aria-label": "A CSV file" });
  const wrong = made("p", { class: "wrong", role: "alert" }), plot = made("canvas", { width: 560, height: 240 });
  const which = made("input", { type: "number", id: "row", min: 1, value: 1 }), count = made("span");
  const rows = kind === "signal" ? `${shape[0]} rows of ${shape[1]}, or a row of ${size} for each signal` : `a row of ${size} for each sample`;
  let samples = [];
  const show = () => {
    const at = Math.min(Math.max(Number(which.value) || 1, 1), samples.length) - 1;
    count.textContent = samples.length > 1 ? ` of ${samples.length}` : "";
    which.max = samples.length;
    which.parentElement.hidden = samples.length < 2;
    plot.hidden = kind !== "signal" || !samples.length;
    if (!samples.length) return give(null);
    if (kind === "signal") {
      const styles = getComputedStyle(document.documentElement);
      const colours = ["--link", "--better", "--worse", "--quiet"].map((name) => styles.getPropertyValue(name));
      Numbers.draw(plot, samples[at], shape, colours);
    }
    return give(Numbers.floats(samples[at], page.input.mean, page.input.std));
  };
  const read = () => {
    wrong.textContent = "";
    try {
      samples = Numbers.samples(text.value, shape);
    } catch (error) {
      if (!(error instanceof Numbers.Wrong)) throw error;
      samples = [];
      wrong.textContent = error.message;
    }
    show();
  };
  text.addEventListener("input", read);
  which.addEventListener("input", show);
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    text.value = await file.files[0].text();
    read();
  });
  const label = made("label", { class: "row" }, "sample ", which, count);
  find("give").append(made("p", { class: "quiet" }, `CSV: ${rows}.`), file, text, wrong, label, plot);
  page.redraw.push(show);
  const sample = (values) => {
    const [columns] = kind === "signal" ? [shape[1]] : [size];
    const lines = [];
    for (let n = 0; n < values.length; n += columns) lines.push(Array.from(values.slice(n, n + columns), Numbers.short).join(","));
    text.value = lines.join("\n");
    read();
  };
  sampleButtons(page, sample, (button, _, n) => button.append(String(n + 1)));
  find("told").textContent = page.input.told ? `The nets are given ${page.input.told}.` : "";
  if (page.samples) sample(page.samples[0]);
  else read();
}

function sampleButtons(page, choose, dress) {
  page.samples?.forEach((values, n) => {
    const button = made("button", { type: "button", class: "sample", "aria-label": `sample ${n + 1}` });
    dress(button, values, n);
    button.addEventListener("click", () => choose(values));
    find("samples").append(button);
  });
}

// --- All together ----------------------------------------------------------------------------

function saidByAll(nets, words) {
  if (words.some((word) => word === null)) return "Draw a digit, or give numbers: every net answers at once.";
  const groups = Map.groupBy ? Map.groupBy(nets, (_, n) => words[n]) : grouped(nets, words);
  if (groups.size === 1) return `${["The net says", "Both nets say"][nets.length - 1] ?? `All ${nets.length} nets say`} ${words[0]}.`;
  const parts = [...groups].sort((a, b) => b[1].length - a[1].length).map(([word, some]) => {
    const who = some.length > 3 ? `${some.length} nets` : some.map((net) => net.name).join(", ");
    return `${word}: ${who}`;
  });
  return `They do not agree. ${parts.join("; ")}.`;
}

function saidInNumbers(nets, words) {
  const numbers = words.filter(Boolean).map(Number);
  if (!numbers.length) return "The numbers of each net:";
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? saidByAll(nets, words) : `From ${least} to ${most}.`;
}

function grouped(nets, words) {
  const groups = new Map();
  nets.forEach((net, n) => groups.set(words[n], [...(groups.get(words[n]) ?? []), net]));
  return groups;
}

async function start() {
  const buffer = await unpackedArrays();
  const content = Engine.filled(JSON.parse(find("content").textContent), buffer);
  const { count = 0, values } = content.samples ?? {};
  const each = count && values.length / count;
  const page = {
    ...content,
    samples: content.samples && Array.from({ length: count }, (_, n) => values.slice(n * each, (n + 1) * each)),
    image: content.input.kind === "drawing" ? content.input.shape : null,
    inside: false,
    view: "codes",
    redraw: [],
  };
  document.body.append(made("span", { id: "paper-and-ink", hidden: "" }));
  for (const net of page.nets) {
    net.engine = new Engine.Net(net.program);
    net.probes = page.probes;
    net.card = card(net);
  }
  const showAll = () => page.nets.forEach((net) => showInside(net, page));
  const give = (input) => {
    page.given = input;
    const words = page.nets.map((net) => {
      answered(net, input);
      return showAnswer(net, page.answers);
    });
    const said = page.answers.task === "regression" && input ? saidInNumbers : saidByAll;
    const wrong = page.nets.filter((net) => net.wrong).map((net) => `${net.name}: ${net.wrong}`);
    find("said").textContent = wrong.length ? `No answer. ${wrong.join("; ")}.` : said(page.nets, words);
    const differ = page.answers.task !== "regression";
    page.nets.forEach((net, n) => net.card.body.classList.toggle("other", differ && words[n] !== usual(words)));
    if (page.inside) showAll();
  };
  (page.image ? drawingControls : numberControls)(page, give);
  find("inside").addEventListener("change", (event) => { page.inside = event.target.checked; showAll(); });
  find("view").addEventListener("change", (event) => {
    page.view = event.target.value;
    page.inside = find("inside").checked = true;
    showAll();
  });
  const redraw = () => { page.redraw.forEach((draw) => draw()); showAll(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  page.redraw.forEach((draw) => draw());
  await check(page);
  return page;
}

// The values of a net for an input, or what is wrong with it: numbers beyond float32 on the way.
function answered(net, input) {
  net.values = null;
  net.wrong = "";
  try {
    net.values = input && net.engine.values(input);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    net.wrong = error.message;
  }
}

const usual = (words) => [...words].sort((a, b) => words.filter((w) => w === b).length - words.filter((w) => w === a).length)[0];

// After the first answers are to be seen: whether they are Python's, and what they take.
async function check(page) {
  const size = page.input.shape.reduce((product, n) => product * n, 1);
  const bytes = drawnBytes(page.probes * size);
  const { pixels } = page.input;
  const input = (n) => Float32Array.from(bytes.subarray(n * size, (n + 1) * size), (b) => (pixels ? pixels[b] : (b - 128) / 32));
  const inputs = Array.from({ length: page.probes }, (_, n) => input(n));
  let right = 0;
  for (const net of page.nets) {
    await new Promise((done) => setTimeout(done));
    right += checked(net, inputs);
    net.card.time.textContent = brief(milliseconds(net, inputs[0]));
  }
  const all = page.nets.length * inputs.length;
  find("checked").textContent = right === all
    ? `Tried in this browser just now: ${all} of ${all} answers to drawn inputs have the bits of Python's engine. Times are of this browser, the least of several rounds.`
    : `THIS BROWSER COMPUTES OTHERWISE: only ${right} of ${all} answers to drawn inputs have the bits of Python's engine.`;
  find("checked").classList.toggle("wrong", right !== all);
}

// For who drives the page: tests, and the console.
const qnn = { page: null, ready: start().then((page) => (qnn.page = page)) };
qnn.ready.catch((error) => {
  find("said").textContent = `This page cannot start here: ${error.message}`;
  throw error;
});
