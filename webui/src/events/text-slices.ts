/** Slices text without breaking characters or surrogate pairs. */

const LONGEST_CLUSTER = 64;

/** The start of a text, at most `most` UTF-16 units, never splitting a grapheme. */
export function beginning(text: string, most: number): string {
  if (text.length <= most) return text;
  // The text after the cut decides whether it is a grapheme boundary.
  const clusters = [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text.slice(0, most + LONGEST_CLUSTER))];
  const last = clusters.findLast(({ index, segment }) => index + segment.length <= most);
  return last ? text.slice(0, last.index + last.segment.length) : "";
}

/** The end of a text, at most `most` UTF-16 units, never splitting a surrogate pair. */
export function ending(text: string, most: number): string {
  return text.slice(-most).replace(/^[\uDC00-\uDFFF]/, "");
}

/** Replaces lone surrogates, which pasted text may contain, by U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD");
}

/** A value as JSON without lone surrogates. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === "string" ? wellFormed(each) : each));
}
