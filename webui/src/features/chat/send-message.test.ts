import { describe, expect, it } from "vitest";

import { toJson } from "@/events/text-slices";

import { titleOf } from "./send-message";

const FAMILY = "👨‍👩‍👧‍👦";

describe("the title of a first message", () => {
  it.each(["😀", "🇩🇪", "👍🏽", FAMILY, "e\u0301", "𝒳", "각"])("is never cut inside %s, wherever that stands", (character) => {
    for (let before = 40; before < 62; before++) {
      const title = titleOf("x".repeat(before) + character.repeat(20));
      expect(JSON.parse(toJson(title))).toBe(title);
      expect(title.length).toBeLessThanOrEqual(60);
      const whole = title.replace(/^x+/, "").replace(/…$/, "");
      expect(whole).toBe(character.repeat(whole.length / character.length));
    }
  });

  it("is the whole line if that is short, without unpaired surrogates", () => {
    expect(titleOf("  Hi 😀\nmore")).toBe("Hi 😀");
    expect(titleOf("Half \ud83d of it")).toBe("Half � of it");
  });
});
