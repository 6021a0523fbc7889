/** Unsent text by conversation, in session storage. */

import { keepIn } from "@/session/storage";

const PREFIX = "thinkaloud.draft.";

export function readDraft(chatId: string | null): string {
  return sessionStorage.getItem(PREFIX + (chatId ?? "new")) ?? "";
}

/** False if it is too long to save. */
export function keepDraft(chatId: string | null, text: string): boolean {
  const key = PREFIX + (chatId ?? "new");
  if (text !== "") return keepIn(sessionStorage, key, text);
  sessionStorage.removeItem(key);
  return true;
}

/** Prepend unsent messages to the draft. */
export function returnToDraft(chatId: string, texts: readonly string[]): void {
  const all = [...texts, readDraft(chatId)].filter((text) => text !== "");
  keepDraft(chatId, all.join("\n\n"));
}
