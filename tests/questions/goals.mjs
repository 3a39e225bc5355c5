// Judges answers to challenges as the page does without a kernel: node goals.mjs <module> <cases>, both ES modules; prints JSON.
// test_goals.py asks, and compares each verdict with torch's. A case is [task, key, what stands in the explorer].
const [module, cases] = process.argv.slice(2);
const { judge, refusedAs } = await import(module);
const { default: asked } = await import(cases);

const answers = asked.map(([task, key, moved]) => {
  const refused = refusedAs(task, moved);
  return refused ? { refused } : judge(task, key, moved);
});
process.stdout.write(JSON.stringify(answers));
