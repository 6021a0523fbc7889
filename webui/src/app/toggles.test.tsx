import { expect, it } from "vitest";

import { storedToggles } from "./toggles";

function fresh(): Storage {
  sessionStorage.clear();
  return sessionStorage;
}

it("keeps what was opened and closed by hand across a reload", () => {
  const storage = fresh();
  storedToggles(storage).set("a", true);
  storedToggles(storage).set("b", false);
  const again = storedToggles(storage);
  expect([again.get("a"), again.get("b"), again.get("c")]).toEqual([true, false, undefined]);
});

it("forgets the oldest of very many", () => {
  const storage = fresh();
  const toggles = storedToggles(storage);
  for (let number = 0; number < 510; number += 1) toggles.set(`t${number}`, true);
  expect([toggles.get("t9"), toggles.get("t10"), storedToggles(storage).get("t509")]).toEqual([undefined, true, true]);
});

it("starts fresh if the stored value is invalid", () => {
  const storage = fresh();
  for (const text of ["{", "5", '[["a"],["b","yes"],["c",true]]']) {
    storage.setItem("thinkaloud.toggles", text);
    expect(storedToggles(storage).get("a")).toBeUndefined();
  }
  expect(storedToggles(storage).get("c")).toBe(true);
});
