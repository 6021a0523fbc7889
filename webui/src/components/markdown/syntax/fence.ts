/** Finds fenced code at the start of a text without the parser: code can be long and streams token by token. */

import type { Code } from "mdast";
import { decodeString } from "micromark-util-decode-string";

export interface Fence {
  readonly node: Code;
  /** Where the text after it begins. */
  readonly end: number;
  readonly closed: boolean;
}

const OPENING = /^( {0,3})(`{3,}|~{3,})([^\n\r]*)(?:\r\n|\n|\r)/;

/** Null unless the text starts with a complete fence line. */
export function fenceAtStart(text: string): Fence | null {
  const found = OPENING.exec(text);
  return found && (found[2]?.startsWith("~") || !found[3]?.includes("`")) ? fenceWith(text, found) : null;
}

function fenceWith(text: string, [opening, indent = "", marks = "", info = ""]: RegExpExecArray): Fence {
  const closing = closingOf(text, opening, marks);
  const code = closing ? text.slice(opening.length, closing.index) : text.slice(opening.length).replace(/(?:\r\n|\n|\r)$/, "");
  const lang = /^\S+/.exec(info.trim())?.[0];
  const node: Code = { type: "code", lang: lang === undefined ? null : decodeString(lang), value: unindented(code, indent.length) };
  return { node, end: closing ? closing.end + blankLinesAt(text, closing.end) : text.length, closed: closing !== null };
}

/** The closing fence including the line break before it, which may be the opening line's. */
function closingOf(text: string, opening: string, marks: string): { readonly index: number; readonly end: number } | null {
  const closing = new RegExp(`(?:\\r\\n|\\n|\\r) {0,3}${marks.slice(0, 1)}{${marks.length},}[ \\t]*(?:\\r\\n|\\n|\\r|$)`, "g");
  closing.lastIndex = opening.endsWith("\r\n") ? opening.length - 2 : opening.length - 1;
  const found = closing.exec(text);
  return found && { index: found.index, end: closing.lastIndex };
}

function blankLinesAt(text: string, from: number): number {
  const blank = /(?:[ \t]*(?:\r\n|\n|\r))*(?:[ \t]*$)?/y;
  blank.lastIndex = from;
  return blank.exec(text)?.[0].length ?? 0;
}

/** Code lines are unindented by the indentation of the fence. */
function unindented(code: string, spaces: number): string {
  return spaces === 0 ? code : code.replaceAll(new RegExp(`^ {1,${spaces}}`, "gm"), "");
}
