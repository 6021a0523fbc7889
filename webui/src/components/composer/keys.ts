/** Keyboard events, normalized across browsers. */

/**
 * Whether a key event is part of an IME composition. Safari ends the composition before it reports the
 * Enter that ended it; only key code 229 tells.
 */
export function isComposing(event: Pick<KeyboardEvent, "isComposing" | "keyCode">): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** What Enter does in the message field. */
export type EnterKey = "send" | "newline";

/** Whether this key sends the message. Ctrl or Cmd with Enter always does; Shift or Alt never. */
export function sends(event: Pick<KeyboardEvent, "key" | "shiftKey" | "altKey" | "ctrlKey" | "metaKey">, enter: EnterKey): boolean {
  if (event.key !== "Enter" || event.shiftKey || event.altKey) return false;
  return enter === "send" || event.ctrlKey || event.metaKey;
}
