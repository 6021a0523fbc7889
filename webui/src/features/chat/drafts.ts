/** What is typed and not sent, by conversation, for as long as the tab lives. */

import { keepIn } from "@/session/storage";

const PREFIX = "thinkaloud.draft.";

export function readDraft(chatId: string | null): string {
  return sessionStorage.getItem(PREFIX + (chatId ?? "new")) ?? "";
}

/** False where it is too long to be kept. */
export function keepDraft(chatId: string | null, text: string): boolean {
  const key = PREFIX + (chatId ?? "new");
  if (text !== "") return keepIn(sessionStorage, key, text);
  sessionStorage.removeItem(key);
  return true;
}

/** Put words that were never sent before what is typed. */
export function returnToDraft(chatId: string, texts: readonly string[]): void {
  const all = [...texts, readDraft(chatId)].filter((text) => text !== "");
  keepDraft(chatId, all.join("\n\n"));
}
