/**
 * Makes hidden characters in untrusted text visible: control characters, direction overrides and
 * zero-width characters are shown instead of taking effect.
 */

const SUSPECT =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class -- finding them is the purpose
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

const JOINER_OR_MARK = new Set(["\u200c", "\u200d", "\u200e", "\u200f", "\u061c"]);
// Anchored at both ends: Chromium 156 misses some emoji with only an end anchor.
const MAY_BE_JOINED = /^[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Gujarati}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}\p{Mn}]$/u;

/** `before` is the preceding text, if the text comes in chunks. */
export function visible(text: string, before = ""): string {
  return text.replace(SUSPECT, (letter, offset: number) => {
    if (letter === "\r") return "";
    if (letter === "\u2028" || letter === "\u2029") return "\n";
    if (JOINER_OR_MARK.has(letter)) {
      const preceding = [...(offset > 0 ? text.slice(Math.max(0, offset - 2), offset) : before)].at(-1) ?? "";
      // Emoji sequences and several scripts need joiners; elsewhere they are only invisible.
      if (MAY_BE_JOINED.test(preceding)) return letter;
    }
    return shown(letter.codePointAt(0) ?? 0);
  });
}

function shown(code: number): string {
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/** The URL of a link if it is safe, else null. Allows http, https and mailto. */
export function safeHref(href: string | undefined): string | null {
  if (href === undefined || !URL.canParse(href)) return null;
  const address = new URL(href);
  return ["https:", "http:", "mailto:"].includes(address.protocol) ? address.href : null;
}

const SAFE_IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/;

/** Whether an image is a data URL of a type that can't contain scripts. */
export function isInlineImage(source: string): boolean {
  return SAFE_IMAGE.test(source);
}
