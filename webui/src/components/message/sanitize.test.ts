import { describe, expect, it } from "vitest";

import { isInlineImage, safeHref, visible } from "./sanitize";

describe("hidden characters", () => {
  it.each([
    ["\u202egnirts\u202c", "⟨U+202E⟩gnirts⟨U+202C⟩"],
    ["pay\u200bload", "pay⟨U+200B⟩load"],
    ["a\u200db", "a⟨U+200D⟩b"],
    ["\u001b[31mred", "␛[31mred"],
    ["bell\u0007", "bell␇"],
    ["tag\u{e0041}", "tag⟨U+E0041⟩"],
    ["\ufeffmark", "⟨U+FEFF⟩mark"],
    ["one\r\ntwo", "one\ntwo"],
  ])("shows %j as what it is", (hidden, shown) => {
    expect(visible(hidden)).toBe(shown);
  });

  it.each(["👩‍👩‍👧‍👦", "🏳️‍🌈", "👩🏽‍🚀", "می‌خواهم", "क्‍ष", "שלום\u200f!", "line\n\ttab", "naïve"])("leaves %s alone", (text) => {
    expect(visible(text)).toBe(text);
  });

  it("considers earlier chunks of the text", () => {
    expect(visible("\u200d👧", "👩")).toBe("\u200d👧");
    expect(visible("\u200db", "a")).toBe("⟨U+200D⟩b");
  });
});

describe("addresses", () => {
  it.each(["https://example.com/a?b#c", "http://localhost:1/", "mailto:a@example.com"])("follows %s", (href) => {
    expect(safeHref(href)).toBe(href);
  });

  it.each(["javascript:alert(1)", " JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "/relative", "//host", undefined])(
    "does not follow %s",
    (href) => {
      expect(safeHref(href)).toBeNull();
    },
  );

  it("accepts data URLs of pictures, except for types that can contain scripts", () => {
    expect(isInlineImage("data:image/png;base64,AAAA")).toBe(true);
    expect(isInlineImage("data:image/svg+xml;base64,AAAA")).toBe(false);
    expect(isInlineImage("https://example.com/a.png")).toBe(false);
  });
});
