import { CircleAlert, Eye, RotateCcw } from "lucide-react";

import type { RunView } from "@/events/types.gen";

import { hintFor } from "./error-hints";
import { Button } from "@/components/ui/button";
import { cx } from "@/components/ui/cx";
import { visible } from "./sanitize";

export interface AttemptNoteProps {
  /** A new version that ended without an answer. */
  readonly attempt: RunView;
  /** Whether its message differs from the one shown. */
  readonly edited: boolean;
  readonly onRetry?: (() => void) | undefined;
  /** Shows what it produced. */
  readonly onShow?: (() => void) | undefined;
}

/** Shown below an answer whose replacement failed. */
export function AttemptNote({ attempt, edited, onRetry, onShow }: AttemptNoteProps) {
  return (
    <div role="note" className={cx("flex gap-3 rounded-xl px-4 py-3 text-sm", attempt.error ? "bg-danger-soft text-danger" : "bg-sunken text-ink")}>
      <CircleAlert size={17} className="mt-0.5 shrink-0" aria-hidden />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{attemptText(attempt)}</p>
        {edited ? <p className="mt-0.5 line-clamp-3 whitespace-pre-wrap text-ink [overflow-wrap:anywhere]">“{visible(attempt.input.text)}”</p> : null}
        <p className="mt-0.5 text-ink">{attempt.error ? hintFor(attempt.error) : null} Nothing was lost: the version above is unchanged.</p>
        <div className="mt-2.5 flex flex-wrap gap-2">
          {onRetry ? (
            <Button onClick={onRetry}>
              <RotateCcw size={15} aria-hidden /> Try again
            </Button>
          ) : null}
          {onShow ? (
            <Button onClick={onShow}>
              <Eye size={15} aria-hidden /> Show attempt
            </Button>
          ) : null}
        </div>
      </div>
    </div>
  );
}

export function attemptText(attempt: RunView): string {
  if (attempt.error) return `The new version failed: ${visible(attempt.error.message)}`;
  return attempt.status === "stopped" ? "You stopped the new version before it answered." : "The new version has no answer.";
}
