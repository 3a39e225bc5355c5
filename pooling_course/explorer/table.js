// @ts-check
// Numbers as people paste them: from a spreadsheet, a CSV file, another program, or Python.
import { readNumber } from "../web/numbers.js";
import { quoted } from "./rules.js";

const MOST_LINES = 512; // rows, and columns
const LARGEST_VALUE = (2 - 2 ** -23) * 2 ** 127; // of a float32
const EXAMPLE = "a table of numbers, such as 1 2 3 over 4 5 6";

/** @typedef {{rows: number[][], error?: undefined} | {error: string, rows?: undefined}} Read */

// What stands between the numbers of a line: tabs, semicolons, commas, or spaces. A comma that has digits on both sides and is not
// between all the numbers is a decimal one.
/** @type {(lines: string[]) => RegExp} */
function separatorOf(lines) {
  if (lines.some((line) => line.includes("\t"))) return /\t/;
  if (lines.some((line) => line.includes(";"))) return /;/;
  const decimal = lines.some((line) => /\S +\S/.test(line.replace(/,\s+/g, ",")));
  if (decimal) return /\s+/;
  return lines.some((line) => line.includes(",")) ? /,/ : /\s+/;
}

// As Python writes a table: rows in brackets.
/** @param {string} text */
function unbracketed(text) {
  if (!text.includes("[")) return text;
  return text
    .replace(/\s+/g, " ")
    .replace(/^[^[]*/, "")
    .replace(/(?:, ?[a-z_]+=[^\]]*)?\)? ?$/i, "")
    .replace(/\] ?,? ?\[/g, "\n")
    .replace(/[[\]]/g, "");
}

// The numbers of a text, row by row, as float32; or why they are none.
/** @type {(text: string) => Read} */
export function readTable(text) {
  const plain = text
    .replace(/\p{Cf}/gu, "") // which way a text runs, and other marks that nobody sees
    .replace(/\r\n?/g, "\n")
    .replace(/[^\S\t\n]+/g, " "); // of any kind and number: patterns that begin with many would try each as their first
  const lines = unbracketed(plain)
    .split("\n")
    .map((line) => line.replace(/"([^"]*)"/g, (_, cell) => cell.replaceAll(",", ".")).replace(/^ | $/g, "")); // quoted, a comma is a decimal one
  while (lines.length && !lines[lines.length - 1].trim()) lines.pop();
  while (lines.length && !lines[0].trim()) lines.shift();
  if (!lines.length) return { error: `There is nothing here yet: give ${EXAMPLE}.` };
  if (lines.length > MOST_LINES) return { error: `There are ${lines.length} lines: at most ${MOST_LINES} rows can be shown.` };
  const separator = separatorOf(lines);
  /** @type {number[][]} */
  const rows = [];
  for (const [i, line] of lines.entries()) {
    const parts = line.split(separator).map((part) => part.trim());
    if (parts.length > 1 && parts.every((part) => !part)) return { error: `Line ${i + 1} is empty: every row needs numbers.` };
    if (separator.source === "," && parts.length > 1 && !parts[parts.length - 1]) parts.pop(); // as Python allows
    if (parts.length > MOST_LINES) return { error: `Line ${i + 1} has ${parts.length} numbers: at most ${MOST_LINES} columns can be shown.` };
    const row = [];
    for (const [j, part] of parts.entries()) {
      const read = numberAt(part);
      if (read.error !== undefined) return { error: `Line ${i + 1}, number ${j + 1}${read.error}` };
      row.push(read.value);
    }
    if (rows.length && row.length !== rows[0].length) {
      return { error: `Line ${i + 1} has ${numbersIn(row.length)}, and line 1 has ${rows[0].length}: every row needs as many.` };
    }
    rows.push(row);
  }
  return { rows };
}

/** @param {number} n */
const numbersIn = (n) => (n === 1 ? "1 number" : `${n} numbers`);

/** @type {(part: string) => {value: number, error?: undefined} | {error: string}} */
function numberAt(part) {
  if (!part) return { error: " is empty: every cell needs a number; nan stands for none." };
  const value = readNumber(part);
  const cut = quoted(part.length > 20 ? `${part.slice(0, 20)}…` : part);
  if (value === null) {
    const grouped = /^[+-]?\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d+)?$/.test(part);
    return { error: `: ${cut} is not a number, such as -1.5, 1/3 or nan${grouped ? "; leave out what groups its digits" : ""}.` };
  }
  if (Number.isFinite(value) && Math.abs(value) > LARGEST_VALUE) return { error: `: ${cut} does not fit into torch.float32.` };
  return { value: Math.fround(value) };
}
