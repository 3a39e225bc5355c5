// @ts-check
// Numbers as people paste them: from a spreadsheet, a CSV file, another program, or Python.
import { readNumber } from "../web/numbers.js";
import { quoted } from "./rules.js";

const MOST_LINES = 512; // rows, and columns
const LARGEST_VALUE = (2 - 2 ** -23) * 2 ** 127; // of a float32
const ONE_SIGN = "Use one decimal sign, and leave out what groups digits.";
const EXAMPLE = "a table of numbers, such as 1 2 3 over 4 5 6";

const QUOTED = "\ue000"; // a comma within quotation marks, which is none between numbers

/**
 * `comma` is a number that was written with a decimal comma, and what it was read as.
 * @typedef {{rows: number[][], comma: string, error?: undefined} | {error: string, comma?: undefined, rows?: undefined}} Read
 */

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
    .map((line) => line.replace(/"([^"]*)"/g, (_, cell) => cell.replaceAll(",", QUOTED)).replace(/^ | $/g, ""));
  while (lines.length && !lines[lines.length - 1].trim()) lines.pop();
  while (lines.length && !lines[0].trim()) lines.shift();
  if (!lines.length) return { error: `There is nothing here yet: give ${EXAMPLE}.` };
  if (lines.length > MOST_LINES) return { error: `There are ${lines.length} lines: at most ${MOST_LINES} rows can be shown.` };
  const separator = separatorOf(lines);
  /** @type {number[][]} */
  const rows = [];
  /** @type {Record<string, string>} */
  const first = {}; // number with each decimal sign
  for (const [i, line] of lines.entries()) {
    const parts = line.split(separator).map((part) => part.trim().replaceAll(QUOTED, ","));
    if (parts.length > 1 && parts.every((part) => !part)) return { error: `Line ${i + 1} is empty: every row needs numbers.` };
    if (separator.source === "," && parts.length > 1 && !parts[parts.length - 1]) parts.pop(); // as Python allows
    if (parts.length > MOST_LINES) return { error: `Line ${i + 1} has ${parts.length} numbers: at most ${MOST_LINES} columns can be shown.` };
    const row = [];
    for (const [j, part] of parts.entries()) {
      const read = numberAt(part);
      if (read.error !== undefined) return { error: `Line ${i + 1}, number ${j + 1}${read.error}` };
      for (const sign of [",", "."]) if (part.includes(sign)) first[sign] ??= part;
      if (first[","] && first["."])
        return { error: `Line ${i + 1}, number ${j + 1}: ${cut(first[","])} has a comma and ${cut(first["."])} a point. ${ONE_SIGN}` };
      row.push(read.value);
    }
    if (rows.length && row.length !== rows[0].length) {
      return { error: `Line ${i + 1} has ${numbersIn(row.length)}, and line 1 has ${rows[0].length}: every row needs as many.` };
    }
    rows.push(row);
  }
  const comma = first[","];
  return { rows, comma: comma ? `${comma} as ${comma.replaceAll(",", ".")}` : "" };
}

/** @param {number} n */
const numbersIn = (n) => (n === 1 ? "1 number" : `${n} numbers`);

/** @param {string} part */
const cut = (part) => quoted(part.length > 20 ? `${part.slice(0, 20)}…` : part);

/** @type {(part: string) => {value: number, error?: undefined} | {error: string}} */
function numberAt(part) {
  if (!part) return { error: " is empty: every cell needs a number; nan stands for none." };
  const value = readNumber(part);
  if (value === null) {
    const grouped = /^[+-]?\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d+)?$/.test(part);
    return { error: `: ${cut(part)} is not a number, such as -1.5, 1/3 or nan${grouped ? "; leave out what groups its digits" : ""}.` };
  }
  if (Number.isFinite(value) && Math.abs(value) > LARGEST_VALUE) return { error: `: ${cut(part)} does not fit into torch.float32.` };
  return { value: Math.fround(value) };
}
