/** Bounds on the work that a text may ask of the parser. What is beyond them is shown as it was written. */

import { attention as plainAttention, codeText, labelEnd } from "micromark-core-commonmark";
import { cjkFriendlyExtension } from "micromark-extension-cjk-friendly";
import { gfmFootnote } from "micromark-extension-gfm-footnote";
import type { Code, Construct, Extension, TokenizeContext } from "micromark-util-types";

/** Quotations and lists within each other reach no further to the right. */
const LAST_COLUMN = 100;
/** Elements within each other, from a paragraph to its innermost words. */
export const DEEPEST = 120;

/** In one paragraph, heading or cell. */
const MOST_EMPHASIS = 1_000;
const MOST_BRACKETS = 250;
const MOST_CODE = 500;
/** Behind so many characters of a paragraph, nothing in it is marked any more. */
const LONGEST_PARAGRAPH = 6_000;
/** Lines that go on with a paragraph in a quotation or list without its marks. */
const MOST_LAZY_LINES = 200;
/** A longer run of asterisks, underscores, tildes or backticks marks nothing. */
const LONGEST_RUN = 32;

/** Thrown where quotations and lists are beyond the bounds. */
export class TooMuch extends Error {
  /** @param offset where in the text. */
  constructor(readonly offset: number) {
    super("Quotations or lists are nested too deeply, or too much is missing of their marks.");
  }
}

/** At most so many in a paragraph, and none far behind its first; further ones are not tried. */
export function limited(construct: Construct, most: number): Construct {
  const tried = new WeakMap<TokenizeContext, { count: number; readonly from: number }>();
  return {
    ...construct,
    tokenize(effects, ok, nok) {
      // Beside other constructs of the same letter it is asked for even where it cannot follow.
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

/** Throws where containers are nested too deeply. Comes before what opens them. */
const depthGuard: Construct = {
  name: "depthGuard",
  tokenize(_effects, _ok, nok) {
    if (this.now().column > LAST_COLUMN) throw new TooMuch(this.now().offset);
    return nok;
  },
};

/** Throws where too many lines are lazy: each looks back at all before it. */
const lazyGuard: Construct = {
  name: "lazyGuard",
  tokenize(_effects, _ok, nok) {
    const { line, offset } = this.now();
    if (line > MOST_LAZY_LINES && this.parser.lazy[line - 1] && this.parser.lazy[line - MOST_LAZY_LINES]) throw new TooMuch(offset);
    return nok;
  },
};

/** A long run of one letter is text: each of its letters could open or close something. */
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

/** Emphasis, code and links as usual, within the bounds. Emphasis knows Chinese, Japanese and Korean. */
export function bounds(): Extension {
  const emphasis = cjkFriendlyExtension();
  const attention = limited({ ...only(emphasis.text?.[MARKERS.asterisk]), name: "boundedAttention" }, MOST_EMPHASIS);
  const runs = Object.fromEntries([MARKERS.asterisk, MARKERS.underscore].map((code) => [code, [longRun, attention]]));
  return {
    disable: { null: [plainAttention.name ?? "", codeText.name ?? "", labelEnd.name ?? ""] },
    document: { ...Object.fromEntries(CONTAINERS.map((code) => [code, depthGuard])), null: [lazyGuard] },
    insideSpan: { null: [attention] },
    text: {
      ...runs,
      [MARKERS.tilde]: longRun,
      [MARKERS.backtick]: [longRun, limited({ ...codeText, name: "boundedCode" }, MOST_CODE)],
      [MARKERS.closing]: limited({ ...labelEnd, name: "boundedLabelEnd" }, MOST_BRACKETS),
    },
  };
}

/** Notes, within the bounds: each bracket looks for what it closes. */
export function boundedNotes(): Extension {
  const notes = gfmFootnote();
  const text = Object.entries(notes.text ?? {}).map(([code, construct]) => [code, limited(only(construct), MOST_BRACKETS)] as const);
  return { ...notes, text: Object.fromEntries(text) };
}
