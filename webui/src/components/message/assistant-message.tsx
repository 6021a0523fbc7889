import { Info } from "lucide-react";
import { Fragment, memo, useDeferredValue, useRef } from "react";

import type { AnswerBlock, Block, NoticeBlock, RunView } from "@/events/types.gen";

import { formatCount, formatDuration, useElapsed } from "./duration";
import { usePreservedSelection } from "@/components/preserved-selection";
import { Markdown } from "@/components/markdown/markdown";
import { ErrorBoundary } from "@/components/markdown/error-boundary";
import { PlainText } from "@/components/markdown/plain-text";
import { useViewOptions } from "@/components/view-options";
import { QuestionCard } from "@/components/approval/question-card";
import { RunEnding } from "./run-ending";
import { RunFooter } from "./run-footer";
import { answerOf } from "./run-texts";
import { Thought } from "./thought";
import { ToolCall } from "./tool-call";
import { visible } from "./sanitize";

export interface AssistantMessageProps {
  readonly run: RunView;
  readonly onRetry?: (() => void) | undefined;
  readonly onContinue?: (() => void) | undefined;
  readonly onRegenerate?: (() => void) | undefined;
  readonly onBranch?: (() => void) | undefined;
}

/** The output of a run in order of arrival: thinking, tools and answer. */
export function AssistantMessage({ run, onRetry, onContinue, onRegenerate, onBranch }: AssistantMessageProps) {
  const running = run.status === "running" || run.status === "waiting";
  return (
    <div className="space-y-3" aria-busy={running}>
      <span className="sr-only">The model said: </span>
      <HiddenThinking run={run} />
      {withNoticesTogether(run.blocks).map((block, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- blocks are only ever added at the end
        <Fragment key={index}>
          {Array.isArray(block) ? (
            <Notices notices={block} />
          ) : (
            <ErrorBoundary fallback={<PlainText text={textOf(block)} />}>
              <BlockView block={block} run={run} />
            </ErrorBoundary>
          )}
        </Fragment>
      ))}
      {isWaiting(run) ? <Waiting run={run} /> : null}
      <RunEnding run={run} onRetry={onRetry} onContinue={onContinue} />
      {running ? null : <RunFooter run={run} onRegenerate={run.status === "failed" && onRetry ? undefined : onRegenerate} onBranch={onBranch} />}
    </div>
  );
}

/** Any block except a notice. */
type Content = Exclude<Block, NoticeBlock>;

/** The text of a block, as a fallback if it can't be rendered. */
function textOf(block: Content): string {
  switch (block.type) {
    case "reasoning":
      return block.parts.join("\n\n");
    case "answer":
      return block.text;
    case "tool":
      return `${block.name}\n${block.arguments}\n${block.result}`;
    case "question":
      return block.message;
    default: {
      const never: never = block;
      return never;
    }
  }
}

function BlockView({ block, run }: { readonly block: Content; readonly run: RunView }) {
  switch (block.type) {
    case "reasoning":
      return <Thought block={block} runStatus={run.status} isOnlyContent={run.status !== "running" && run.status !== "waiting" && answerOf(run) === ""} />;
    case "answer":
      return <Answer block={block} />;
    case "tool":
      return <ToolCall block={block} />;
    case "question":
      return <QuestionCard block={block} runId={run.run_id} />;
    default: {
      const never: never = block;
      return never;
    }
  }
}

/** Group consecutive notices, such as those of retries. */
function withNoticesTogether(blocks: readonly Block[]): (Content | NoticeBlock[])[] {
  const found: (Content | NoticeBlock[])[] = [];
  for (const block of blocks) {
    const last = found.at(-1);
    if (block.type !== "notice") found.push(block);
    else if (Array.isArray(last)) last.push(block);
    else found.push([block]);
  }
  return found;
}

function Notices({ notices }: { readonly notices: readonly NoticeBlock[] }) {
  return (
    <ul aria-label="Notices" className="space-y-1 text-sm text-faint">
      {notices.map((notice, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- notices are only ever added at the end
        <li key={index} className="flex items-start gap-2">
          <Info size={15} className="mt-0.75 shrink-0" aria-hidden />
          {visible(notice.message)}
        </li>
      ))}
    </ul>
  );
}

export const Answer = memo(function Answer({ block }: { readonly block: AnswerBlock }) {
  const growing = block.status === "open";
  // A long answer may lag some frames behind its text, and starts one frame after its thought collapses, so that the
  // page stays responsive.
  const text = useDeferredValue(block.text, growing ? "" : block.text);
  const root = useRef<HTMLDivElement>(null);
  usePreservedSelection(root, growing);
  return (
    <div ref={root}>
      <Markdown text={text} growing={growing || text !== block.text} />
    </div>
  );
});

/** Tells the user that thinking is hidden, and by whom. */
function HiddenThinking({ run }: { readonly run: RunView }) {
  const tokens = run.usage?.reasoning_tokens ?? 0;
  const byProvider = run.reasoning_status === "hidden_by_provider";
  const byPolicy = run.reasoning_status === "hidden_by_policy";
  if (!byProvider && !byPolicy && (tokens === 0 || run.blocks.some((block) => block.type === "reasoning"))) return null;
  const shown = byPolicy ? "Thinking is hidden by this server's policy" : "This server doesn't show the model's thinking";
  const words = byProvider ? "This model doesn't show its thinking" : shown;
  return <p className="text-sm text-faint">{`${words}${tokens > 0 ? ` (${formatCount(tokens, "token")})` : ""}.`}</p>;
}

/** Whether the run is active but nothing is streaming. */
function isWaiting(run: RunView): boolean {
  if (run.status !== "running") return false;
  const last = run.blocks.at(-1);
  if (!last || last.type === "notice") return true;
  if (last.type === "question") return last.action !== null;
  return last.type === "tool" ? last.status !== "running" : last.status !== "open";
}

function Waiting({ run }: { readonly run: RunView }) {
  const { serverNow } = useViewOptions();
  const elapsed = useElapsed(run.started_at_ms, serverNow);
  return (
    <p className="flex min-h-8 items-center gap-2.5 text-sm text-faint">
      <span className="pulse size-2 rounded-full bg-accent" aria-hidden />
      {run.blocks.length === 0 ? "Waiting for the model" : "Working"}
      {elapsed >= 3000 ? (
        <span className="tabular-nums" aria-hidden>
          {formatDuration(Math.floor(elapsed / 1000) * 1000)}
        </span>
      ) : null}
    </p>
  );
}
