import { render } from "@testing-library/react";
import { beforeAll, expect, it } from "vitest";

import { SettledText } from "./settled-text";
import { lastRun } from "@/components/test-render";

const words = (page: Element) => page.textContent.replaceAll(/\s+/g, "");

beforeAll(() => import("./rendered-markdown"));

it("renders long reasoning incrementally, with all text visible from the start", async () => {
  const thought = lastRun("long-thought").blocks[0];
  const text = thought?.type === "reasoning" ? (thought.parts[0] ?? "") : "";
  const { container } = render(<SettledText text={text} />);
  expect(words(container)).toBe(text.replaceAll(/\s+/g, ""));
  await expect.poll(() => container.querySelectorAll(".chunk").length, { timeout: 10_000 }).toBe(0);
  expect(container.querySelectorAll(".markdown").length).toBeGreaterThan(30);
  expect(words(container)).toBe(text.replaceAll(/\s+/g, ""));
});

it("does not cut fenced code in two", () => {
  const code = `\`\`\`text\n${"a line\n\n".repeat(600)}\`\`\`\n\n`;
  const { container } = render(<SettledText text={`before\n\n${code}after`} />);
  expect(container.textContent).not.toContain("```");
  expect(container.querySelectorAll("pre")).toHaveLength(1);
});
