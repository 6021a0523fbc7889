/** Texts that other programs must be able to read: cut between characters, and without halves of any. */

const LONGEST_CLUSTER = 64;

/** The first characters of a text, at most so many UTF-16 units, never a part of what is drawn as one. */
export function beginning(text: string, most: number): string {
  if (text.length <= most) return text;
  // What comes after the cut says whether it is one.
  const clusters = [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text.slice(0, most + LONGEST_CLUSTER))];
  const last = clusters.findLast(({ index, segment }) => index + segment.length <= most);
  return last ? text.slice(0, last.index + last.segment.length) : "";
}

/** The last characters of a text, at most so many UTF-16 units, never half a surrogate pair. */
export function ending(text: string, most: number): string {
  return text.slice(-most).replace(/^[\uDC00-\uDFFF]/, "");
}

/** A text as UTF-8 can have it: half a surrogate pair, which a paste may bring, becomes U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD");
}

/** A value as JSON that every reader takes. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === "string" ? wellFormed(each) : each));
}
