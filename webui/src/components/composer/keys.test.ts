import { expect, it } from "vitest";

import { sends } from "./keys";

const key = (name: string, held: Partial<Record<"shiftKey" | "altKey" | "ctrlKey" | "metaKey", boolean>> = {}) => ({ key: name, shiftKey: false, altKey: false, ctrlKey: false, metaKey: false, ...held });

it("sends with Enter, or only with Ctrl or Cmd and Enter if Enter starts a new line", () => {
  expect(sends(key("Enter"), "send")).toBe(true);
  expect(sends(key("Enter"), "newline")).toBe(false);
  for (const enter of ["send", "newline"] as const) {
    expect(sends(key("Enter", { ctrlKey: true }), enter)).toBe(true);
    expect(sends(key("Enter", { metaKey: true }), enter)).toBe(true);
    expect(sends(key("Enter", { shiftKey: true }), enter)).toBe(false);
    expect(sends(key("Enter", { altKey: true }), enter)).toBe(false);
    expect(sends(key("x", { ctrlKey: true }), enter)).toBe(false);
  }
});
