/** Parses Markdown: CommonMark, GitHub's extensions, formulas, and CJK-friendly emphasis. */

import type { Root, RootContent } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmAutolinkLiteralFromMarkdown } from "mdast-util-gfm-autolink-literal";
import { gfmFootnoteFromMarkdown } from "mdast-util-gfm-footnote";
import { gfmStrikethroughFromMarkdown } from "mdast-util-gfm-strikethrough";
import { gfmTableFromMarkdown } from "mdast-util-gfm-table";
import { gfmTaskListItemFromMarkdown } from "mdast-util-gfm-task-list-item";
import { gfmStrikethroughCjkFriendly } from "micromark-extension-cjk-friendly-gfm-strikethrough";
import { gfmAutolinkLiteral } from "micromark-extension-gfm-autolink-literal";
import { gfmTable } from "micromark-extension-gfm-table";
import { gfmTaskListItem } from "micromark-extension-gfm-task-list-item";

import { type Definitions, defined, NO_DEFINITIONS } from "./definitions";
import { limitedFootnotes, bounds, DEEPEST } from "./limits";
import { links } from "./links";
import { mathLines } from "./math-lines";
import { math, mathFromMarkdown } from "./math-syntax";

const GRAMMAR = [gfmTable(), gfmStrikethroughCjkFriendly({ singleTilde: false }), gfmTaskListItem(), limitedFootnotes(), gfmAutolinkLiteral()];
const BOUNDS = [links(), bounds()];
const TREE = [
  gfmTableFromMarkdown(),
  gfmStrikethroughFromMarkdown(),
  gfmTaskListItemFromMarkdown(),
  gfmFootnoteFromMarkdown(),
  // Its transform would find URLs again, by other rules.
  { ...gfmAutolinkLiteralFromMarkdown(), transforms: [] },
  mathFromMarkdown(),
];

/** Parse a text into blocks. Throws TooDeepError. */
export function blocksOf(text: string, growing = false, definitions: Definitions = NO_DEFINITIONS): Root["children"] {
  const extensions = [...GRAMMAR, math(mathLines(text, growing)), ...BOUNDS, defined(definitions)];
  // The parser drops a byte order mark, which would shift all offsets.
  return fromMarkdown(text.startsWith("\ufeff") ? `\ufeff${text}` : text, { extensions, mdastExtensions: TREE }).children;
}

/** Whether its elements are nested too deeply to render. */
export function isTooDeep(node: RootContent): boolean {
  const waiting: [RootContent, number][] = [[node, 1]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [each, depth] = next;
    if (depth > DEEPEST) return true;
    if ("children" in each) for (const child of each.children) waiting.push([child, depth + 1]);
  }
  return false;
}
