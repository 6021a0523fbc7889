/** Shows the newest messages of a long conversation, and more as the user scrolls up. */

import { type RefObject, startTransition, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

import type { RunView } from "@/events/types.gen";

/** Runs shown at first and added per step. */
const PAGE = 20;

export interface Earlier {
  /** Index of the first run shown. */
  readonly first: number;
  /** Shows more runs; null if all are shown. */
  readonly more: (() => void) | null;
  /** Sentinel above the first run; more runs load when it comes near the viewport. */
  readonly edge: RefObject<HTMLDivElement | null>;
}

/** `onEarlier` fetches earlier runs; absent if there are none. */
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

/** Keeps the scroll position when runs are inserted above. */
function useKeepInPlace(edge: RefObject<HTMLElement | null>, scroller: RefObject<HTMLElement | null>): void {
  const was = useRef<Element | null>(null);
  useLayoutEffect(() => {
    const top = edge.current?.nextElementSibling ?? null;
    const before = was.current;
    was.current = top;
    if (scroller.current && top && before?.isConnected && before !== top) keepInPlace(scroller.current, before, top);
  });
}

/** Scroll anchoring does this, but not in every browser and never at the very top. */
function keepInPlace(box: HTMLElement, before: Element, top: Element): void {
  const added = before.getBoundingClientRect().top - top.getBoundingClientRect().top;
  if (added > 0 && (box.scrollTop === 0 || !CSS.supports("overflow-anchor", "auto"))) box.scrollTop += added;
}
