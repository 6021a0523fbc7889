import { ChevronRight } from "lucide-react";
import { memo, useEffect, useId, useRef } from "react";

import { beginning, ending } from "@/events/text-slices";
import type { ReasoningBlock, RunView } from "@/events/types.gen";

import { formatDuration, useElapsed } from "./duration";
import { GrowingText } from "@/components/markdown/growing-text";
import { type ThinkingChoice, useViewOptions, useToggle } from "@/components/view-options";
import { SettledText } from "@/components/markdown/settled-text";
import { cx } from "@/components/ui/cx";
import { visible } from "./sanitize";

export interface ThoughtProps {
  readonly block: ReasoningBlock;
  readonly runStatus: RunView["status"];
  /** Whether the run ended with thinking only; then the thought stays open. */
  readonly isOnlyContent: boolean;
}

/** One thought: open while it streams, collapsed when the answer begins. */
export const Thought = memo(function Thought({ block, runStatus, isOnlyContent }: ThoughtProps) {
  const { thinking } = useViewOptions();
  const live = block.status === "open" && runStatus === "running";
  const [open, setOpen] = useToggle(block.segment_id, isOpenByDefault(thinking, live, isOnlyContent));
  const body = useId();
  useStayOpenWhileReading(live, open, setOpen);
  return (
    <section aria-label="Thinking" className="text-soft">
      <button
        type="button"
        aria-expanded={open}
        aria-controls={body}
        className="group -ml-1.5 inline-flex min-h-8 max-w-full items-center gap-1.5 rounded-md px-1.5 text-start text-sm hover:text-ink"
        onClick={() => setOpen(!open)}
      >
        <ChevronRight size={15} aria-hidden className={cx("shrink-0 text-faint transition-transform duration-150", open && "rotate-90")} />
        {live ? <LiveHeading sinceMs={block.started_at_ms} /> : <span>{settledHeading(block, runStatus)}</span>}
        {isRedacted(block) ? (
          <span className="shrink-0 rounded border border-line px-1.5 text-xs text-faint" title="The server's policy removed secrets from this text">
            Redacted
          </span>
        ) : null}
      </button>
      <div id={body} className={cx(open && "pb-2.5")}>
        {open ? <Body block={block} live={live} /> : thinking === "preview" ? <Preview block={block} live={live} /> : null}
      </div>
    </section>
  );
});

function isOpenByDefault(choice: ThinkingChoice, live: boolean, isOnlyContent: boolean): boolean {
  switch (choice) {
    case "auto":
      return live || isOnlyContent;
    case "open":
      return true;
    case "preview":
    case "closed":
      return false;
    default: {
      const never: never = choice;
      return never;
    }
  }
}

/** Keeps a thought open if the user has scrolled up to read it. */
function useStayOpenWhileReading(live: boolean, open: boolean, setOpen: (open: boolean) => void): void {
  const { isFollowing } = useViewOptions();
  const was = useRef({ live, open });
  useEffect(() => {
    const settledWhileRead = was.current.live && !live && was.current.open && !open && !isFollowing();
    was.current = { live, open };
    if (settledWhileRead) setOpen(true);
  }, [live, open, isFollowing, setOpen]);
}

function LiveHeading({ sinceMs }: { readonly sinceMs: number }) {
  const { serverNow } = useViewOptions();
  const elapsed = useElapsed(sinceMs, serverNow);
  return (
    <>
      <span className="shimmer font-medium">Thinking…</span>
      {elapsed >= 1000 ? (
        <span className="text-faint tabular-nums" aria-hidden>
          {formatDuration(Math.floor(elapsed / 1000) * 1000)}
        </span>
      ) : null}
    </>
  );
}

const REDACTED = /\[redacted:[a-z][a-z0-9_-]{0,39}\]/u;

/** Whether the server replaced secrets in the text by markers. */
function isRedacted(block: ReasoningBlock): boolean {
  return block.parts.some((part) => REDACTED.test(part));
}

export function settledHeading(block: ReasoningBlock, runStatus: RunView["status"]): string {
  const time = block.duration_ms === null ? "" : formatDuration(block.duration_ms);
  if (block.status === "closed") return time ? `Thought for ${time}` : "Thought";
  const words = runStatus === "stopped" ? "Stopped while thinking" : "Thinking was cut off";
  return time ? `${words}, after ${time}` : words;
}

function Body({ block, live }: { readonly block: ReasoningBlock; readonly live: boolean }) {
  return (
    <div className="thought unfold mt-1.5 ml-[0.4rem] space-y-6 border-l-2 border-line pl-4 text-[0.92rem] leading-[1.6]">
      {block.parts.map((part, index) =>
        // oxlint-disable-next-line react/no-array-index-key -- the parts of a segment are numbered
        live ? <GrowingText key={index} text={part} /> : <SettledText key={index} text={part} />,
      )}
    </div>
  );
}

const PREVIEW_LENGTH = 320;

function Preview({ block, live }: { readonly block: ReasoningBlock; readonly live: boolean }) {
  const text = live ? (block.parts.at(-1) ?? "") : block.parts.join("\n\n");
  const shown = live ? ending(text, PREVIEW_LENGTH * 2) : beginning(text, PREVIEW_LENGTH);
  return (
    <div aria-hidden className={cx("preview mt-0.5 ml-[0.4rem] border-l-2 border-line pl-4 text-[0.88rem] leading-normal", live ? "preview-live" : "preview-settled")}>
      <p className="whitespace-pre-line [unicode-bidi:plaintext]">{visible(withoutMarks(shown))}</p>
    </div>
  );
}

/** Strips the most common Markdown markers for the preview. */
function withoutMarks(text: string): string {
  return text.replace(/\*\*|__|^#{1,6} /gm, "").replace(/\n{2,}/g, "\n").trim();
}
