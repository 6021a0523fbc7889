import { UserMessage } from "@/components/message/user-message";
import { Button } from "@/components/ui/button";
import type { Pending } from "@/session/chat";

export interface PendingMessageProps {
  readonly pending: Pending;
  readonly connected: boolean;
  /** Whether a run is active: the server queues messages behind it, also from other clients. */
  readonly running: boolean;
  readonly onEdit: () => void;
  readonly onResend: () => void;
}

/** A message that isn't in the log yet, and why. */
export function PendingMessage({ pending, connected, running, onEdit, onResend }: PendingMessageProps) {
  return (
    <div className="pb-6">
      <UserMessage text={pending.text} files={pending.options.files ?? []}>
        {pending.status === "failed" ? (
          <div role="alert" className="flex flex-wrap items-center justify-end gap-2 text-sm text-danger">
            <span>Not sent: {pending.problem}</span>
            <Button className="min-h-8" onClick={onResend}>
              Send again
            </Button>
            <Button className="min-h-8" look="quiet" onClick={onEdit}>
              Edit
            </Button>
          </div>
        ) : (
          <div className="flex items-center gap-2 text-xs text-faint">
            <span>{words(pending, connected, running)}</span>
            {pending.status === "queued" ? (
              <Button look="quiet" className="min-h-7 px-2 text-xs" onClick={onEdit}>
                Edit
              </Button>
            ) : null}
          </div>
        )}
      </UserMessage>
    </div>
  );
}

function words(pending: Pending, connected: boolean, running: boolean): string {
  if (!connected) return "Queued: sends when you're back online";
  if (pending.status === "queued") return "Queued: sends when this answer finishes";
  return running ? "Queued: answered when this answer finishes" : "Sending…";
}
