import { useCallback, useMemo } from "react";

import type { RunView } from "@/events/types.gen";

import { type Decide, DecideContext } from "@/components/approval/approval-card";
import { type AnswerQuestion, AnswerContext } from "@/components/approval/question-card";
import { FileAddressContext, filesOf } from "@/components/message/attached-files";
import { type AutoScroll, useAutoScroll } from "@/components/scroll/auto-scroll";
import { type ViewOptions, ViewOptionsContext, type ThinkingChoice, type Toggles } from "@/components/view-options";
import { type RunActions, Thread } from "@/components/scroll/thread";
import { Button } from "@/components/ui/button";
import { cx } from "@/components/ui/cx";
import type { Chat, Pending } from "@/session/chat";
import type { MessageOptions } from "@/session/transport";

import { useServices } from "../services";
import { useStore, useStoreSelector } from "../use-store";
import { PendingMessage } from "./pending-message";

export interface ConversationProps {
  readonly chat: Chat;
  readonly thinking: ThinkingChoice;
  readonly toggles: Toggles;
  readonly onSendMessage: (text: string, options: MessageOptions) => void;
  /** Loads an unsent message into the field. */
  readonly onRestore: (message: Pending) => void;
  /** Loads a run's message into the field, to replace the run. */
  readonly onReplace: (run: RunView) => void;
  /** Branches a new conversation from a run. */
  readonly onBranch: (run: RunView) => void;
  /** Shows another version of a message. */
  readonly onSelect: (runId: string) => void;
}

/** An existing conversation: its log and its pending messages. */
export function Conversation({ chat, thinking, toggles, onSendMessage, onRestore, onReplace, onBranch, onSelect }: ConversationProps) {
  const { api, client } = useServices();
  const { session, pending, pluginMessages, phase } = useStore(chat.state);
  const connected = useStore(client.connection).state === "open";
  const fetchEarlier = useCallback(() => chat.fetchEarlier(), [chat]);
  const decide = useCallback<Decide>((approvalId, decision) => chat.decide(approvalId, decision), [chat]);
  const answer = useCallback<AnswerQuestion>((runId, questionId, given) => chat.answer(runId, questionId, given), [chat]);
  const autoScroll = useAutoScroll();
  const reading = useViewOptionsFor(autoScroll, thinking, toggles, client.clock.now);
  const actions = useActions(onSendMessage, onReplace, onBranch, onSelect);
  if (phase === "missing") return <Missing />;
  return (
    <FileAddressContext value={api.attachmentAddress}>
      <ViewOptionsContext value={reading}>
       <DecideContext value={connected ? decide : null}>
       <AnswerContext value={connected ? answer : null}>
        <Thread view={session.view} pluginMessages={pluginMessages} onEarlier={connected && session.earlier ? fetchEarlier : undefined} autoScroll={autoScroll} actions={actions}>
          {session.view.runs.length === 0 && pending.length === 0 && pluginMessages.length === 0 ? <Empty loading={phase === "loading"} /> : null}
          {pending.map((each) => (
            <PendingMessage
              key={each.id}
              pending={each}
              connected={connected}
              running={chat.running}
              onEdit={() => {
                const taken = chat.withdraw(each.id);
                if (taken) onRestore(taken);
              }}
              onResend={() => {
                chat.withdraw(each.id);
                onSendMessage(each.text, each.options);
              }}
            />
          ))}
        </Thread>
       </AnswerContext>
       </DecideContext>
      </ViewOptionsContext>
    </FileAddressContext>
  );
}

function useActions(
  onSendMessage: ConversationProps["onSendMessage"],
  onReplace: ConversationProps["onReplace"],
  onBranch: ConversationProps["onBranch"],
  onSelect: ConversationProps["onSelect"],
): RunActions {
  const { api, server } = useServices();
  const mayBranch = useStoreSelector(server.state, (state) => state.features["branch"] === true);
  const maySelect = useStoreSelector(server.state, (state) => state.features["versions"] === true);
  const mayReplace = useStoreSelector(server.state, (state) => state.features["replace"] === true);
  return useMemo(
    () => ({
      onRetry: (run) => onSendMessage(run.input.text, { ...optionsOfRun(run), ...(mayReplace ? { replaces: run.run_id } : { files: filesOf(run, api.attachmentAddress) }) }),
      onContinue: () => onSendMessage("Please continue.", {}),
      onRegenerate: mayReplace ? (run) => onSendMessage(run.input.text, { ...optionsOfRun(run), replaces: run.run_id }) : undefined,
      onEdit: mayReplace ? onReplace : undefined,
      onBranch: mayBranch ? onBranch : undefined,
      onSelect: maySelect ? onSelect : undefined,
    }),
    [api, onSendMessage, onReplace, onBranch, onSelect, mayReplace, mayBranch, maySelect],
  );
}

function useViewOptionsFor(autoScroll: AutoScroll, thinking: ThinkingChoice, toggles: Toggles, serverNow: () => number): ViewOptions {
  const { isFollowing } = autoScroll;
  return useMemo(() => ({ thinking, serverNow, toggles, isFollowing }), [thinking, serverNow, toggles, isFollowing]);
}

/** The run's model and effort. The server keeps the files of a replaced run. */
function optionsOfRun(run: RunView): MessageOptions {
  return { model: run.model, ...(run.reasoning_effort === null ? {} : { reasoning_effort: run.reasoning_effort }) };
}

function Empty({ loading }: { readonly loading: boolean }) {
  return <p className={cx("py-10 text-center text-sm text-faint", loading && "pulse")}>{loading ? "Loading…" : "No messages yet."}</p>;
}

function Missing() {
  return (
    <div className="grid flex-1 place-items-center px-6 text-center">
      <div>
        <h2 className="text-lg font-semibold">Chat not found</h2>
        <p className="mt-1 text-soft">It was deleted, or you don't have access to it.</p>
        <Button className="mt-4" onClick={() => window.location.assign("#/")}>
          Start a new chat
        </Button>
      </div>
    </div>
  );
}
