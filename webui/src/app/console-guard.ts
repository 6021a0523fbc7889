/** Fails tests that write to the console. */

import { afterEach, beforeEach, expect, vi } from "vitest";

const LEVELS = ["log", "info", "warn", "error"] as const;
let written: unknown[][] = [];

beforeEach(() => {
  written = [];
  for (const level of LEVELS) vi.spyOn(console, level).mockImplementation((...words: unknown[]) => void written.push(words));
});

afterEach(() => {
  expect(written).toEqual([]);
});
