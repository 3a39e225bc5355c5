// Grades answers as the page does without a kernel: node card.mjs <module> <cases>, both ES modules; prints JSON.
// test_card.py asks, and compares each verdict with Python. A case is [kind, whether whole, key, entered].
const [module, cases] = process.argv.slice(2);
const { parse, gradeByKey } = await import(module);
const { default: asked } = await import(cases);

const answers = asked.map(([kind, whole, key, raw]) => {
  try {
    const answer = parse(kind, raw, whole);
    return { answer, ...gradeByKey(kind, key, answer) };
  } catch (error) {
    return { refused: error.message };
  }
});
process.stdout.write(JSON.stringify(answers));
