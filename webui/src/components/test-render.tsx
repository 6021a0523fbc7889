/** Test helpers: render parts of a conversation with given view options. */

import { render } from "@testing-library/react";
import type { ReactElement } from "react";

import { apply, emptySession } from "@/events/fold";
import { GOLDEN_LOGS } from "@/events/golden";
import type { LoggedEvent, RunView } from "@/events/types.gen";

import { type ViewOptions, ViewOptionsContext, type Toggles } from "./view-options";

export function golden(name: string, events?: number): RunView[] {
  const log = (GOLDEN_LOGS[name] ?? "").trim().split("\n").map((line) => JSON.parse(line) as LoggedEvent);
  return [...log.slice(0, events).reduce(apply, emptySession("conv_golden")).view.runs];
}

export function lastRun(name: string, events?: number): RunView {
  const run = golden(name, events).at(-1);
  if (!run) throw new Error(`${name} has no run`);
  return run;
}

export function memoryToggles(): Toggles {
  const kept = new Map<string, boolean>();
  const listeners = new Set<() => void>();
  return {
    get: (id) => kept.get(id),
    set: (id, open) => {
      kept.set(id, open);
      for (const listener of listeners) listener();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Render with view options; `show` re-renders in place. */
export function renderWithOptions(reader: Partial<ViewOptions>, first: ReactElement) {
  const reading: ViewOptions = { thinking: "auto", serverNow: () => 0, toggles: memoryToggles(), isFollowing: () => true, ...reader };
  const within = (element: ReactElement) => <ViewOptionsContext value={reading}>{element}</ViewOptionsContext>;
  const rendered = render(within(first));
  return { ...rendered, reading, show: (next: ReactElement) => rendered.rerender(within(next)) };
}
