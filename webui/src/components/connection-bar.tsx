import { CloudOff, Loader } from "lucide-react";

import { Button } from "./ui/button";

export interface ConnectionBarProps {
  readonly state: "waiting" | "offline";
  /** Why the server rejects the connection, if it says so. */
  readonly problem?: string | null;
  readonly onRetry: () => void;
}

/** Tells the user that the connection is lost. */
export function ConnectionBar({ state, problem = null, onRetry }: ConnectionBarProps) {
  const offline = state === "offline";
  return (
    <div role="status" className="flex items-center justify-center gap-3 bg-warn-soft px-4 py-1.5 text-sm text-warn">
      {offline ? <CloudOff size={16} className="shrink-0" aria-hidden /> : <Loader size={16} className="shrink-0 animate-spin" aria-hidden />}
      <p>{offline ? "You're offline. We'll reconnect automatically." : (problem ?? "Reconnecting… Nothing has been lost.")}</p>
      {offline ? null : (
        <Button look="quiet" className="min-h-7 px-2 whitespace-nowrap text-warn" onClick={onRetry}>
          Retry now
        </Button>
      )}
    </div>
  );
}
