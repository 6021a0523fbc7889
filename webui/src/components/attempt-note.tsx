import { CircleAlert, Eye, RotateCcw } from "lucide-react";

import type { RunView } from "@/events/types.gen";

import { hintFor } from "./errors-in-words";
import { Button } from "./ui/button";
import { visible } from "./visible";

export interface AttemptNoteProps {
  /** A replacement that ended without any answer. */
  readonly attempt: RunView;
  readonly onRetry?: (() => void) | undefined;
  /** Show it, as far as it came. */
  readonly onShow?: (() => void) | undefined;
}

/** Under an answer that stays, because the one that was to replace it came to nothing. */
export function AttemptNote({ attempt, onRetry, onShow }: AttemptNoteProps) {
  return (
    <div role="note" className="flex gap-3 rounded-xl bg-danger-soft px-4 py-3 text-sm text-danger">
      <CircleAlert size={17} className="mt-0.5 shrink-0" aria-hidden />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{inWords(attempt)}</p>
        <p className="mt-0.5 text-ink">{attempt.error ? hintFor(attempt.error) : null} Nothing was lost: the version above stays.</p>
        <div className="mt-2.5 flex flex-wrap gap-2">
          {onRetry ? (
            <Button onClick={onRetry}>
              <RotateCcw size={15} aria-hidden /> Try again
            </Button>
          ) : null}
          {onShow ? (
            <Button onClick={onShow}>
              <Eye size={15} aria-hidden /> Show the attempt
            </Button>
          ) : null}
        </div>
      </div>
    </div>
  );
}

function inWords(attempt: RunView): string {
  if (attempt.error) return `The new version failed: ${visible(attempt.error.message)}`;
  return attempt.status === "stopped" ? "You stopped the new version before it answered." : "The new version has no answer.";
}
