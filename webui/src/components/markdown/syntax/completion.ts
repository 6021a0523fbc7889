/** Completes unclosed Markdown while text streams, so that it doesn't flicker. Code and formulas are left alone. */

import type { PhrasingContent, RootContent } from "mdast";

import type { Definitions } from "./definitions";
import { blocksOf } from "./parse";

/** A last line that is only the start of a marker, whose meaning is still unknown. */
const BARE_MARK = /(?:\r\n|\n|\r|^)[ \t>]*(?:[*+=-]{1,2}|\d{1,9}[.)]|#{1,6}|[`~]{1,2}|\$|\\|\||!?\[)$/;
/** An unclosed bracket further back is literal. */
const LONGEST_LINK = 1_000;

/** The blocks of a streaming text. */
export function completed(text: string, definitions: Definitions): RootContent[] {
  const bare = BARE_MARK.exec(text);
  const shown = bare === null ? text : text.slice(0, bare.index);
  const nodes = blocksOf(shown, true, definitions);
  const leaf = lastLeaf(nodes.at(-1));
  if (bare !== null && isVerbatim(leaf)) return blocksOf(text, true, definitions);
  if (leaf && "children" in leaf) complete(leaf as Phrasing, shown, definitions);
  return nodes;
}

interface Phrasing {
  children: PhrasingContent[];
}

function isVerbatim(leaf: RootContent | undefined): boolean {
  return leaf !== undefined && !("children" in leaf);
}

/** The innermost last block, which the next character belongs to. */
function lastLeaf(node: RootContent | undefined): RootContent | undefined {
  if (node === undefined || !("children" in node) || node.type === "paragraph" || node.type === "heading" || node.type === "tableCell") return node;
  return lastLeaf(node.children.at(-1));
}

function complete(leaf: Phrasing, text: string, definitions: Definitions): void {
  const [from, to] = placeOf(leaf);
  if (to === 0 || text.slice(to).trim() !== "") return;
  const source = text.slice(from, to);
  const literals = literalsIn(leaf.children, source, from);
  // Half of a two-character closing marker is already there.
  const isHalfClosed = source.endsWith(/([*_])\ue000+$/.exec(literals)?.[1] ?? HIDDEN);
  const written = isHalfClosed ? source.slice(0, -1) : closed(source, literals);
  if (written.trim() === "") leaf.children = [];
  else if (written !== source) replace(leaf, written, isHalfClosed, definitions);
}

function placeOf({ children }: Phrasing): readonly [number, number] {
  return [children[0]?.position?.start.offset ?? 0, children.at(-1)?.position?.end.offset ?? 0];
}

function replace(leaf: Phrasing, written: string, isHalfClosed: boolean, definitions: Definitions): void {
  const [first, second] = blocksOf(written, false, definitions);
  if (first?.type !== "paragraph" || second !== undefined) return;
  if (isHalfClosed) complete(first, written, definitions);
  leaf.children = first.children;
}

/** Placeholder for everything that isn't plain text. */
const HIDDEN = "\ue000";

/** The source with code, links and closed emphasis blanked out. */
function literalsIn(children: readonly PhrasingContent[], source: string, from: number): string {
  let literals = "";
  for (const child of children) {
    const start = (child.position?.start.offset ?? from) - from;
    const end = (child.position?.end.offset ?? from) - from;
    literals = literals.padEnd(start, HIDDEN) + (child.type === "text" ? source.slice(start, end).replace(/\\[^]/g, HIDDEN.repeat(2)) : HIDDEN.repeat(end - start));
  }
  return literals.padEnd(source.length, HIDDEN);
}

/** The source of a paragraph with its open markers closed. */
function closed(source: string, literals: string): string {
  const code = /`+/.exec(literals);
  if (code) return withCode(source, literals, code[0], code.index);
  const [shown, marks] = withoutOpenLink(source, literals);
  const bare = shown.slice(0, marks.replace(/[*_~]+$/, "").length);
  return bare + openMarks(marks.slice(0, bare.length)).toReversed().join("");
}

/** Everything after an open backtick is code. */
function withCode(source: string, literals: string, marks: string, at: number): string {
  const code = source.slice(at + marks.length).replace(/`+$/, "");
  if (marks.length > 2) return source;
  if (code.trim() === "") return closed(source.slice(0, at), literals.slice(0, at));
  return source.slice(0, at + marks.length) + code + marks + openMarks(literals.slice(0, at)).toReversed().join("");
}

/** Shows the text of an incomplete link without brackets or URL. An incomplete image is hidden. */
function withoutOpenLink(source: string, literals: string): [string, string] {
  const open = lastOpenBracket(literals);
  if (open === null || source.length - open > LONGEST_LINK) return [source, literals];
  const end = literals.indexOf("]", open);
  const isImage = literals[open - 1] === "!";
  if (isImage || literals[open + 1] === "^") return [source.slice(0, isImage ? open - 1 : open), literals.slice(0, isImage ? open - 1 : open)];
  const to = end === -1 ? source.length : end;
  return [source.slice(0, open) + source.slice(open + 1, to), literals.slice(0, open) + literals.slice(open + 1, to)];
}

/** A bracket that is unclosed, or followed by an unclosed URL. */
function lastOpenBracket(literals: string): number | null {
  const open: number[] = [];
  for (const { index, 0: mark } of literals.matchAll(/\[|\](?:\([^\s)]*$)?/g)) {
    if (mark === "[") open.push(index);
    else if (mark.length > 1) return open.at(-1) ?? null;
    else open.pop();
  }
  return open.at(-1) ?? null;
}

/** Unclosed emphasis markers. */
function openMarks(literals: string): string[] {
  const open: string[] = [];
  for (const { index, 0: run } of literals.matchAll(/\*{1,3}|_{1,3}|~~/g)) {
    const before = literals[index - 1] ?? " ";
    const after = literals[index + run.length] ?? " ";
    if (/\s/.test(after) || /[\dA-Za-z]/.test(before) || after === run[0] || before === run[0]) continue;
    open.push(run);
  }
  return open;
}
