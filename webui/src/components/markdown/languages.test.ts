import { common, createLowlight } from "lowlight";
import { expect, it } from "vitest";

import { GRAMMARS, grammarOf, grammarsFor } from "./languages";

it("names languages as their grammars do", () => {
  const all = createLowlight();
  for (const [other, name] of GRAMMARS) {
    const grammar = common[name];
    if (grammar && !all.registered(name)) all.register(name, grammar);
    expect([other, name, all.registered(other)]).toEqual([other, name, true]);
    expect(grammarOf(other.toUpperCase())).toBe(name);
  }
});

it("requires only existing grammars", () => {
  for (const name of Object.keys(common)) expect(grammarsFor(name).filter((each) => !Object.hasOwn(common, each))).toEqual([]);
});

it("includes dependencies two levels deep", () => {
  expect(new Set(grammarsFor("markdown"))).toEqual(new Set(["markdown", "xml", "css", "javascript", "graphql"]));
});
