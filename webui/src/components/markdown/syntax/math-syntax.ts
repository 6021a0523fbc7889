/** Formula syntax for the Markdown grammar: `$…$`, `$$…$$`, `\(…\)` and `\[…\]`, everywhere except in code. */

import type { CompileContext, Extension as FromMarkdown, Token } from "mdast-util-from-markdown";
import type { Code, Construct, Effects, Extension, State, TokenizeContext } from "micromark-util-types";

import type { MathLines } from "./math-lines";
import { isBracketMath, isDollarMath, isDoubleDollarMath, isParenthesesMath } from "./math-rules";
import { limitOccurrences } from "./limits";

declare module "micromark-util-types" {
  interface TokenTypeMap {
    mathFlow: "mathFlow";
    mathFlowValue: "mathFlowValue";
    mathText: "mathText";
    mathTextData: "mathTextData";
    lookahead: "lookahead";
  }
}

export interface Formula {
  readonly type: "formula";
  /** The text between the delimiters. */
  readonly tex: string;
  readonly source: string;
  readonly display: boolean;
  /** Whether it is still streaming. */
  readonly open: boolean;
}

const DOLLAR = 36;
const BACKSLASH = 92;

/** Maximum length of an inline formula. */
const LONGEST = 1_000;
const MOST_IN_A_PARAGRAPH = 200;

/** Closing delimiters other than a single dollar, by opening delimiter. */
const CLOSINGS: Readonly<Record<string, string>> = { "$$": "$$", "\\[": "\\]", "\\(": "\\)" };

export function isEnding(code: Code): boolean {
  return code !== null && code < -2;
}

export function letterOf(code: Code): string {
  if (code === null) return "";
  if (code < -2) return "\n";
  return code < 0 ? " " : String.fromCharCode(code);
}

/** `lines` locates display formulas. */
export function math(lines: MathLines): Extension {
  const text = limitOccurrences({ name: "mathText", tokenize: tokenizeMathText }, MOST_IN_A_PARAGRAPH);
  const flow = mathFlow(lines);
  return { text: { [DOLLAR]: text, [BACKSLASH]: text }, flow: { [DOLLAR]: flow, [BACKSLASH]: flow } };
}

function tokenizeMathText(this: TokenizeContext, effects: Effects, ok: State, nok: State): State {
  const before = letterOf(this.previous);
  let left = 0;
  const scan: Construct = { partial: true, tokenize: (look, found, none) => scanner(look, found, none, before, (length) => void (left = length)) };
  return effects.check(scan, begin, nok);

  function begin(code: Code): State | undefined {
    effects.enter("mathText");
    return between(code);
  }

  function between(code: Code): State | undefined {
    if (left === 0) {
      effects.exit("mathText");
      return ok(code);
    }
    if (!isEnding(code)) {
      effects.enter("mathTextData");
      return data(code);
    }
    effects.enter("lineEnding");
    effects.consume(code);
    effects.exit("lineEnding");
    left -= 1;
    return between;
  }

  function data(code: Code): State | undefined {
    if (left === 0 || isEnding(code)) {
      effects.exit("mathTextData");
      return between(code);
    }
    effects.consume(code);
    left -= 1;
    return data;
  }
}

/** Looks ahead for the end of a formula and returns its length in character codes. */
function scanner(effects: Effects, ok: State, nok: State, before: string, found: (length: number) => void): State {
  let source = "";
  return (code) => {
    effects.enter("lookahead");
    return next(code);
  };

  function next(code: Code): State | undefined {
    if (code === null || source.length > LONGEST || code === 96) return nok(code);
    source += letterOf(code);
    effects.consume(code);
    if (source.length === 2 && !/^(?:\$[^\s]|\\[([])/.test(source)) return nok;
    return source.length > 2 && /[$)\]]/.test(source.at(-1) ?? "") ? closing : next;
  }

  function closing(code: Code): State | undefined {
    const closed = isClosed(source, before, letterOf(code));
    if (closed === null) return next(code);
    if (!closed) return nok(code);
    found(source.length);
    effects.exit("lookahead");
    return ok(code);
  }
}

