/** How the reader wants to read: what the parts of a conversation need to know beside themselves. */

import { createContext, useContext, useSyncExternalStore } from "react";

export const THINKING_CHOICES = ["auto", "preview", "open", "closed"] as const;
export type ThinkingChoice = (typeof THINKING_CHOICES)[number];

/** What the reader opened and closed by hand, by the part's own id. Kept by whoever makes it. */
export interface Toggles {
  readonly get: (id: string) => boolean | undefined;
  readonly set: (id: string, open: boolean) => void;
  readonly subscribe: (listener: () => void) => () => void;
}

export interface Reading {
  readonly thinking: ThinkingChoice;
  /** Unix milliseconds by the server's clock. */
  readonly serverNow: () => number;
  readonly toggles: Toggles;
  /** Whether the newest line is followed; false while the reader looks at something above it. */
  readonly isFollowing: () => boolean;
}

export const ReadingContext = createContext<Reading | null>(null);

export function useReading(): Reading {
  const reading = useContext(ReadingContext);
  if (!reading) throw new Error("Parts of a conversation stand inside a ReadingContext.");
  return reading;
}

/** Whether a part is open: as the reader set it by hand, else as given. */
export function useToggle(id: string, otherwise: boolean): [boolean, (open: boolean) => void] {
  const { toggles } = useReading();
  const chosen = useSyncExternalStore(toggles.subscribe, () => toggles.get(id));
  return [chosen ?? otherwise, (open) => toggles.set(id, open)];
}
