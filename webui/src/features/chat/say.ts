import { useCallback } from "react";

import type { RunView } from "@/events/types.gen";

import { ApiProblem } from "@/session/api";
import type { Chat } from "@/session/chat";
import { beginning, wellFormed } from "@/events/cut";
import type { MessageOptions } from "@/session/transport";

import { useServices } from "../services";
import { keepDraft } from "./drafts";

/** Resolves to whether the message was accepted. */
export type Say = (text: string, options: MessageOptions) => Promise<boolean>;

export interface Place {
  readonly chat: Chat | null;
  /** Whether a new conversation is temporary. */
  readonly temporary: boolean;
  /** Called when a conversation was created. */
  readonly onBegun: (chatId: string) => void;
  readonly onProblem: (words: string | null) => void;
}

/** Sends a message, creating the conversation if needed. */
export function useSay({ chat, temporary, onBegun, onProblem }: Place): Say {
  const { client, directory } = useServices();
  return useCallback(
    (text, options) =>
      attempted(onProblem, async () => {
        const chatId = chat?.id ?? (await directory.create(titleOf(text), temporary));
        client.chat(chatId).say(text, options, messageId());
        if (chat) return;
        keepDraft(null, "");
        onBegun(chatId);
      }),
    [chat, temporary, client, directory, onBegun, onProblem],
  );
}

/** Branches a new conversation from a run. */
export function useBranch({ chat, onBegun, onProblem }: Place): (run: RunView) => void {
  const { directory } = useServices();
  return useCallback(
    (run) =>
      void attempted(onProblem, async () => {
        if (chat) onBegun(await directory.branch(chat.id, run.run_id));
      }),
    [chat, directory, onBegun, onProblem],
  );
}

/** Shows another version of a message. */
export function useSelect({ chat, onProblem }: Place): (runId: string) => void {
  const { api } = useServices();
  return useCallback(
    (runId) =>
      void attempted(onProblem, async () => {
        if (chat) await api.selectVersion(chat.id, runId);
      }),
    [api, chat, onProblem],
  );
}

async function attempted(onProblem: Place["onProblem"], step: () => Promise<void>): Promise<boolean> {
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
