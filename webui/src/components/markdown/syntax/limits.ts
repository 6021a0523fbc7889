/** Limits on parser work. Text beyond them is shown verbatim. */

import { attention as plainAttention, codeText, labelEnd } from "micromark-core-commonmark";
import { cjkFriendlyExtension } from "micromark-extension-cjk-friendly";
import { gfmFootnote } from "micromark-extension-gfm-footnote";
import type { Code, Construct, Extension, TokenizeContext } from "micromark-util-types";

/** Maximum column of nested quotes and lists. */
const LAST_COLUMN = 100;
/** Maximum nesting of inline elements. */
export const DEEPEST = 120;

/** Per paragraph, heading or cell. */
const MOST_EMPHASIS = 1_000;
const MOST_BRACKETS = 250;
const MOST_CODE = 500;
/** Markup past this many characters of a paragraph is ignored. */
const LONGEST_PARAGRAPH = 6_000;
/** Maximum lazy continuation lines in a quote or list. */
const MOST_LAZY_LINES = 200;
/** A longer run of asterisks, underscores, tildes or backticks is literal. */
const LONGEST_RUN = 32;

/** Thrown when quotes and lists exceed the limits. */
export class TooDeepError extends Error {
  /** @param offset position in the text. */
  constructor(readonly offset: number) {
    super("Block quotes or lists are nested too deeply, or have too many lazy continuation lines.");
  }
}

/** Limits a construct per paragraph; further occurrences aren't tried. */
export function limitOccurrences(construct: Construct, most: number): Construct {
  const tried = new WeakMap<TokenizeContext, { count: number; readonly from: number }>();
  return {
    ...construct,
    tokenize(effects, ok, nok) {
      // With other constructs for the same character, it is tried even where it can't follow.
      if (construct.previous && !construct.previous.call(this, this.previous)) return nok;
      const { offset } = this.now();
      const before = tried.get(this) ?? { count: 0, from: offset };
      if (before.count >= most || offset - before.from > LONGEST_PARAGRAPH) return nok;
      before.count += 1;
      tried.set(this, before);
      return construct.tokenize.call(this, effects, ok, nok);
    },
  };
}

/** Throws when containers are nested too deeply. Must run before the constructs that open them. */
const depthGuard: Construct = {
  name: "depthGuard",
  tokenize(_effects, _ok, nok) {
    if (this.now().column > LAST_COLUMN) throw new TooDeepError(this.now().offset);
    return nok;
  },
};

/** Throws at too many lazy lines, since each one rescans those before it. */
const lazyGuard: Construct = {
  name: "lazyGuard",
  tokenize(_effects, _ok, nok) {
    const { line, offset } = this.now();
    if (line > MOST_LAZY_LINES && this.parser.lazy[line - 1] && this.parser.lazy[line - MOST_LAZY_LINES]) throw new TooDeepError(offset);
    return nok;
  },
};

/** Treats a long run of one character as text, since each could open or close something. */
const longRun: Construct = {
  name: "longRun",
  tokenize(effects, ok, nok) {
    let marker: Code = null;
    let length = 0;
    return (code) => {
      marker = code;
      effects.enter("data");
      return run(code);
    };

    function run(code: Code): ReturnType<typeof ok> {
      if (code === marker) {
        length += 1;
        effects.consume(code);
        return run;
      }
      if (length <= LONGEST_RUN) return nok(code);
      effects.exit("data");
      return ok(code);
    }
  },
};

const MARKERS = { asterisk: 42, underscore: 95, backtick: 96, tilde: 126, closing: 93 } as const;
const CONTAINERS = ["*", "+", "-", ">", ..."0123456789"].map((letter) => letter.charCodeAt(0));

function only(found: Construct | Construct[] | undefined): Construct {
  const construct = Array.isArray(found) ? found[0] : found;
  if (!construct) throw new Error("The extension has no such construct.");
  return construct;
}

/** Emphasis, code and links, within the limits. Emphasis supports Chinese, Japanese and Korean. */
export function bounds(): Extension {
  const emphasis = cjkFriendlyExtension();
  const attention = limitOccurrences({ ...only(emphasis.text?.[MARKERS.asterisk]), name: "boundedAttention" }, MOST_EMPHASIS);
  const runs = Object.fromEntries([MARKERS.asterisk, MARKERS.underscore].map((code) => [code, [longRun, attention]]));
  return {
    disable: { null: [plainAttention.name ?? "", codeText.name ?? "", labelEnd.name ?? ""] },
    document: { ...Object.fromEntries(CONTAINERS.map((code) => [code, depthGuard])), null: [lazyGuard] },
    insideSpan: { null: [attention] },
    text: {
      ...runs,
      [MARKERS.tilde]: longRun,
      [MARKERS.backtick]: [longRun, limitOccurrences({ ...codeText, name: "boundedCode" }, MOST_CODE)],
      [MARKERS.closing]: limitOccurrences({ ...labelEnd, name: "boundedLabelEnd" }, MOST_BRACKETS),
    },
  };
}

/** Footnotes, within the limits: each bracket searches for its opening. */
export function limitedFootnotes(): Extension {
  const notes = gfmFootnote();
  const text = Object.entries(notes.text ?? {}).map(([code, construct]) => [code, limitOccurrences(only(construct), MOST_BRACKETS)] as const);
  return { ...notes, text: Object.fromEntries(text) };
}
