import { render } from "@testing-library/react";
import { expect, it } from "vitest";

import { GrowingText } from "./growing-text";

function grown(steps: readonly string[]) {
  const { container, rerender } = render(<GrowingText text={steps[0] ?? ""} />);
  const kept: Node[][] = [];
  for (const step of steps) {
    rerender(<GrowingText text={step} />);
    kept.push([...container.querySelectorAll(".chunk")].map((chunk) => chunk.firstChild ?? chunk));
  }
  return { text: container.textContent, chunks: kept };
}

function growing(text: string, by: number): string[] {
  return Array.from({ length: Math.ceil(text.length / by) }, (_, index) => text.slice(0, (index + 1) * by));
}

it.each([
  ["lines", "A line of some length.\n\n".repeat(900), 37],
  ["one endless line", "word ".repeat(5_000), 41],
  ["no space at all", "x".repeat(30_000), 997],
  ["spaces that matter", "  indented\n\t\tmore  \n".repeat(400), 13],
])("shows every character of a text with %s", (_, text, by) => {
  expect(grown(growing(text, by)).text).toBe(text);
});

it("never changes DOM nodes that it has written", () => {
  const { chunks } = grown(growing("A line of some length.\n".repeat(900), 500));
  const last = chunks.at(-1) ?? [];
  expect(last.length).toBeGreaterThan(5);
  for (const earlier of chunks) {
    expect(earlier.every((node, index) => last[index] === node)).toBe(true);
  }
});

it("keeps every chunk short enough for fast layout", () => {
  const { chunks } = grown(growing("word ".repeat(20_000), 400));
  for (const node of chunks.at(-1) ?? []) expect(node.textContent?.length).toBeLessThan(7_000);
});

it("rewrites a text that was replaced", () => {
  expect(grown(["first text", "second"]).text).toBe("second");
});

it("shows hidden characters, even across chunk boundaries", () => {
  expect(grown(["a\u202e", "a\u202eb\u200b"]).text).toBe("a⟨U+202E⟩b⟨U+200B⟩");
  expect(grown(["👩", "👩\u200d", "👩\u200d👧"]).text).toBe("👩\u200d👧");
});

it.each([1, 2, 3, 7, 1_000])("sets paragraphs apart as Markdown does, however the text arrives: %i letters at a time", (by) => {
  const { container, rerender } = render(<GrowingText text="" />);
  for (const step of growing("One.\nStill one.\n\nTwo.\n\n\n\nThree.\n\n", by)) rerender(<GrowingText text={step} />);
  const pieces = [...container.querySelectorAll<HTMLElement>(".chunk")];
  expect(pieces.map((piece) => piece.textContent)).toEqual(["One.\nStill one.\n\n", "Two.\n\n\n\n", "Three.\n\n"]);
  expect(pieces.map((piece) => piece.style.getPropertyValue("--blank-lines"))).toEqual(["1", "3", ""]);
});
