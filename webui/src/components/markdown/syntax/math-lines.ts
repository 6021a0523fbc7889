/** Where formulas that have lines of their own begin and end. The parser asks, because it cannot look ahead. */

import { isBracketMath } from "./math-rules";

/** By the number of the line that may begin a formula, the number of the line that ends it. Lines count from 1. */
export type MathLines = ReadonlyMap<number, number>;

const NO_LINES: MathLines = new Map();

/** No formula is longer. */
const MOST_LINES = 100;
/** In a text of one reading. */
const MOST = 300;

const OPENING = /^[\s>*+\-\d.)]*?(\$\$|\\\[)(.*)$/;
const FENCE = /^[\s>*+\-\d.)]*(?:```|~~~)/;
const BLANK = /^[\s>]*$/;

export function mathLines(text: string, growing: boolean): MathLines {
  if (!text.includes("$$") && !text.includes("\\[")) return NO_LINES;
  const lines = text.split(/\r\n|\n|\r/);
  const openings: readonly Opening[] = lines.flatMap((line, index) => {
    const [, mark, rest = ""] = OPENING.exec(line) ?? [];
    return mark === undefined ? [] : [{ index, close: mark === "$$" ? "$$" : "\\]", within: [rest, ...lines.slice(index + 1, index + MOST_LINES)] }];
  });
  const found = openings.slice(0, MOST).map((opening) => [opening.index + 1, endOf(opening, growing)] as const);
  return new Map(found.flatMap(([line, end]) => (end === null ? [] : [[line, end + 1]])));
}

interface Opening {
  readonly index: number;
  readonly close: string;
  /** What is behind the opening, and the lines after it. */
  readonly within: readonly string[];
}

/** Whether the end of a formula may still be to come. */
function isOpen({ within: [rest = "", ...lines] }: Opening): boolean {
  return rest.trim() === "" && !lines.some((line) => FENCE.test(line) || /\\\]|\$\$/.test(line));
}

/** The line that closes the formula; null where it is none, or more follows. */
function endOf(opening: Opening, growing: boolean): number | null {
  const { index, close, within } = opening;
  if (growing && isOpen(opening)) return Number.POSITIVE_INFINITY;
  const at = within.findIndex((line) => line.includes(close));
  const lines = within.slice(0, at + 1);
  return at !== -1 && isWhole(lines) && isFormula(lines.join("\n"), close) ? index + at : null;
}

/** Whether nothing comes between: no code, and no blank line unless the opening has a line of its own. */
function isWhole([rest = "", ...lines]: readonly string[]): boolean {
  return !lines.some((line) => FENCE.test(line) || (rest.trim() !== "" && BLANK.test(line)));
}

/** Whether this, from behind the opening on, is a formula and nothing else. */
function isFormula(text: string, close: string): boolean {
  const place = text.indexOf(close);
  const tex = text.slice(0, place);
  if (tex.trim() === "" || !/^\s*[.,;:。，；：]?\s*$/.test(text.slice(place + 2))) return false;
  return close === "$$" || isBracketMath(tex, true);
}
