/** What is typed and not sent, by conversation, for as long as the tab lives. */

const PREFIX = "thinkaloud.draft.";

export function readDraft(chatId: string | null): string {
  return sessionStorage.getItem(PREFIX + (chatId ?? "new")) ?? "";
}

export function keepDraft(chatId: string | null, text: string): void {
  if (text === "") sessionStorage.removeItem(PREFIX + (chatId ?? "new"));
  else sessionStorage.setItem(PREFIX + (chatId ?? "new"), text);
}
