/** Incremental Markdown parser: a list of blocks that is extended as text streams. Settled blocks aren't parsed again. */

import type { RootContent } from "mdast";

import { completed } from "./completion";
import { DefinitionFinder, type Definitions, NO_DEFINITIONS } from "./definitions";
import { type Fence, fenceAtStart } from "./fence";
import { TooDeepError } from "./limits";
import { blocksOf, isTooDeep } from "./parse";

export interface Part {
  /** Offset in the text. */
  readonly at: number;
  readonly source: string;
  /** Null: shown verbatim. */
  readonly node: RootContent | null;
  /** Whether it is code that is still streaming. */
  readonly open: boolean;
}

export interface Reading {
  readonly parts: readonly Part[];
  /** The text that isn't parsed yet. */
  readonly rest: string;
  readonly definitions: Definitions;
}

/** Window sizes for the parser; the smallest that contains a whole block is used. */
const WINDOWS = [4_000, 32_000];
/** How much of a longer block that isn't code is shown verbatim. */
const PLAIN = 16_000;
/** Text past this length is shown verbatim. */
export const LONGEST_TEXT = 600_000;

/** A block this long is parsed again only every LONG_STEP characters; its tail stays plain in between. */
const LONG_BLOCK = 8_000;
const LONG_STEP = 512;

