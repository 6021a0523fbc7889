/** What is typed and not sent, by conversation, for as long as the tab lives. */

const PREFIX = "thinkaloud.draft.";

export function readDraft(chatId: string | null): string {
  return sessionStorage.getItem(PREFIX + (chatId ?? "new")) ?? "";
}

export function keepDraft(chatId: string | null, text: string): void {
  if (text === "") sessionStorage.removeItem(PREFIX + (chatId ?? "new"));
  else sessionStorage.setItem(PREFIX + (chatId ?? "new"), text);
}

/** Put words that were never sent before what is typed. */
export function returnToDraft(chatId: string, texts: readonly string[]): void {
  const all = [...texts, readDraft(chatId)].filter((text) => text !== "");
  keepDraft(chatId, all.join("\n\n"));
}
