import type { Chat, ChatState } from "@/session/chat";

import { useServices } from "./services";
import { useStoreSelector } from "./use-store";

/** A value selected from a conversation, or from none if it doesn't exist yet. */
export function useChatSelector<T>(chat: Chat | null, select: () => T): T {
  const { client } = useServices();
  // Hooks can't be conditional: without a conversation, subscribe to an unrelated store.
  return useStoreSelector<ChatState | unknown, T>(chat ? chat.state : client.changes, select);
}
