/** Text direction, which decides the side of list markers and the order of table columns. */

import type { Nodes } from "mdast";

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const LETTER = /\p{L}/u;

/** The direction of the first strongly directional letter; code and formulas have none. */
export function directionOf(node: Nodes): "rtl" | "ltr" | undefined {
  const waiting: Nodes[] = [node];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const letter = next.type === "text" ? LETTER.exec(next.value)?.[0] : undefined;
    if (letter !== undefined) return RIGHT_TO_LEFT.test(letter) ? "rtl" : "ltr";
    if ("children" in next) waiting.push(...next.children.toReversed());
  }
  return undefined;
}
