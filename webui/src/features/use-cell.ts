import { useSyncExternalStore } from "react";

import type { Cell } from "@/session/cell";

/** The published value of a store; re-renders when it changes. */
export function useCell<T>(cell: Cell<T>): T {
  return useSyncExternalStore(cell.subscribe, cell.published);
}

/** A selected part of a store's value; re-renders only when that part changes. */
export function useSelected<T, S>(cell: Cell<T>, select: (value: T) => S): S {
  return useSyncExternalStore(cell.subscribe, () => select(cell.published()));
}
