/** What the user expanded and collapsed by hand. Kept in session storage, so it survives reloads. */

import type { Toggles } from "@/components/view-options";
import { saveTo } from "@/session/storage";

const KEY = "thinkaloud.toggles";
const MOST = 500;

export function storedToggles(storage: Storage): Toggles {
  const kept = new Map<string, boolean>(read(storage.getItem(KEY)));
  const listeners = new Set<() => void>();
  return {
    get: (id) => kept.get(id),
    set: (id, open) => {
      kept.delete(id);
      kept.set(id, open);
      for (const oldest of kept.keys()) {
        if (kept.size <= MOST) break;
        kept.delete(oldest);
      }
      saveTo(storage, KEY, JSON.stringify([...kept]));
      for (const listener of listeners) listener();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function read(text: string | null): [string, boolean][] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    if (!Array.isArray(value)) return [];
    return value.filter((each): each is [string, boolean] => Array.isArray(each) && typeof each[0] === "string" && typeof each[1] === "boolean");
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
