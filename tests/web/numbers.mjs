// Writes numbers as numbers.js does: node numbers.mjs <module> <cases>, both ES modules; prints JSON.
const [module, cases] = process.argv.slice(2);
const { about, equals, listed, number } = await import(module);
const answers = { about, equals, listed, number };
const { default: asked } = await import(cases);
process.stdout.write(JSON.stringify(asked.map(([name, ...given]) => answers[name](...given))));
