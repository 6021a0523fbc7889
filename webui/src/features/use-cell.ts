import { useSyncExternalStore } from "react";

import type { Cell } from "@/session/cell";

/** The published value of a cell; the component renders again when another one is published. */
export function useCell<T>(cell: Cell<T>): T {
  return useSyncExternalStore(cell.subscribe, cell.published);
}

/** A part of a cell's value: the component renders again only where that part is another one. */
export function useSelected<T, S>(cell: Cell<T>, select: (value: T) => S): S {
  return useSyncExternalStore(cell.subscribe, () => select(cell.published()));
}
