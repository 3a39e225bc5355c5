// How long the page's engine takes for one state: node unaided.mjs <engine and kinds> <cases.json>; prints ms for each case, the median of its rounds.
// benchmarks/unaided.py asks. A case is { name, side, rounds }.
import { readFileSync } from "node:fs";

const { engine, POOLS } = await import(process.argv[2]);
const { parse, lent, answer } = engine(POOLS);

const medians = [];
for (const { name, side, rounds } of JSON.parse(readFileSync(process.argv[3], "utf-8"))) {
  const values = Float32Array.from({ length: side * side }, () => Math.random());
  const input = { channels: 1, h: side, w: side, float: "f4", index: side * side > 65536 ? "u4" : "u2", whole: false, values };
  const times = [];
  for (let i = -3; i < rounds; i++) {
    const begun = performance.now();
    answer(input, [{ p: lent(parse(name), null), upstream: null }]);
    if (i >= 0) times.push(performance.now() - begun);
  }
  medians.push(times.sort((a, b) => a - b)[times.length >> 1]);
}
console.log(JSON.stringify(medians));
