import { Copy, Ellipsis, GitBranch, RefreshCw, ScrollText } from "lucide-react";

import type { RunView } from "@/events/types.gen";

import { copyText, CopyButton } from "@/components/copy-button";
import { formatCount, formatDuration } from "./duration";
import { answerOf, answerWithThinking, thoughtOf } from "./run-texts";
import { IconButton } from "@/components/ui/button";
import { Menu, MenuItem } from "@/components/ui/menu";
import { visible } from "./sanitize";

export interface RunFooterProps {
  readonly run: RunView;
  /** Regenerates the answer. Absent if the server doesn't support it. */
  readonly onRegenerate?: (() => void) | undefined;
  /** Branches into a new conversation. Absent if the server doesn't support it. */
  readonly onBranch?: (() => void) | undefined;
}

/** Actions and statistics below an answer. */
export function RunFooter({ run, onRegenerate, onBranch }: RunFooterProps) {
  return (
    <div className="-ml-2 flex flex-wrap items-center gap-x-1 text-xs text-faint">
      {answerOf(run) === "" ? null : <CopyButton label="Copy answer" text={() => answerOf(run)} className="size-8" />}
      {thoughtOf(run) === "" ? null : (
        <Menu
          trigger={
            <IconButton label="More copy options" className="size-8">
              <Ellipsis size={16} aria-hidden />
            </IconButton>
          }
        >
          <MenuItem icon={<Copy size={16} aria-hidden />} onSelect={() => void copyText(answerWithThinking(run))}>
            Copy answer and thinking
          </MenuItem>
          <MenuItem icon={<ScrollText size={16} aria-hidden />} onSelect={() => void copyText(thoughtOf(run))}>
            Copy thinking only
          </MenuItem>
        </Menu>
      )}
      {onRegenerate ? (
        <IconButton label="Regenerate" className="size-8" onClick={onRegenerate}>
          <RefreshCw size={15} aria-hidden />
        </IconButton>
      ) : null}
      {onBranch ? (
        <IconButton label="Branch from here" className="size-8" onClick={onBranch}>
          <GitBranch size={15} aria-hidden />
        </IconButton>
      ) : null}
      <p className="px-2">{facts(run).join(" · ")}</p>
    </div>
  );
}

function facts(run: RunView): string[] {
  const found = [visible(run.model)];
  if (run.reasoning_effort !== null) found.push(`effort ${run.reasoning_effort}`);
  if (run.usage?.output_tokens) {
    const about = run.usage.estimated ? "about " : "";
    const thinking = run.usage.reasoning_tokens ? ` (${formatCount(run.usage.reasoning_tokens, "", "").trim()} thinking)` : "";
    found.push(`${about}${formatCount(run.usage.output_tokens, "token")}${thinking}`);
  }
  if (run.timing) found.push(run.timing.total_ms < 500 ? "<1 s" : formatDuration(run.timing.total_ms));
  return found;
}
