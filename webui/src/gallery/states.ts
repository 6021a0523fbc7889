/** Every state with a screenshot, each from a golden session. */

import type { ThinkingChoice } from "@/components/view-options";

export interface GalleryState {
  readonly name: string;
  /** The golden session. */
  readonly session: string;
  /** How many of its events have arrived; default: all. */
  readonly events?: number;
  readonly thinking?: ThinkingChoice;
  /** Expanded by hand, regardless of the preference. */
  readonly opened?: readonly string[];
  readonly connection?: "waiting" | "offline";
}

export const STATES: readonly GalleryState[] = [
  { name: "Waiting for the model", session: "thought-then-answer", events: 2 },
  { name: "Thinking", session: "thinking-live" },
  { name: "Thinking, preview", session: "thinking-live", thinking: "preview" },
  { name: "Thinking, always closed", session: "thinking-live", thinking: "closed" },
  { name: "Thought collapsed, answer", session: "thought-then-answer" },
  { name: "Answering", session: "thought-then-answer", events: 56 },
  { name: "Thought, preview", session: "thought-then-answer", events: 42, thinking: "preview" },
  { name: "Thought, opened by hand", session: "several-parts", opened: ["1:r1"] },
  { name: "Tool running", session: "tools-with-thought-between", events: 9 },
  { name: "Tools, with thought between", session: "tools-with-thought-between", opened: ["tool:call_1:1", "tool:call_2:1"] },
  { name: "Reasoning after the answer", session: "reasoning-after-answer" },
  { name: "Failed while thinking", session: "failed-while-thinking" },
  { name: "Cut off while answering", session: "cut-while-answering" },
  { name: "Stopped while thinking", session: "stopped" },
  { name: "Step limit", session: "max-iterations" },
  { name: "Only thinking", session: "only-thought" },
  { name: "Hidden by the provider", session: "hidden-by-provider" },
  { name: "Notice and retry", session: "notice-and-retry" },
  { name: "Two runs, reconnecting", session: "two-runs", connection: "waiting" },
  { name: "Offline", session: "answer-only", connection: "offline" },
  { name: "Attached files", session: "attachments" },
  { name: "Hostile text", session: "hostile-text", opened: ["1:r1"] },
  { name: "Every script", session: "unicode", opened: ["1:r1"] },
];
