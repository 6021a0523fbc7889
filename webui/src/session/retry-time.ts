/** When something can be tried again, in words. */

const MINUTE = 60;
const HOUR = 3600;

/** "in 12 seconds", "in 5 minutes", "in about 3 hours". */
export function timeToWait(seconds: number): string {
  if (seconds < 1.5 * MINUTE) return `in ${counted(Math.max(1, Math.ceil(seconds)), "second")}`;
  if (seconds < 1.5 * HOUR) return `in ${counted(Math.ceil(seconds / MINUTE), "minute")}`;
  return `in about ${counted(Math.round(seconds / HOUR), "hour")}`;
}

/** An error message that also says when to try again, if that is known. */
export function withRetryTime(message: string, seconds: number | null): string {
  return seconds === null ? message : `${message} You can try again ${timeToWait(seconds)}.`;
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
