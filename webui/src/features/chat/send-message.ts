import { useCallback } from "react";

import type { RunView } from "@/events/types.gen";

import { ApiProblem } from "@/session/api";
import type { Chat } from "@/session/chat";
import { beginning, wellFormed } from "@/events/text-slices";
import type { MessageOptions } from "@/session/transport";

import { useServices } from "../services";
import { saveDraft } from "./drafts";

/** Resolves to whether the message was accepted. */
export type SendMessage = (text: string, options: MessageOptions) => Promise<boolean>;

export interface ChatContext {
  readonly chat: Chat | null;
  /** Whether a new conversation is temporary. */
  readonly temporary: boolean;
  /** Called when a conversation was created. */
  readonly onCreated: (chatId: string) => void;
  readonly onProblem: (words: string | null) => void;
}

/** Sends a message, creating the conversation if needed. */
export function useSendMessage({ chat, temporary, onCreated, onProblem }: ChatContext): SendMessage {
  const { client, conversationList } = useServices();
  return useCallback(
    (text, options) =>
      reportProblem(onProblem, async () => {
        const chatId = chat?.id ?? (await conversationList.create(titleOf(text), temporary));
        client.chat(chatId).sendMessage(text, options, messageId());
        if (chat) return;
        saveDraft(null, "");
        onCreated(chatId);
      }),
    [chat, temporary, client, conversationList, onCreated, onProblem],
  );
}

/** Branches a new conversation from a run. */
export function useBranch({ chat, onCreated, onProblem }: ChatContext): (run: RunView) => void {
  const { conversationList } = useServices();
  return useCallback(
    (run) =>
      void reportProblem(onProblem, async () => {
        if (chat) onCreated(await conversationList.branch(chat.id, run.run_id));
      }),
    [chat, conversationList, onCreated, onProblem],
  );
}

/** Shows another version of a message. */
export function useSelectVersion({ chat, onProblem }: ChatContext): (runId: string) => void {
  const { api } = useServices();
  return useCallback(
    (runId) =>
      void reportProblem(onProblem, async () => {
        if (chat) await api.selectVersion(chat.id, runId);
      }),
    [api, chat, onProblem],
  );
}

async function reportProblem(onProblem: ChatContext["onProblem"], step: () => Promise<void>): Promise<boolean> {
  onProblem(null);
  try {
    await step();
    return true;
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    onProblem(error.message);
    return false;
  }
}

/** A title from the first message. */
export function titleOf(text: string): string {
  const line = wellFormed(text.trim().split("\n", 1)[0] ?? "");
  return line.length <= 60 ? line : `${beginning(line, 59).trimEnd()}…`;
}

function messageId(): string {
  return `m-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;
}
