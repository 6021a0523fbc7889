/** View options shared by all parts of a conversation. */

import { createContext, useContext, useSyncExternalStore } from "react";

export const THINKING_CHOICES = ["auto", "preview", "open", "closed"] as const;
export type ThinkingChoice = (typeof THINKING_CHOICES)[number];

/** What the user expanded and collapsed by hand, by id. Storage is up to the implementation. */
export interface Toggles {
  readonly get: (id: string) => boolean | undefined;
  readonly set: (id: string, open: boolean) => void;
  readonly subscribe: (listener: () => void) => () => void;
}

export interface ViewOptions {
  readonly thinking: ThinkingChoice;
  /** Server time in Unix milliseconds. */
  readonly serverNow: () => number;
  readonly toggles: Toggles;
  /** Whether the view follows new output; false while the user has scrolled up. */
  readonly isFollowing: () => boolean;
}

export const ViewOptionsContext = createContext<ViewOptions | null>(null);

export function useViewOptions(): ViewOptions {
  const reading = useContext(ViewOptionsContext);
  if (!reading) throw new Error("The parts of a conversation need a ViewOptionsContext.");
  return reading;
}

/** Whether a part is open: as set by the user, else the default. */
export function useToggle(id: string, otherwise: boolean): [boolean, (open: boolean) => void] {
  const { toggles } = useViewOptions();
  const chosen = useSyncExternalStore(toggles.subscribe, () => toggles.get(id));
  return [chosen ?? otherwise, (open) => toggles.set(id, open)];
}
