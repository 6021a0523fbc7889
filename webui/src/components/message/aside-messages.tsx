import type { AnswerBlock, ReasoningBlock } from "@/events/types.gen";

import { Answer } from "./assistant-message";
import { Thought } from "./thought";

/** A message or a thought of a plugin, and the run after which it came. */
export interface ShownAside {
  readonly after: string | null;
  readonly block: AnswerBlock | ReasoningBlock;
}

export interface AsideMessagesProps {
  readonly asides: readonly ShownAside[];
  /** The run that they follow; null: they came before all runs. */
  readonly after: string | null;
}

/** What plugins sent after a run: no answer to a message of the user, so nothing can be done with it but to read it. */
export function AsideMessages({ asides, after }: AsideMessagesProps) {
  const shown = asides.filter((aside) => aside.after === after);
  if (shown.length === 0) return null;
  return (
    <article aria-label="Message from a plugin" className="space-y-3 pb-9">
      {shown.map(({ block }) =>
        block.type === "reasoning" ? (
          <Thought key={block.segment_id} block={block} runStatus={block.status === "open" ? "running" : "completed"} isAllThereIs={shown.length === 1} />
        ) : (
          <Answer key={block.segment_id} block={block} />
        ),
      )}
    </article>
  );
}
