/** A text in Markdown as a list of blocks, read as it grows: what has been read and cannot change is not read again. */

import type { RootContent } from "mdast";

import { completed } from "./completion";
import { DefinitionFinder, type Definitions, NO_DEFINITIONS } from "./definitions";
import { type Fence, fenceAtStart } from "./fence";
import { TooMuch } from "./limits";
import { blocksOf, isTooDeep } from "./parse";

export interface Part {
  /** Where it begins in the text. */
  readonly at: number;
  readonly source: string;
  /** Null: it is shown as it was written. */
  readonly node: RootContent | null;
  /** Whether it is code of which more is to come. */
  readonly open: boolean;
}

export interface Reading {
  readonly parts: readonly Part[];
  /** What has not been read yet. */
  readonly rest: string;
  readonly definitions: Definitions;
}

/** What is given to the parser at once: less if that is enough for a block. */
const WINDOWS = [4_000, 32_000];
/** Of a block that is longer than that, and is no code, so much is shown as it was written. */
const PLAIN = 16_000;
/** What is behind so many characters is shown as it was written. */
export const LONGEST_TEXT = 600_000;

/** A block that has grown so long is read again only with every so many letters more, and the last ones stay plain meanwhile. */
const LONG_BLOCK = 8_000;
const LONG_STEP = 512;

