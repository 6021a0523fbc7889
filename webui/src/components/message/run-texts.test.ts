import { expect, it } from "vitest";

import { answerOf, answerWithThinking, thoughtOf } from "./run-texts";
import { lastRun } from "@/components/test-render";

it("copies the answer without the thinking", () => {
  const run = lastRun("reasoning-after-answer");
  expect(answerOf(run)).toBe("At least 52.\n\n52 or 53.");
  expect(thoughtOf(run)).toBe("Wait, the remainder matters.");
});

it("copies both, with the thinking as a quotation", () => {
  expect(answerWithThinking(lastRun("several-parts"))).toBe(
    "> Thinking:\n>\n> **Counting the days**\n>\n> A leap year has 366 days.\n>\n> **Dividing by seven**\n>\n> That is 52 weeks and 2 days.\n>\n> **Placing the rest**\n>\n> The first two days decide.\n\n52 or 53.",
  );
});

it("copies an answer without thinking as it is", () => {
  expect(answerWithThinking(lastRun("answer-only"))).toBe("52 or 53.");
});
