import { useSyncExternalStore } from "react";

import type { Store } from "@/session/store";

/** The published value of a store; re-renders when it changes. */
export function useStore<T>(cell: Store<T>): T {
  return useSyncExternalStore(cell.subscribe, cell.published);
}

/** A selected part of a store's value; re-renders only when that part changes. */
export function useStoreSelector<T, S>(cell: Store<T>, select: (value: T) => S): S {
  return useSyncExternalStore(cell.subscribe, () => select(cell.published()));
}