/** Code that ends with its fence grows no more. */
const CLOSED_FENCE = /(?:\r\n|\n|\r)[ \t>]*(?:`{3,}|~{3,})[ \t]*(?:\r\n|\n|\r)?$/;
const NUMBER = /^ {0,3}\d{1,9}[.)][ \t]/;
const BLANK_LINE = /(?:\r\n|\n|\r)[ \t]*(?:\r\n|\n|\r)/g;

export class MarkdownDocument {
  #text = "";
  /** What does not change any more, whatever follows. */
  #settled: Part[] = [];
  /** What was read after that the last time. */
  #last: readonly Part[] = [];
  #growing = true;
  /** How far a growing text has been read; -1 where it has to be read again. */
  #readTo = -1;
  readonly #finder = new DefinitionFinder();
  #definitions = NO_DEFINITIONS;

  /** Read the text, about as far as `budget`. */
  read(written: string, growing: boolean, budget = Number.POSITIVE_INFINITY): Reading {
    // The parser would make a question mark of it, and no clipboard takes it.
    const text = written.replaceAll("\u0000", "\u2400");
    if (text !== this.#text || growing !== this.#growing) this.#prepare(text, growing);
    const end = growing ? worthReading(text, this.#end()) : text.length;
    const at = growing && end === this.#readTo ? end : this.#readOn(text.slice(0, end), Math.min(budget, LONGEST_TEXT));
    this.#readTo = growing ? at : -1;
    return { parts: [...this.#settled, ...this.#last], rest: text.slice(at), definitions: this.#definitions };
  }

  /** Read all that is not settled, up to a block behind the limit. Returns where that ends. */
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
    if (!text.startsWith(this.#text)) this.#goBackTo(text);
    this.#text = text;
    this.#growing = growing;
    this.#define(this.#finder.definitionsIn(text, growing));
  }

  #end(): number {
    return lastOf(this.#settled) ?? 0;
  }

  /** What refers to a definition reads otherwise once it is there, and may be anywhere. */
  #define(definitions: Definitions): void {
    if (definitions.key === this.#definitions.key) return;
    this.#definitions = definitions;
    this.#settled = [];
    this.#last = [];
    this.#readTo = -1;
  }

  /** Keep what the two texts have in common, but for its last blocks. */
  #goBackTo(text: string): void {
    this.#readTo = -1;
    let common = 0;
    if (this.#text.startsWith(text)) common = text.length;
    this.#settled = this.#settled.filter((part) => part.at + part.source.length <= common).slice(0, -2);
  }

  /** A block that is the same as before is the same value, so that it is not rendered again. */
  #known(part: Part): Part {
    return this.#last.find((each) => each.at === part.at && each.source === part.source && each.open === part.open && (each.node === null) === (part.node === null)) ?? part;
  }
}

/** How far a growing text is read whose blocks before `settled` are known. */
function worthReading(text: string, settled: number): number {
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
  /** What may still change, up to the end of the text. */
  readonly open: readonly Part[];
}

interface Source {
  readonly text: string;
  readonly growing: boolean;
  readonly definitions: Definitions;
}

/** Read some blocks, at least one. */
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
    // The end of a window may have cut the last block, and made another one out of the one before.
    const { settled } = split(parts);
    if (settled.length > 0) return { settled, open: [] };
  }
  // The last block is longer than a window. Before it there may be another one.
  return { settled: parts.length > 1 ? parts.slice(0, -1) : [plain(text, at, blankLineBehind(text, at + PLAIN))], open: [] };
}

function readFence({ text, growing }: Source, at: number, fence: Fence): Read {
  const end = at + fence.end;
  const part = { at, source: text.slice(at, end), node: fence.node, open: growing && !fence.closed };
  return growing && end === text.length ? { settled: [], open: [part] } : { settled: [part], open: [] };
}

/** Whole lines, unless the last one is long. */
function windowAt(text: string, at: number, size: number): string {
  if (at + size >= text.length) return text.slice(at);
  const end = text.lastIndexOf("\n", at + size - 1) + 1;
  return text.slice(at, end > at + size / 2 ? end : at + size);
}

/** The last block may grow, and the one before may turn out to be a part of it. Behind the line that opens code there is only code. */
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
    if (error instanceof TooMuch) return aroundPlain(source, at, error.offset);
    // Nothing that a text says may take away the page. The call stack is all that is known to run out.
    if (error instanceof RangeError) return [plain(source.text, 0, source.text.length, at)];
    throw error;
  }
}

/** Each block with all text up to the next one. */
function partsIn(source: Source, at: number): readonly Part[] {
  const { text, growing, definitions } = source;
  const nodes = growing ? completed(text, definitions) : blocksOf(text, false, definitions);
  const starts = nodes.map((node, index) => (index === 0 ? 0 : lineStart(text, node.position?.start.offset ?? 0)));
  const parts = nodes.map((node, index) => {
    const own = text.slice(starts[index], starts[index + 1] ?? text.length);
    const open = growing && index === nodes.length - 1 && !CLOSED_FENCE.test(own);
    return { at: at + (starts[index] ?? 0), source: own, node: isTooDeep(node) ? null : node, open };
  });
  // Behind indented code and definitions the parser sees no list that begins with another number than 1.
  const next = parts.findIndex((part, index) => part.node?.type === "paragraph" && NUMBER.test(part.source) && /^(?:code|definition)$/.test(parts[index - 1]?.node?.type ?? ""));
  const from = starts[next];
  if (next === -1 || from === undefined) return parts;
  return [...parts.slice(0, next), ...partsOf({ ...source, text: text.slice(from) }, at + from)];
}

function lineStart(text: string, offset: number): number {
  return Math.max(text.lastIndexOf("\n", offset - 1), text.lastIndexOf("\r", offset - 1)) + 1;
}

/** The paragraph at `offset` as it was written, and what is around it in Markdown. */
function aroundPlain(source: Source, at: number, offset: number): readonly Part[] {
  const { text } = source;
  const blank = [...text.slice(0, offset).matchAll(BLANK_LINE)].at(-1);
  const start = blank ? blank.index + blank[0].length : 0;
  const end = blankLineBehind(text, offset);
  const before = start > 0 ? partsOf({ ...source, text: text.slice(0, start), growing: false }, at) : [];
  const behind = end < text.length ? partsOf({ ...source, text: text.slice(end) }, at + end) : [];
  return [...before, plain(text, start, end, at), ...behind];
}

function blankLineBehind(text: string, from: number): number {
  const found = new RegExp(BLANK_LINE);
  found.lastIndex = from;
  return found.exec(text) ? found.lastIndex : text.length;
}

function plain(text: string, from: number, to: number, at = 0): Part {
  return { at: at + from, source: text.slice(from, to), node: null, open: false };
}
