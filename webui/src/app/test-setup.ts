/** Fails tests that write to the console, and unmounts components after each test. */

import { cleanup } from "@testing-library/react";
import { afterEach, beforeEach, expect, vi } from "vitest";

// KaTeX warns about pages without a doctype, and the test page has none.
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
