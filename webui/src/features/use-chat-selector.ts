import type { Chat, ChatState } from "@/session/chat";

import { useServices } from "./services";
import { useSelected } from "./use-cell";

/** What `select` says of a conversation now; of none, where there is none yet. */
export function useChatSelector<T>(chat: Chat | null, select: () => T): T {
  const { client } = useServices();
  // Without a conversation nothing changes; a cell is subscribed to all the same, hooks being hooks.
  return useSelected<ChatState | unknown, T>(chat ? chat.state : client.changes, select);
}
