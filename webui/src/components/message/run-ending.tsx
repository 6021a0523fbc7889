import { CircleAlert, CircleStop, Info, RotateCcw, StepForward } from "lucide-react";
import type { ReactNode } from "react";

import type { RunView } from "@/events/types.gen";

import { formatCount } from "./duration";
import { hintFor } from "./error-hints";
import { answerOf } from "./run-texts";
import { Button } from "@/components/ui/button";
import { cx } from "@/components/ui/cx";
import { visible } from "./sanitize";

export interface RunEndingProps {
  readonly run: RunView;
  /** Sends the same message again. Absent unless it is the last run. */
  readonly onRetry?: (() => void) | undefined;
  /** Asks the model to continue. */
  readonly onContinue?: (() => void) | undefined;
}

/** How a run ended, if not with a plain answer. */
export function RunEnding({ run, onRetry, onContinue }: RunEndingProps) {
  const retry = onRetry ? (
    <Button onClick={onRetry}>
      <RotateCcw size={15} aria-hidden /> Try again
    </Button>
  ) : null;
  const continueButton = onContinue ? (
    <Button onClick={onContinue}>
      <StepForward size={15} aria-hidden /> Continue
    </Button>
  ) : null;
  switch (run.status) {
    case "running":
    case "waiting":
      return null;
    case "completed":
      return run.outcome ? (
        <Note tone="warn" icon={<Info size={17} aria-hidden />} title={OUTCOMES[run.outcome.code]} actions={continueButton}>
          {visible(run.outcome.message)}
          {run.outcome.reasoning_tokens ? ` (${formatCount(run.outcome.reasoning_tokens, "token")} of thinking.)` : ""}
        </Note>
      ) : null;
    case "stopped":
      return (
        <p className="flex items-center gap-2 text-sm text-faint">
          <CircleStop size={15} aria-hidden /> You stopped this answer.
        </p>
      );
    case "max_iterations":
      return (
        <Note tone="warn" icon={<Info size={17} aria-hidden />} title="Step limit reached" actions={continueButton}>
          The model called tools {formatCount(run.max_iterations, "time", "times")} in a row without answering. It can continue from here.
        </Note>
      );
    case "failed":
      return run.error ? (
        <Note tone="danger" icon={<CircleAlert size={17} aria-hidden />} title={visible(run.error.message)} actions={canContinue(run) ? <>{retry} {continueButton}</> : retry}>
          {hintFor(run.error)}
        </Note>
      ) : null;
    default: {
      const never: never = run.status;
      return never;
    }
  }
}

/** Whether a partial answer can be continued: only after a server restart. */
function canContinue(run: RunView): boolean {
  return run.error?.code === "interrupted" && answerOf(run) !== "";
}

const OUTCOMES: Readonly<Record<NonNullable<RunView["outcome"]>["code"], string>> = {
  output_limit: "The answer reached the output limit",
  output_limit_in_reasoning: "The model used all of its output for thinking",
  empty_answer: "The model didn't answer",
};

interface NoteProps {
  readonly tone: "warn" | "danger";
  readonly icon: ReactNode;
  readonly title: string;
  readonly actions: ReactNode;
  readonly children: ReactNode;
}

function Note({ tone, icon, title, actions, children }: NoteProps) {
  const colors = { warn: "bg-warn-soft text-warn", danger: "bg-danger-soft text-danger" };
  return (
    <div role="note" className={cx("flex gap-3 rounded-xl px-4 py-3 text-sm", colors[tone])}>
      <span className="mt-0.5 shrink-0">{icon}</span>
      <div className="min-w-0 flex-1">
        <p className="font-medium">{title}</p>
        <p className="mt-0.5 text-ink">{children}</p>
        {actions ? <div className="mt-2.5">{actions}</div> : null}
      </div>
    </div>
  );
}
