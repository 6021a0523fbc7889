/** Where display formulas begin and end. The parser needs this because it can't look ahead. */

import { isBracketMath } from "./math-rules";

/** Last line of a formula by its first line. Lines count from 1. */
export type MathLines = ReadonlyMap<number, number>;

const NO_LINES: MathLines = new Map();

/** Maximum length of a formula. */
const MOST_LINES = 100;
/** Per parse. */
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
  /** The text after the opening delimiter, and the following lines. */
  readonly within: readonly string[];
}

/** Whether the end of the formula may still arrive. */
function isOpen({ within: [rest = "", ...lines] }: Opening): boolean {
  return rest.trim() === "" && !lines.some((line) => FENCE.test(line) || /\\\]|\$\$/.test(line));
}

/** The line that closes the formula; null if it isn't one or more text follows. */
function endOf(opening: Opening, growing: boolean): number | null {
  const { index, close, within } = opening;
  if (growing && isOpen(opening)) return Number.POSITIVE_INFINITY;
  const at = within.findIndex((line) => line.includes(close));
  const lines = within.slice(0, at + 1);
  return at !== -1 && isWhole(lines) && isFormula(lines.join("\n"), close) ? index + at : null;
}

/** Whether it is uninterrupted: no code, and no blank line unless the opening delimiter is on its own line. */
function isWhole([rest = "", ...lines]: readonly string[]): boolean {
  return !lines.some((line) => FENCE.test(line) || (rest.trim() !== "" && BLANK.test(line)));
}

/** Whether the text after the opening delimiter is a formula and nothing else. */
function isFormula(text: string, close: string): boolean {
  const place = text.indexOf(close);
  const tex = text.slice(0, place);
  if (tex.trim() === "" || !/^\s*[.,;:。，；：]?\s*$/.test(text.slice(place + 2))) return false;
  return close === "$$" || isBracketMath(tex, true);
}
