import { expect, it } from "vitest";

import { timesOfDuplicates } from "./duplicate-names";

const NOW = new Date(2026, 10, 30, 18, 0);
const at = (...rest: [number, number, number, number]) => new Date(2026, 10, ...rest).getTime();
const named = (id: string, name: string, atMs: number) => ({ id, name, atMs });

it("distinguishes conversations with the same name by time, by day, and by second if needed", () => {
  const times = timesOfDuplicates(
    [
      named("a", "Same", at(30, 9, 5, 1)),
      named("b", "Same", at(30, 9, 5, 40)),
      named("c", "Same", at(30, 14, 32, 0)),
      named("d", "Same", at(3, 14, 32, 0)),
      named("f", "Same", at(3, 14, 32, 0)),
      named("g", "Same", at(3, 14, 32, 0)),
      named("e", "Other", at(30, 9, 5, 1)),
    ],
    NOW,
  );
  expect(new Set(times.values()).size).toBe(6);
  expect(times.get("c")).toMatch(/\d:?32/);
  expect(times.get("a")).toMatch(/01/);
  expect(times.get("d")).not.toBe(times.get("c"));
  expect(times.has("e")).toBe(false);
});
