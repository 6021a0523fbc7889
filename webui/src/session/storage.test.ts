import { expect, it } from "vitest";

import { saveTo } from "./storage";

/** Storage with room for so many characters. */
function small(most: number) {
  const kept = new Map<string, string>();
  const storage = {
    setItem: (key: string, value: string) => {
      if (value.length > most) throw new DOMException("full", "QuotaExceededError");
      kept.set(key, value);
    },
    removeItem: (key: string) => kept.delete(key),
  };
  return { kept, storage: storage as unknown as Storage };
}

it("stores what fits, and reports what doesn't, without leaving an older value", () => {
  const { kept, storage } = small(5);
  expect(saveTo(storage, "draft", "short")).toBe(true);
  expect(saveTo(storage, "draft", "too long")).toBe(false);
  expect(kept.size).toBe(0);
});