/** Code that ends with its fence is complete. */
const CLOSED_FENCE = /(?:\r\n|\n|\r)[ \t>]*(?:`{3,}|~{3,})[ \t]*(?:\r\n|\n|\r)?$/;
const NUMBER = /^ {0,3}\d{1,9}[.)][ \t]/;
const BLANK_LINE = /(?:\r\n|\n|\r)[ \t]*(?:\r\n|\n|\r)/g;

export class MarkdownDocument {
  #text = "";
  /** Blocks that can no longer change. */
  #settled: Part[] = [];
  /** Blocks parsed after those last time. */
  #last: readonly Part[] = [];
  #growing = true;
  /** How far a streaming text is parsed; -1: parse again. */
  #readTo = -1;
  readonly #finder = new DefinitionFinder();
  #definitions = NO_DEFINITIONS;

  /** Parse about `budget` characters of the text. */
  read(written: string, growing: boolean, budget = Number.POSITIVE_INFINITY): Reading {
    // The parser replaces NUL, and clipboards don't accept it.
    const text = written.replaceAll("\u0000", "\u2400");
    if (text !== this.#text || growing !== this.#growing) this.#prepare(text, growing);
    const end = growing ? parsedLength(text, this.#end()) : text.length;
    const at = growing && end === this.#readTo ? end : this.#readOn(text.slice(0, end), Math.min(budget, LONGEST_TEXT));
    this.#readTo = growing ? at : -1;
    return { parts: [...this.#settled, ...this.#last], rest: text.slice(at), definitions: this.#definitions };
  }

  /** Parse everything unsettled, up to one block past the limit. Returns the end offset. */
  #readOn(text: string, limit: number): number {
    const source = { text, growing: this.#growing, definitions: this.#definitions };
    const last: Part[] = [];
    let at = this.#end();
    while (at < text.length && at < limit) {
      const read = readFrom(source, at);
      this.#settled.push(...read.settled);
      last.push(...read.open);
      at = lastOf(read.open) ?? lastOf(read.settled) ?? text.length;
    }
    this.#last = last.map((part) => this.#known(part));
    return at;
  }

  #prepare(text: string, growing: boolean): void {
    // Text that was read as complete and then continued: its last blocks weren't complete.
    const continued = !this.#growing && text !== this.#text;
    if (continued || !text.startsWith(this.#text)) this.#goBackTo(text);
    this.#text = text;
    this.#growing = growing;
    this.#define(this.#finder.definitionsIn(text, growing));
  }

  #end(): number {
    return lastOf(this.#settled) ?? 0;
  }

  /** A new definition can change references anywhere. */
  #define(definitions: Definitions): void {
    if (definitions.key === this.#definitions.key) return;
    this.#definitions = definitions;
    this.#settled = [];
    this.#last = [];
    this.#readTo = -1;
  }

  /** Keep the blocks both texts share, except the last ones. */
  #goBackTo(text: string): void {
    this.#readTo = -1;
    let common = 0;
    if (this.#text.startsWith(text)) common = text.length;
    else if (text.startsWith(this.#text)) common = this.#text.length;
    this.#settled = this.#settled.filter((part) => part.at + part.source.length <= common).slice(0, -2);
  }

  /** Reuses equal blocks by identity, so that they aren't rendered again. */
  #known(part: Part): Part {
    return this.#last.find((each) => each.at === part.at && each.source === part.source && each.open === part.open && (each.node === null) === (part.node === null)) ?? part;
  }
}

/** How far a streaming text is parsed, given the blocks before `settled`. */
function parsedLength(text: string, settled: number): number {
  const length = text.length - settled;
  if (length <= LONG_BLOCK || fenceAtStart(text.slice(settled))) return text.length;
  const end = text.length - (length % LONG_STEP);
  const line = text.lastIndexOf("\n", end - 1) + 1;
  return line > end - LONG_STEP ? line : end;
}

function lastOf(parts: readonly Part[]): number | undefined {
  const last = parts.at(-1);
  return last && last.at + last.source.length;
}

interface Read {
  readonly settled: readonly Part[];
  /** The blocks that may still change, up to the end of the text. */
  readonly open: readonly Part[];
}

interface Source {
  readonly text: string;
  readonly growing: boolean;
  readonly definitions: Definitions;
}

/** Parse at least one block. */
function readFrom(source: Source, at: number): Read {
  const { text, growing } = source;
  const fence = fenceAtStart(text.slice(at));
  if (fence) return readFence(source, at, fence);
  let parts: readonly Part[] = [];
  for (const size of WINDOWS) {
    const window = windowAt(text, at, size);
    const whole = at + window.length === text.length;
    parts = partsOf({ ...source, text: window, growing: growing && whole }, at);
    if (whole) return growing ? split(parts) : { settled: parts, open: [] };
    // The window may cut the last block and so change the one before it.
    const { settled } = split(parts);
    if (settled.length > 0) return { settled, open: [] };
  }
  // The last block is longer than a window; another may precede it.
  return { settled: parts.length > 1 ? parts.slice(0, -1) : [plain(text, at, blankLineAfter(text, at + PLAIN))], open: [] };
}

function readFence({ text, growing }: Source, at: number, fence: Fence): Read {
  const end = at + fence.end;
  const part = { at, source: text.slice(at, end), node: fence.node, open: growing && !fence.closed };
  return growing && end === text.length ? { settled: [], open: [part] } : { settled: [part], open: [] };
}

/** Ends at a line break, unless the last line is long. */
function windowAt(text: string, at: number, size: number): string {
  if (at + size >= text.length) return text.slice(at);
  const end = text.lastIndexOf("\n", at + size - 1) + 1;
  return text.slice(at, end > at + size / 2 ? end : at + size);
}

/** The last block may grow or absorb the one before it. After an opening fence there is only code. */
function split(parts: readonly Part[]): Read {
  const last = parts.at(-1);
  const isCode = last?.node?.type === "code" && fenceAtStart(last.source) !== null;
  const from = Math.max(0, parts.length - (isCode ? 1 : 2));
  return { settled: parts.slice(0, from), open: parts.slice(from) };
}

function partsOf(source: Source, at: number): readonly Part[] {
  try {
    return partsIn(source, at);
  } catch (error) {
    if (error instanceof TooDeepError) return splitAroundPlainText(source, at, error.offset);
    // No text may crash the page. The call stack is the only known resource that runs out.
    if (error instanceof RangeError) return [plain(source.text, 0, source.text.length, at)];
    throw error;
  }
}

/** Each block with the text up to the next one. */
function partsIn(source: Source, at: number): readonly Part[] {
  const { text, growing, definitions } = source;
  const nodes = growing ? completed(text, definitions) : blocksOf(text, false, definitions);
  const starts = nodes.map((node, index) => (index === 0 ? 0 : lineStart(text, node.position?.start.offset ?? 0)));
  const parts = nodes.map((node, index) => {
    const own = text.slice(starts[index], starts[index + 1] ?? text.length);
    const open = growing && index === nodes.length - 1 && !CLOSED_FENCE.test(own);
    return { at: at + (starts[index] ?? 0), source: own, node: isTooDeep(node) ? null : node, open };
  });
  // After indented code and definitions the parser only recognizes ordered lists that start at 1.
  const next = parts.findIndex((part, index) => part.node?.type === "paragraph" && NUMBER.test(part.source) && /^(?:code|definition)$/.test(parts[index - 1]?.node?.type ?? ""));
  const from = starts[next];
  if (next === -1 || from === undefined) return parts;
  return [...parts.slice(0, next), ...partsOf({ ...source, text: text.slice(from) }, at + from)];
}

function lineStart(text: string, offset: number): number {
  return Math.max(text.lastIndexOf("\n", offset - 1), text.lastIndexOf("\r", offset - 1)) + 1;
}

/** The paragraph at `offset` verbatim, with Markdown around it. */
function splitAroundPlainText(source: Source, at: number, offset: number): readonly Part[] {
  const { text } = source;
  const blank = [...text.slice(0, offset).matchAll(BLANK_LINE)].at(-1);
  const start = blank ? blank.index + blank[0].length : 0;
  const end = blankLineAfter(text, offset);
  const before = start > 0 ? partsOf({ ...source, text: text.slice(0, start), growing: false }, at) : [];
  const behind = end < text.length ? partsOf({ ...source, text: text.slice(end) }, at + end) : [];
  return [...before, plain(text, start, end, at), ...behind];
}

function blankLineAfter(text: string, from: number): number {
  const found = new RegExp(BLANK_LINE);
  found.lastIndex = from;
  return found.exec(text) ? found.lastIndex : text.length;
}

function plain(text: string, from: number, to: number, at = 0): Part {
  return { at: at + from, source: text.slice(from, to), node: null, open: false };
}
