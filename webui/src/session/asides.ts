/** Messages that plugins send to a conversation. They aren't in the log and arrive only once, live. */

import type { AsideEvent } from "@/events/decode";
import type { AnswerBlock, ReasoningBlock } from "@/events/types.gen";

/** A message or thought, placed after the run that was last when it arrived; null: before all runs. */
export interface Aside {
  readonly after: string | null;
  readonly block: AnswerBlock | ReasoningBlock;
}

/** Older messages are dropped: they are shown live and not recorded. */
const MOST_ASIDES = 200;
const MOST_CHARS = 1_000_000;

let count = 0;

export function withAside(asides: readonly Aside[], event: AsideEvent, after: string | null, atMs: number): readonly Aside[] {
  switch (event.type) {
    case "message":
      return added(asides, { after, block: answer("", event.text, "closed") });
    case "thought":
      return added(asides, { after, block: reasoning("", event.text, "closed", atMs) });
    case "answer.delta":
    case "reasoning.delta": {
      const index = openOf(asides, event.type === "answer.delta" ? "answer" : "reasoning", event.stream);
      const open = asides[index];
      if (open) return asides.with(index, { ...open, block: longer(open.block, event.text) });
      const block = event.type === "answer.delta" ? answer(event.stream, event.text, "open") : reasoning(event.stream, event.text, "open", atMs);
      return added(asides, { after, block });
    }
    case "answer.ended":
    case "reasoning.ended": {
      const index = openOf(asides, event.type === "answer.ended" ? "answer" : "reasoning", event.stream);
      const open = asides[index];
      return open ? asides.with(index, { ...open, block: closed(open.block, event.interrupted, event.durationMs) }) : asides;
    }
    default: {
      const never: never = event;
      return never;
    }
  }
}

/** Mark open messages as interrupted when the connection is lost. */
export function cutShort(asides: readonly Aside[]): readonly Aside[] {
  if (asides.every(({ block }) => block.status !== "open")) return asides;
  return asides.map((aside) => (aside.block.status === "open" ? { ...aside, block: closed(aside.block, true, null) } : aside));
}

function added(asides: readonly Aside[], aside: Aside): readonly Aside[] {
  return [...asides.slice(-(MOST_ASIDES - 1)), aside];
}

function openOf(asides: readonly Aside[], type: Aside["block"]["type"], stream: string): number {
  return asides.findLastIndex(({ block }) => block.type === type && block.status === "open" && (stream === "" || block.segment_id.endsWith(`:${stream}`)));
}

/** Stream ids may repeat, so each block gets a unique id. */
function segment(stream: string): string {
  count += 1;
  return `aside-${count}:${stream}`;
}

function answer(stream: string, text: string, status: "open" | "closed"): AnswerBlock {
  return { type: "answer", segment_id: segment(stream), iteration: 0, text: text.slice(0, MOST_CHARS), status };
}

function reasoning(stream: string, text: string, status: "open" | "closed", atMs: number): ReasoningBlock {
  return { type: "reasoning", segment_id: segment(stream), iteration: 0, parts: [text.slice(0, MOST_CHARS)], status, started_at_ms: atMs, duration_ms: null };
}

function longer(block: Aside["block"], text: string): Aside["block"] {
  if (block.type === "answer") return { ...block, text: (block.text + text).slice(0, MOST_CHARS) };
  return { ...block, parts: [((block.parts[0] ?? "") + text).slice(0, MOST_CHARS)] };
}

function closed(block: Aside["block"], interrupted: boolean, durationMs: number | null): Aside["block"] {
  const status = interrupted ? "interrupted" : "closed";
  return block.type === "answer" ? { ...block, status } : { ...block, status, duration_ms: durationMs };
}
