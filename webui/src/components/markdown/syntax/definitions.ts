/** Link and footnote definitions, which references anywhere in the text can use. */

import type { Definition } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import type { Construct, Extension, ParseContext } from "micromark-util-types";
import { normalizeIdentifier } from "micromark-util-normalize-identifier";

export interface Definitions {
  /** By normalized name. */
  readonly links: ReadonlyMap<string, Definition>;
  readonly notes: readonly string[];
  /** Equal if the definitions are equal. */
  readonly key: string;
}

export const NO_DEFINITIONS: Definitions = { links: new Map(), notes: [], key: "" };

const MOST = 500;
const CANDIDATE = /^ {0,3}\[(?!\s*\])(?:[^[\]\\\n\r]|\\[^\n\r]){1,200}\]:[^\n\r]*$/gm;
const FENCE = /^[ \t>]*(`{3,}|~{3,})/gm;

/** Finds definitions in a streaming text. */
export class DefinitionFinder {
  readonly #known = new Map<string, Definition | null>();

  /** Ignores the last line of a streaming text. */
  definitionsIn(text: string, growing: boolean): Definitions {
    if (!text.includes("]:")) return NO_DEFINITIONS;
    const whole = growing ? text.slice(0, text.lastIndexOf("\n") + 1) : text;
    const isCode = codeIn(whole);
    const candidates = [...whole.matchAll(CANDIDATE)].slice(0, MOST).filter(({ index }) => !isCode(index));
    const links = new Map<string, Definition>();
    const notes: string[] = [];
    for (const [line] of candidates) {
      const note = /^ {0,3}\[\^(.+?)\]:/.exec(line)?.[1];
      if (note === undefined) addFirst(links, this.#definition(line));
      else notes.push(normalizeIdentifier(note));
    }
    return links.size + notes.length === 0 ? NO_DEFINITIONS : { links, notes, key: candidates.map(([line]) => line).join("\n") };
  }

  #definition(line: string): Definition | null {
    const known = this.#known.get(line);
    if (known !== undefined) return known;
    const [node] = fromMarkdown(line).children;
    const definition = node?.type === "definition" ? node : null;
    this.#known.set(line, definition);
    return definition;
  }
}

/** The first definition of a name wins. */
function addFirst(links: Map<string, Definition>, link: Definition | null): void {
  if (link === null) return;
  const name = normalizeIdentifier(link.label ?? link.identifier);
  if (!links.has(name)) links.set(name, link);
}

/** Whether an offset is inside fenced code. Must be called with increasing offsets. */
function codeIn(text: string): (at: number) => boolean {
  const edges: number[] = [];
  let open: string | null = null;
  for (const { index, 1: mark = "" } of text.matchAll(FENCE)) {
    if (open === null) open = mark;
    else if (mark.startsWith(open)) open = null;
    else continue;
    edges.push(index);
  }
  let passed = 0;
  return (at) => {
    while (passed < edges.length && (edges[passed] ?? at) < at) passed += 1;
    return passed % 2 === 1;
  };
}

/** Tells the parser up front what is defined elsewhere. */
export function defined({ links, notes }: Definitions): Extension {
  const configured = new WeakSet<ParseContext>();
  const construct: Construct = {
    name: "definitions",
    tokenize(_effects, _ok, nok) {
      if (!configured.has(this.parser)) {
        configured.add(this.parser);
        this.parser.defined.push(...links.keys());
        (this.parser.gfmFootnotes ??= []).push(...notes);
      }
      return nok;
    },
  };
  return links.size + notes.length === 0 ? {} : { text: { [91]: construct } };
}
