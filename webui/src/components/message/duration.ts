/** Formatting of durations and counts. */

import { useEffect, useState } from "react";

/** "less than a second", "12 s", "3 min 5 s". */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 1) return "less than a second";
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

const COUNT = new Intl.NumberFormat("en");

export function formatCount(amount: number, one: string, many = `${one}s`): string {
  return `${COUNT.format(amount)} ${amount === 1 ? one : many}`;
}

/** Milliseconds since a server timestamp, updated every second. */
export function useElapsed(sinceMs: number, now: () => number): number {
  const [at, setAt] = useState(now);
  useEffect(() => {
    const timer = setInterval(() => setAt(now()), 1000);
    return () => clearInterval(timer);
  }, [now]);
  return Math.max(0, at - sinceMs);
}
