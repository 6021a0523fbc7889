/** The runs to show: the current path, with a running replacement in place of the original. */

import type { ConversationView, RunView } from "@/events/types.gen";

export interface ShownRun {
  readonly run: RunView;
  /** The same for all versions of a message, so that its row keeps its identity. */
  readonly key: string;
  readonly versions: readonly string[];
  /** A failed replacement of this run. */
  readonly attempt: RunView | null;
}

const NONE: readonly string[] = [];

export function shownRuns({ runs, versions, attempt }: Pick<ConversationView, "runs" | "versions" | "attempt">): readonly ShownRun[] {
  const shown = (run: RunView, failed: RunView | null = null): ShownRun => {
    const known = versions[run.run_id] ?? NONE;
    return { run, key: known[0] ?? run.run_id, versions: known, attempt: failed };
  };
  if (!attempt) return runs.map((run) => shown(run));
  const place = runs.findIndex((run) => versions[run.run_id]?.includes(attempt.run_id));
  if (attempt.status === "running" || attempt.status === "waiting") return [...(place === -1 ? runs : runs.slice(0, place)).map((run) => shown(run)), shown(attempt)];
  return runs.map((run, index) => shown(run, index === place ? attempt : null));
}
