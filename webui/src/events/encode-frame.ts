/** Encodes an event as the frame the server sends for it, for replays and tests. */

import type { LoggedEvent } from "./types.gen";

export function encodeFrame(logged: LoggedEvent, clientMessageId?: string): string {
  return JSON.stringify({ event: "log", chat_id: logged.conversation_id, entry: logged, client_message_id: clientMessageId });
}
