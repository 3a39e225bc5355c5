// Answers questions about geometry.js: node geometry.mjs <geometry> <cases>, both ES modules; prints JSON.
// test_geometry.py asks, and compares each answer with Python. A case is [name, ...arguments].
const [geometry, cases] = process.argv.slice(2);
const g = await import(geometry);
const axes = (s, h, w) => [g.axis(s, 0, h), g.axis(s, 1, w)];

const answers = {
  ...g,
  names: (traits) => {
    const s = g.settingsOf((name) => traits[name], traits.kind);
    return [g.stateKey(s), g.code(s)];
  },
  sizes: (s, h, w) => axes(s, h, w).map((a) => a.out),
  formulas: (s, h, w) => [g.formula(s, 0, h), g.formula(s, 1, w)],
  counts: (s, h, w) => axes(s, h, w).map(g.readCounts),
  unread: (s, h, w) => g.unreadOf(...axes(s, h, w)),
  taps: (s, h, w) => axes(s, h, w).map((a) => Array.from({ length: a.out }, (_, o) => g.taps(a, o))),
  readers: (s, h, w) => axes(s, h, w).map((a) => Array.from({ length: a.size }, (_, at) => g.readers(a, at))),
  positions: (s, h, w, row, col) => g.windowOf(...axes(s, h, w), row, col).map((t) => [t.what, t.row, t.col]),
  sentence: (s, x, [row, col], divisor, output, whole) =>
    g.sumOf(s, g.windowOf(...axes(s, x.length, x[0].length), row, col), (r, c) => x[r][c], 0, divisor, output, whole),
};

const { default: asked } = await import(cases);
process.stdout.write(JSON.stringify(asked.map(([name, ...given]) => answers[name](...given))));
