/** The text of a run, for the clipboard. */

import type { AnswerBlock, ReasoningBlock, RunView } from "@/events/types.gen";

export function answerOf(run: RunView): string {
  return run.blocks
    .filter((block): block is AnswerBlock => block.type === "answer")
    .map((block) => block.text)
    .join("");
}

export function thoughtOf(run: RunView): string {
  return run.blocks
    .filter((block): block is ReasoningBlock => block.type === "reasoning")
    .map((block) => block.parts.join("\n\n"))
    .join("\n\n");
}

/** The thinking as a Markdown quote, followed by the answer. */
export function answerWithThinking(run: RunView): string {
  const thought = thoughtOf(run);
  if (thought === "") return answerOf(run);
  const quoted = thought
    .split("\n")
    .map((line) => `> ${line}`.trimEnd())
    .join("\n");
  return `> Thinking:\n>\n${quoted}\n\n${answerOf(run)}`;
}
