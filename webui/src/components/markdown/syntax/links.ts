/** Bare URLs in text, and where they end. */

import type { Code, Construct, Effects, Extension, State, Token, TokenizeContext } from "micromark-util-types";

import { limitOccurrences } from "./limits";
import { isEnding, letterOf } from "./math-syntax";

const LONGEST = 2_000;
const MOST_IN_A_PARAGRAPH = 500;

/**
 * Characters that end a URL: spaces, control and invisible characters, angle brackets, backticks, typographic quotes, and the
 * punctuation of scripts that put no space after it: Chinese, Japanese, Korean, Arabic and Devanagari.
 */
const STOP = /[\s\p{Cc}\p{Cf}<>`\u060c\u061b\u061f\u06d4\u0964\u0965\u2018-\u201f\u2026\u3000-\u3004\u3008-\u3020\u3030\u303d\ufe10-\ufe1f\ufe30-\ufe6f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]/u;
const BEGINNING = /^(?:https?:\/\/|www\.)/i;
const DOMAIN = /^(?:https?:\/\/)?(?:[\p{L}\p{N}](?:[\p{L}\p{N}_-]*[\p{L}\p{N}])?\.)*[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?(?::\d{1,5})?(?=[/?#]|$)/iu;

/** The URL at the start of `text`; empty if there is none. */
export function addressIn(text: string): string {
  if (!BEGINNING.test(text)) return "";
  const stop = text.search(STOP);
  const address = withoutTrail(stop === -1 ? text : text.slice(0, stop));
  const host = DOMAIN.exec(address)?.[0] ?? "";
  return BEGINNING.test(address) && (/^www\./i.test(address) ? /\..*\./.test(host) : host.length > "https://".length - 1) ? address : "";
}

/** Trailing punctuation belongs to the sentence, as does a bracket that was opened before the URL. */
function withoutTrail(address: string): string {
  let end = address.length;
  const opened = { ")": count(address, "("), "]": count(address, "[") };
  const closed = { ")": count(address, ")"), "]": count(address, "]") };
  for (;;) {
    const last = address[end - 1] ?? "";
    if (last === ")" || last === "]") {
      if (closed[last] <= opened[last]) break;
      closed[last] -= 1;
    } else if (!/[?!.,:;*_~'"]/.test(last) || last === "") break;
    end -= 1;
  }
  return address.slice(0, end);
}

function count(text: string, letter: string): number {
  return text.split(letter).length - 1;
}

/** Splits text at URLs; every second part is one. For text where the grammar finds none, as after an open bracket. */
export function splitAtAddresses(text: string): readonly string[] {
  const pieces: string[] = [];
  let from = 0;
  for (const { index } of text.matchAll(/(?<![\dA-Za-z])https?:\/\//gi)) {
    if (index < from) continue;
    const address = addressIn(text.slice(index, index + LONGEST));
    if (address === "") continue;
    pieces.push(text.slice(from, index), address);
    from = index + address.length;
  }
  return [...pieces, text.slice(from)];
}

export function links(): Extension {
  const link = limitOccurrences({ name: "link", tokenize, previous: mayPrecede }, MOST_IN_A_PARAGRAPH);
  const text = Object.fromEntries([..."HhWw"].map((letter) => [letter.charCodeAt(0), link]));
  return { disable: { null: ["protocolAutolink", "wwwAutolink"] }, text };
}

function mayPrecede(this: TokenizeContext, code: Code): boolean {
  return !/[\dA-Za-z]/.test(letterOf(code));
}

function tokenize(this: TokenizeContext, effects: Effects, ok: State, nok: State): State {
  if (!mayPrecede.call(this, this.previous) || isInOpenLabel(this)) return nok;
  let left = 0;
  let kind: "literalAutolinkHttp" | "literalAutolinkWww" = "literalAutolinkHttp";
  const scan: Construct = { partial: true, tokenize: (look, found, none) => scanner(look, found, none, noted) };
  return effects.check(scan, begin, nok);

  function noted(address: string): void {
    left = address.length;
    kind = /^w/i.test(address) ? "literalAutolinkWww" : "literalAutolinkHttp";
  }

  function begin(code: Code): State | undefined {
    effects.enter("literalAutolink");
    effects.enter(kind);
    return inside(code);
  }

  function inside(code: Code): State | undefined {
    if (left === 0) {
      effects.exit(kind);
      effects.exit("literalAutolink");
      return ok(code);
    }
    effects.consume(code);
    left -= 1;
    return inside;
  }
}

function scanner(effects: Effects, ok: State, nok: State, found: (address: string) => void): State {
  let text = "";
  return (code) => {
    effects.enter("lookahead");
    return next(code);
  };

  function next(code: Code): State | undefined {
    const letter = letterOf(code);
    if (code === null || isEnding(code) || text.length > LONGEST || STOP.test(letter)) return end(code);
    text += letter;
    effects.consume(code);
    // Most words that start with these letters aren't URLs.
    return text.length === 5 && !/^(?:https?:?|www\.)/i.test(text) ? nok : next;
  }

  function end(code: Code): State | undefined {
    const address = addressIn(text);
    if (address === "") return nok(code);
    found(address);
    effects.exit("lookahead");
    return ok(code);
  }
}

/** Whether this may be link text: links can't be nested. */
function isInOpenLabel({ events }: TokenizeContext): boolean {
  return events.some(([, token]) => (token.type === "labelLink" || token.type === "labelImage") && !isBalanced(token));
}

/** Whether the parser already knows that this bracket opens no link. */
function isBalanced({ _balanced: balanced }: Token): boolean {
  return balanced === true;
}
