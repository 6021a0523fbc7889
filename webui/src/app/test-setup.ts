/** Every test fails on a line in the console, and leaves no component behind. */

import { cleanup } from "@testing-library/react";
import { afterEach, beforeEach, expect, vi } from "vitest";

// KaTeX complains about a page without a doctype, which the one of the tests lacks.
Object.defineProperty(document, "compatMode", { value: "CSS1Compat" });

const LEVELS = ["log", "info", "warn", "error"] as const;
let said: unknown[][] = [];

beforeEach(() => {
  said = [];
  for (const level of LEVELS) vi.spyOn(console, level).mockImplementation((...words: unknown[]) => void said.push(words));
});

afterEach(() => {
  cleanup();
  expect(said).toEqual([]);
});
