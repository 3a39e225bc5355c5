// Pools as a worker does, from text alone: node engine.mjs <engine and kinds> <cases.json> <numbers> <answers>; writes answers, and their bytes beside it.
// harness/engine.py asks, and compares with torch. A case is { input: { ..., at }, asked: [[name, upstream at and length]], weights }.
import { readFileSync, writeFileSync } from "node:fs";

const [module, cases, numbers, answers] = process.argv.slice(2);
const { engine, POOLS } = await import(module);
const alone = (made) => new Function(`return (${made})`)(); // it uses nothing from outside
const kinds = Object.entries(POOLS).map(([name, { reads, pools }]) => [name, { reads: alone(reads), pools: alone(pools) }]);
const { parse, lent, answer } = alone(engine)(Object.fromEntries(kinds));
const { buffer } = new Uint8Array(readFileSync(numbers));
const Lists = { f4: Float32Array, f8: Float64Array };

const found = [];
const bytes = [];
let used = 0;
for (const { input, asked, weights } of JSON.parse(readFileSync(cases, "utf-8"))) {
  const values = new Lists[input.float](buffer, input.at, input.channels * input.h * input.w);
  const states = asked.map(([name, upstream]) => ({
    p: lent(parse(name), weights),
    upstream: upstream && new Float64Array(buffer, ...upstream),
  }));
  const { entries, data } = answer({ ...input, values }, states);
  found.push({ entries, from: used, to: used + data.length });
  used += data.length;
  bytes.push(data);
}
writeFileSync(answers, JSON.stringify(found));
writeFileSync(`${answers}.bin`, Buffer.concat(bytes));