/** Whether `source` is a formula. Null: it may become one with more text. */
function isClosed(source: string, before: string, after: string): boolean | null {
  const opening = source.slice(0, 2);
  const closing = CLOSINGS[opening] ?? "$";
  const tex = source.slice(closing.length, -closing.length);
  if (source.length <= 2 * closing.length || !ended(source, closing)) return null;
  switch (opening) {
    case "\\(":
      return isParenthesesMath(tex);
    case "\\[":
      return isBracketMath(tex, false);
    case "$$":
      return isDoubleDollarMath(tex, before, after);
    default:
      // A dollar that can't close may be followed by one that can.
      return isDollarMath(tex, before, after) || (/\s$/.test(tex) || /[\d$]/.test(after) ? null : false);
  }
}

function ended(source: string, mark: string): boolean {
  return source.endsWith(mark) && !/(?:^|[^\\])(?:\\\\)*\\$/.test(source.slice(0, -mark.length));
}

/** The next line, unless it is a lazy continuation. */
const NEXT_LINE: Construct = {
  partial: true,
  tokenize(effects, ok, nok) {
    return (code) => {
      if (code === null) return nok(code);
      effects.enter("lineEnding");
      effects.consume(code);
      effects.exit("lineEnding");
      return (first) => (this.parser.lazy[this.now().line] ? nok(first) : ok(first));
    };
  },
};

function mathFlow(lines: MathLines): Construct {
  return { name: "mathFlow", concrete: true, tokenize };

  function tokenize(this: TokenizeContext, effects: Effects, ok: State, nok: State): State {
    const last = lines.get(this.now().line);
    const endless = last === Number.POSITIVE_INFINITY;
    return (code) => {
      if (last === undefined) return nok(code);
      effects.enter("mathFlow");
      return this.interrupt ? ok(code) : lineStart(code);
    };

    function lineStart(code: Code): State | undefined {
      if (code === null || isEnding(code)) return lineEnd(code);
      effects.enter("mathFlowValue");
      return value(code);
    }

    function value(code: Code): State | undefined {
      if (code === null || isEnding(code)) {
        const { end } = effects.exit("mathFlowValue");
        return last !== undefined && end.line >= last ? done(code) : lineEnd(code);
      }
      effects.consume(code);
      return value;
    }

    function lineEnd(code: Code): State | undefined {
      return effects.attempt(NEXT_LINE, lineStart, endless ? done : nok)(code);
    }

    function done(code: Code): State | undefined {
      effects.exit("mathFlow");
      return ok(code);
    }
  }
}

export function mathFromMarkdown(): FromMarkdown {
  return {
    canContainEols: ["formula"],
    enter: { mathText: enter, mathFlow: enter, mathTextData: enterData, mathFlowValue: enterData },
    exit: { mathText: exit, mathFlow: exit, mathTextData: exitData, mathFlowValue: exitData },
  };
}

function enter(this: CompileContext, token: Token): void {
  this.enter({ type: "formula", tex: "", source: "", display: false, open: false } as never, token);
  this.buffer();
}

function enterData(this: CompileContext, token: Token): void {
  this.config.enter["data"]?.call(this, token);
}

function exitData(this: CompileContext, token: Token): void {
  this.config.exit["data"]?.call(this, token);
}

function exit(this: CompileContext, token: Token): void {
  const written = this.resume();
  // In a table the backslash only escapes the cell separator.
  const source = this.data.inTable ? written.replaceAll("\\|", "|") : written;
  const node = this.stack.at(-1) as unknown as { -readonly [K in keyof Formula]: Formula[K] };
  const opening = CLOSINGS[source.slice(0, 2)] === undefined ? "$" : source.slice(0, 2);
  const closing = CLOSINGS[opening] ?? "$";
  const end = source.lastIndexOf(closing);
  const rest = source.slice(end + closing.length);
  node.source = source;
  node.display = opening === "$$" || opening === "\\[";
  node.open = end < opening.length || rest.trim().length > 1;
  node.tex = node.open ? source.slice(opening.length) : source.slice(opening.length, end) + rest.trim();
  this.exit(token);
}
