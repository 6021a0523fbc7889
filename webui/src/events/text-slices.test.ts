import { expect, it } from "vitest";

import { beginning, ending, toJson } from "./text-slices";

it("cuts a character of endless marks rather than a sentence before it", () => {
  expect(beginning(`ab${"\u0301".repeat(500)}`, 10)).toBe("a");
});

it("begins a preview with a whole character", () => {
  expect(ending("a😀b", 2)).toBe("b");
  expect(ending("a😀b", 3)).toBe("😀b");
});

it("sends no half of a character, in no member", () => {
  expect(toJson({ content: "a\ud83d", context: { k: ["\ude00b", "😀"] } })).toBe('{"content":"a�","context":{"k":["�b","😀"]}}');
});
