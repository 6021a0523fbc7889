/** Unsent text by conversation, in session storage. */

import { saveTo } from "@/session/storage";

const PREFIX = "thinkaloud.draft.";

export function readDraft(chatId: string | null): string {
  return sessionStorage.getItem(PREFIX + (chatId ?? "new")) ?? "";
}

/** False if it is too long to save. */
export function saveDraft(chatId: string | null, text: string): boolean {
  const key = PREFIX + (chatId ?? "new");
  if (text !== "") return saveTo(sessionStorage, key, text);
  sessionStorage.removeItem(key);
  return true;
}

/** Prepend unsent messages to the draft. */
export function prependToDraft(chatId: string, texts: readonly string[]): void {
  const all = [...texts, readDraft(chatId)].filter((text) => text !== "");
  saveDraft(chatId, all.join("\n\n"));
}

/** Remove all drafts. */
export function forgetDrafts(): void {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
}
