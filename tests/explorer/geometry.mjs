// Answers questions about windows and kinds: node geometry.mjs <module> <cases>, both ES modules; prints JSON.
// test_geometry.py asks, and compares each answer with Python. A case is [name, ...arguments].
const [module, cases] = process.argv.slice(2);
const g = await import(module);
const of = (s) => ({ ...s, kind: g.KINDS[s.kind] }); // JSON holds a kind by its name
const axes = (s, h, w) => [of(s).kind.axis(of(s), 0, h), of(s).kind.axis(of(s), 1, w)];

// what stands in for a browser's pixels
let pixels;
globalThis.ImageData = class {
  constructor(width, height) {
    Object.assign(this, { width, height, data: new Uint8ClampedArray(4 * width * height) });
  }
};
globalThis.OffscreenCanvas = class {
  getContext = () => ({ putImageData: (image, ...box) => (pixels = { image, box: `${box}` }) });
};

const answers = {
  ...g,
  names: (traits) => {
    const s = g.settingsOf((name) => traits[name], g.KINDS[traits.kind]);
    return [s.kind.key(s), s.kind.code(s)];
  },
  recipe: (traits) => {
    const s = g.settingsOf((name) => traits[name], g.KINDS[traits.kind]);
    return s.kind.recipe(s);
  },
  sizes: (s, h, w) => axes(s, h, w).map((a) => a.out),
  formulas: (s, h, w) => [h, w].map((size, i) => of(s).kind.formula(of(s), i, size)),
  counts: (s, h, w) => axes(s, h, w).map(g.readCounts),
  unread: (s, h, w) => g.unreadOf(...axes(s, h, w)),
  taps: (s, h, w) => axes(s, h, w).map((a) => Array.from({ length: a.out }, (_, o) => g.taps(a, o))),
  readers: (s, h, w) => axes(s, h, w).map((a) => Array.from({ length: a.size }, (_, at) => g.readers(a, at))),
  positions: (s, h, w, row, col) => g.windowOf(...axes(s, h, w), row, col).map((t) => [t.what, t.row, t.col]),
  sentence: (s, x, [row, col], divisor, output, dtype) => {
    const found = g.windowOf(...axes(s, x.length, x[0].length), row, col);
    return of(s).kind.sum(of(s), found, { at: (r, c) => x[r][c], channel: 0, dtype }, divisor, output);
  },
  hint: (s, name, facts) => of(s).kind.hints[name](of(s), facts),
  // which of many values have another colour as pixels than one by one
  miscoloured: (values, rows, scale) => {
    const table = Array.from({ length: 256 }, (_, i) => [i, 255 - i, 7]);
    const cols = values.length / rows;
    g.paintMap({ drawImage: () => {} }, { rows, cols, cell: 1, x: () => 0, y: () => 0 }, values, table, scale);
    const { image, box } = pixels;
    if (box !== `0,0,0,0,${cols},${rows}`) return [box];
    const start = (i) => 4 * (Math.floor(i / cols) * image.width + (i % cols));
    return values.filter((v, i) => g.rgb(table, scale, v).some((part, j) => image.data[start(i) + j] !== part)).map(String);
  },
  largestKernel: (s, h, w, most) => g.largestKernel(of(s), h, w, most),
};

const { default: asked } = await import(cases);
process.stdout.write(JSON.stringify(asked.map(([name, ...given]) => answers[name](...given))));
