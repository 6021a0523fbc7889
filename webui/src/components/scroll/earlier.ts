/** A long conversation shows its newest messages, and more as the reader goes back. */

import { type RefObject, startTransition, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

import type { RunView } from "@/events/types.gen";

/** Runs shown at first, and more with each step back. */
const PAGE = 20;

export interface Earlier {
  /** The index of the first run that is shown. */
  readonly first: number;
  /** Show more; null where everything is shown. */
  readonly more: (() => void) | null;
  /** What stands above the first run: near the screen, more is shown by itself. */
  readonly edge: RefObject<HTMLDivElement | null>;
}

/** `onEarlier` fetches the runs before these, and is absent where there are none. */
export function useEarlier(runs: readonly RunView[], onEarlier: (() => void) | undefined, scroller: RefObject<HTMLElement | null>): Earlier {
  const [oldest, setOldest] = useState<string | null>(null);
  const edge = useRef<HTMLDivElement>(null);
  const place = oldest === null ? -1 : runs.findIndex((run) => run.run_id === oldest);
  const first = place === -1 ? Math.max(0, runs.length - PAGE) : place;
  const next = runs[Math.max(0, first - PAGE)]?.run_id ?? null;
  const more = useCallback(() => {
    if (first > 0) startTransition(() => setOldest(next));
    else onEarlier?.();
  }, [first, next, onEarlier]);
  const hasMore = first > 0 || onEarlier !== undefined;
  useEffect(() => {
    if (!hasMore || !edge.current) return undefined;
    const root = scroller.current;
    const near = new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && more(), { root, rootMargin: "100% 0px 0px" });
    near.observe(edge.current);
    return () => near.disconnect();
  }, [hasMore, more, scroller]);
  useKeepInPlace(edge, scroller);
  return { first, more: hasMore ? more : null, edge };
}

/** What is put in above the reader moves nothing. */
function useKeepInPlace(edge: RefObject<HTMLElement | null>, scroller: RefObject<HTMLElement | null>): void {
  const was = useRef<Element | null>(null);
  useLayoutEffect(() => {
    const top = edge.current?.nextElementSibling ?? null;
    const before = was.current;
    was.current = top;
    if (scroller.current && top && before?.isConnected && before !== top) keepInPlace(scroller.current, before, top);
  });
}

/** Browsers see to it themselves, but not all of them, and none at the very top. */
function keepInPlace(box: HTMLElement, before: Element, top: Element): void {
  const added = before.getBoundingClientRect().top - top.getBoundingClientRect().top;
  if (added > 0 && (box.scrollTop === 0 || !CSS.supports("overflow-anchor", "auto"))) box.scrollTop += added;
}
