import { expect, it } from "vitest";

import { hostile, madeUp, MULTILINGUAL, randomFrom, USUAL } from "@/fuzz/corpus";

import { MarkdownDocument, type Reading } from "./markdown-document";

const withoutPlaces = (_: string, value: unknown) => (typeof value === "object" && value !== null && "type" in value ? { ...value, position: undefined, meta: undefined } : value);

const shape = ({ parts }: Reading) => parts.map(({ at, source, node, open }) => JSON.stringify({ at, source, open, node }, withoutPlaces));

/** Parse a text in random chunks, and once more when it is complete. */
function live(text: string, seed: number): Reading {
  const random = randomFrom(seed);
  const document = new MarkdownDocument();
  for (let end = 0; end < text.length; end += 1 + Math.floor(random() * Math.max(7, text.length / 40))) document.read(text.slice(0, end), true);
  document.read(text, true);
  return document.read(text, false);
}

const TEXTS: readonly [string, string][] = [
  ...[...USUAL, ...MULTILINGUAL].map((text) => [text.slice(0, 40), text] as [string, string]),
  ["all of them", [...USUAL, ...MULTILINGUAL].join("\n\n")],
  ["all of them, long", Array.from({ length: 6 }, () => [...MULTILINGUAL, ...USUAL].join("\n\n")).join("\n\n")],
];

it.each(TEXTS)("reads %s the same as it grows and when it is there from the start", (_, text) => {
  expect(shape(live(text, 1))).toEqual(shape(new MarkdownDocument().read(text, false)));
});

it("reads whatever is made up the same as it grows and when it is there from the start", { timeout: 60_000 }, () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const text = madeUp(seed);
    expect(shape(live(text, seed)), `seed ${seed}: ${JSON.stringify(text)}`).toEqual(shape(new MarkdownDocument().read(text, false)));
  }
});

it.each(hostile(1_000).map((text) => [`${text.slice(0, 20)}… (${text.length})`, text]))("loses nothing of %j", (_, text) => {
  const { parts, rest } = new MarkdownDocument().read(text, false);
  expect(parts.map((part) => part.source).join("") + rest).toBe(text.trim() === "" ? rest : text.replaceAll("\u0000", "␀"));
});

it.each(TEXTS)("reads %s the same after a part of it was taken for all of it", (_, text) => {
  for (const part of [0.3, 0.5, 0.9]) {
    const document = new MarkdownDocument();
    document.read(text.slice(0, Math.floor(text.length * part)), false);
    expect(shape(document.read(text, false))).toEqual(shape(new MarkdownDocument().read(text, false)));
  }
});
