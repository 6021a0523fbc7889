import { expect, it } from "vitest";

import { beginning, ending, toJson } from "./text-slices";

it("truncates a character with endless marks rather than the text before it", () => {
  expect(beginning(`ab${"\u0301".repeat(500)}`, 10)).toBe("a");
});

it("starts a preview with a complete character", () => {
  expect(ending("a😀b", 2)).toBe("b");
  expect(ending("a😀b", 3)).toBe("😀b");
});

it("sends no unpaired surrogate in any field", () => {
  expect(toJson({ content: "a\ud83d", context: { k: ["\ude00b", "😀"] } })).toBe('{"content":"a�","context":{"k":["�b","😀"]}}');
});
