/**
 * Keeps the newest line in view until the user scrolls up. Resumes when the user is back at the bottom or
 * scrolls towards it, since a fast stream would outrun them.
 */

import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from "react";

/** Distance in pixels that counts as being at the bottom. */
const NEAR = 12;

export interface AutoScroll {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly content: RefObject<HTMLDivElement | null>;
  readonly following: boolean;
  readonly isFollowing: () => boolean;
  readonly scrollToBottom: () => void;
}

export function useAutoScroll(): AutoScroll {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const state = useRef(true);
  const [following, setFollowing] = useState(true);

  const set = useCallback((value: boolean) => {
    state.current = value;
    setFollowing(value);
  }, []);
  const scrollToBottom = useCallback(() => {
    set(true);
    const box = scroller.current;
    if (box) box.scrollTop = box.scrollHeight;
  }, [set]);
  const isFollowing = useCallback(() => state.current, []);

  useLayoutEffect(() => {
    const box = scroller.current;
    const inner = content.current;
    if (!box || !inner) return undefined;
    return watch(box, inner, isFollowing, set);
  }, [isFollowing, set]);

  return { scroller, content, following, isFollowing, scrollToBottom };
}

function watch(box: HTMLElement, inner: HTMLElement, isFollowing: () => boolean, set: (value: boolean) => void): () => void {
  let last = box.scrollTop;
  const below = () => box.scrollHeight - box.clientHeight - box.scrollTop;
  const scrolled = () => {
    const top = box.scrollTop;
    const distance = box.scrollHeight - box.clientHeight - top;
    // Shrinking content also lowers scrollTop, but then the bottom is reached.
    if (top < last && distance > 1) set(false);
    else if (top >= last && distance <= NEAR) set(true);
    last = top;
  };
  const turned = (event: WheelEvent) => {
    if (event.deltaY < 0 && box.scrollHeight > box.clientHeight) set(false);
    else if (event.deltaY > 0 && below() <= event.deltaY) set(true);
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.target === box && (event.key === "End" || (event.key === "PageDown" && below() <= box.clientHeight))) set(true);
  };
  const pressedElsewhere = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.target !== document.body || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = scrolledBy(event, box);
    if (to === null) return;
    event.preventDefault();
    // From here the browser handles scrolling keys itself.
    box.focus({ preventScroll: true });
    if (event.key === "End") set(true);
    box.scrollTop = to;
  };
  const resized = new ResizeObserver(() => {
    // Content that no longer overflows is at its bottom without a scroll event.
    if (!isFollowing() && below() <= 1) set(true);
    if (!isFollowing()) return;
    box.scrollTop = box.scrollHeight;
    last = box.scrollTop;
  });
  resized.observe(inner);
  resized.observe(box);
  box.addEventListener("scroll", scrolled, { passive: true });
  box.addEventListener("wheel", turned, { passive: true });
  box.addEventListener("keydown", pressed);
  document.addEventListener("keydown", pressedElsewhere);
  return () => {
    resized.disconnect();
    box.removeEventListener("scroll", scrolled);
    box.removeEventListener("wheel", turned);
    box.removeEventListener("keydown", pressed);
    document.removeEventListener("keydown", pressedElsewhere);
  };
}

const LINE = 40;

/** Where a scrolling key moves the container; null for other keys. Needed because the page itself doesn't scroll. */
function scrolledBy({ key, shiftKey }: KeyboardEvent, box: HTMLElement): number | null {
  if (box.scrollHeight <= box.clientHeight) return null;
  const page = box.clientHeight * 0.875;
  const steps: Readonly<Record<string, number>> = { ArrowUp: -LINE, ArrowDown: LINE, PageUp: -page, PageDown: page, " ": shiftKey ? -page : page };
  if (key === "Home") return 0;
  if (key === "End") return box.scrollHeight;
  const step = steps[key];
  return step === undefined ? null : box.scrollTop + step;
}
