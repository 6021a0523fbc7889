/** Tells conversations with the same name apart by time. */

export interface Named {
  readonly id: string;
  readonly name: string;
  readonly atMs: number;
}

const TIME: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit" };
const DATE: Intl.DateTimeFormatOptions = { month: "short", day: "numeric" };

/** A distinct time label by id for every conversation whose name isn't unique; newest first. */
export function timesOfDuplicates(all: readonly Named[], now = new Date()): ReadonlyMap<string, string> {
  const times = new Map<string, string>();
  for (const same of groupsOf(all, (each) => each.name).filter((each) => each.length > 1)) {
    for (const alike of groupsOf(same, (each) => timeOf(each.atMs, now))) {
      for (const close of groupsOf(alike, (each) => timeOf(each.atMs, now, true))) {
        for (const [index, each] of close.entries()) {
          const time = timeOf(each.atMs, now, alike.length > 1);
          times.set(each.id, close.length > 1 ? `${time} (${close.length - index})` : time);
        }
      }
    }
  }
  return times;
}

function groupsOf(all: readonly Named[], key: (each: Named) => string): Named[][] {
  const groups = new Map<string, Named[]>();
  for (const each of all) {
    const group = groups.get(key(each));
    if (group) group.push(each);
    else groups.set(key(each), [each]);
  }
  return [...groups.values()];
}

function timeOf(atMs: number, now: Date, precise = false): string {
  const at = new Date(atMs);
  const sameDay = at.toDateString() === now.toDateString();
  const time: Intl.DateTimeFormatOptions = precise ? { ...TIME, second: "2-digit" } : TIME;
  return new Intl.DateTimeFormat(undefined, sameDay ? time : { ...DATE, ...time }).format(at);
}
