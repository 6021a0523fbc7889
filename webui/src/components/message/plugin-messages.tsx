import type { AnswerBlock, ReasoningBlock } from "@/events/types.gen";

import { Answer } from "./assistant-message";
import { Thought } from "./thought";

/** A plugin's message or thought, and the run it followed. */
export interface ShownPluginMessage {
  readonly after: string | null;
  readonly block: AnswerBlock | ReasoningBlock;
}

export interface PluginMessagesProps {
  readonly pluginMessages: readonly ShownPluginMessage[];
  /** The run they follow; null: before all runs. */
  readonly after: string | null;
}

/** Messages that plugins sent after a run. They answer no user message, so they are read-only. */
export function PluginMessages({ pluginMessages, after }: PluginMessagesProps) {
  const shown = pluginMessages.filter((pluginMessage) => pluginMessage.after === after);
  if (shown.length === 0) return null;
  return (
    <article aria-label="Message from a plugin" className="space-y-3 pb-9">
      {shown.map(({ block }) =>
        block.type === "reasoning" ? (
          <Thought key={block.segment_id} block={block} runStatus={block.status === "open" ? "running" : "completed"} isOnlyContent={shown.length === 1} />
        ) : (
          <Answer key={block.segment_id} block={block} />
        ),
      )}
    </article>
  );
}
