/** Messages that plugins send to a conversation. They aren't in the log and arrive only once, live. */

import type { PluginEvent } from "@/events/decode";
import type { AnswerBlock, ReasoningBlock } from "@/events/types.gen";

/** A message or thought, placed after the run that was last when it arrived; null: before all runs. */
export interface PluginMessage {
  readonly after: string | null;
  readonly block: AnswerBlock | ReasoningBlock;
}

/** Older messages are dropped: they are shown live and not recorded. */
const MAX_MESSAGES = 200;
const MAX_CHARS = 1_000_000;

let count = 0;

export function withPluginMessage(pluginMessages: readonly PluginMessage[], event: PluginEvent, after: string | null, atMs: number): readonly PluginMessage[] {
  switch (event.type) {
    case "message":
      return added(pluginMessages, { after, block: answer("", event.text, "closed") });
    case "thought":
      return added(pluginMessages, { after, block: reasoning("", event.text, "closed", atMs) });
    case "answer.delta":
    case "reasoning.delta": {
      const index = openOf(pluginMessages, event.type === "answer.delta" ? "answer" : "reasoning", event.stream);
      const open = pluginMessages[index];
      if (open) return pluginMessages.with(index, { ...open, block: longer(open.block, event.text) });
      const block = event.type === "answer.delta" ? answer(event.stream, event.text, "open") : reasoning(event.stream, event.text, "open", atMs);
      return added(pluginMessages, { after, block });
    }
    case "answer.ended":
    case "reasoning.ended": {
      const index = openOf(pluginMessages, event.type === "answer.ended" ? "answer" : "reasoning", event.stream);
      const open = pluginMessages[index];
      return open ? pluginMessages.with(index, { ...open, block: closed(open.block, event.interrupted, event.durationMs) }) : pluginMessages;
    }
    default: {
      const never: never = event;
      return never;
    }
  }
}

/** Mark open messages as interrupted when the connection is lost. */
export function interruptOpen(pluginMessages: readonly PluginMessage[]): readonly PluginMessage[] {
  if (pluginMessages.every(({ block }) => block.status !== "open")) return pluginMessages;
  return pluginMessages.map((pluginMessage) => (pluginMessage.block.status === "open" ? { ...pluginMessage, block: closed(pluginMessage.block, true, null) } : pluginMessage));
}

function added(pluginMessages: readonly PluginMessage[], pluginMessage: PluginMessage): readonly PluginMessage[] {
  return [...pluginMessages.slice(-(MAX_MESSAGES - 1)), pluginMessage];
}

function openOf(pluginMessages: readonly PluginMessage[], type: PluginMessage["block"]["type"], stream: string): number {
  return pluginMessages.findLastIndex(({ block }) => block.type === type && block.status === "open" && (stream === "" || block.segment_id.endsWith(`:${stream}`)));
}

/** Stream ids may repeat, so each block gets a unique id. */
function segment(stream: string): string {
  count += 1;
  return `aside-${count}:${stream}`;
}

function answer(stream: string, text: string, status: "open" | "closed"): AnswerBlock {
  return { type: "answer", segment_id: segment(stream), iteration: 0, text: text.slice(0, MAX_CHARS), status };
}

function reasoning(stream: string, text: string, status: "open" | "closed", atMs: number): ReasoningBlock {
  return { type: "reasoning", segment_id: segment(stream), iteration: 0, parts: [text.slice(0, MAX_CHARS)], status, started_at_ms: atMs, duration_ms: null };
}

function longer(block: PluginMessage["block"], text: string): PluginMessage["block"] {
  if (block.type === "answer") return { ...block, text: (block.text + text).slice(0, MAX_CHARS) };
  return { ...block, parts: [((block.parts[0] ?? "") + text).slice(0, MAX_CHARS)] };
}

function closed(block: PluginMessage["block"], interrupted: boolean, durationMs: number | null): PluginMessage["block"] {
  const status = interrupted ? "interrupted" : "closed";
  return block.type === "answer" ? { ...block, status } : { ...block, status, duration_ms: durationMs };
}
