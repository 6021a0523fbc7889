import { MessageCircleDashed, X } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import type { RunView } from "@/events/types.gen";

import { filesOf } from "@/components/message/attached-files";
import { Composer } from "@/components/composer/composer";
import type { EnterKey } from "@/components/composer/keys";
import type { ThinkingChoice, Toggles } from "@/components/view-options";
import { Button, IconButton } from "@/components/ui/button";
import type { TextLimits } from "@/components/composer/too-long";
import type { Bootstrap } from "@/session/api";
import type { Chat, Pending } from "@/session/chat";

import { useServices } from "../services";
import { useStore } from "../use-store";
import { useChatSelector } from "@/features/use-chat-selector";
import { useMedia } from "@/features/use-media";
import { type Attachments, blockedReasonFor, limitsText, useAttachments } from "./attachments";
import { ModelControls, type ModelSelection, modelOf, optionsOf } from "./model-controls";
import { Conversation } from "./conversation";
import { saveDraft, readDraft } from "./drafts";
import { type SendMessage, useBranch, useSendMessage, useSelectVersion } from "./send-message";
import { useShortcuts } from "./shortcuts";
import { TEMPORARY_TEXT, Welcome } from "./welcome";

export interface ChatViewProps {
  /** The conversation, or null for a new one. */
  readonly chatId: string | null;
  readonly thinking: ThinkingChoice;
  readonly toggles: Toggles;
  /** What Enter does in the field; `auto` depends on the pointer type. */
  readonly enter: "auto" | EnterKey;
  readonly chosen: ModelSelection;
  readonly onChoose: (chosen: ModelSelection) => void;
  /** Called when the first message has created a conversation. */
  readonly onCreated: (chatId: string) => void;
}

/** A conversation with its composer. Remounted for every conversation. */
export function ChatView({ chatId, thinking, toggles, enter, chosen, onChoose, onCreated }: ChatViewProps) {
  const { api, client, server } = useServices();
  const chat = chatId === null ? null : client.chat(chatId);
  const { bootstrap, features, models } = useStore(server.state);
  const [problem, setProblem] = useState<string | null>(null);
  const fileLimits = bootstrap?.limits?.files;
  const attachments = useAttachments(api, fileLimits, setProblem);
  const running = useChatSelector(chat, () => chat?.running ?? false);
  const missing = useChatSelector(chat, () => chat?.state.published().phase === "missing");
  const draft = useDraft(chatId);
  const loader = useComposerLoader(draft, attachments);
  const [temporary, setTemporary] = useState(false);
  const sendMessage = useSendMessage({ chat, temporary, onCreated, onProblem: setProblem });
  const sendFromThread = useSendFromThread(sendMessage, draft.field);
  const branch = useBranch({ chat, temporary, onCreated, onProblem: setProblem });
  const select = useSelectVersion({ chat, temporary, onCreated, onProblem: setProblem });
  const enterKey = useEnter(enter);
  const stop = useCallback(() => chat?.stop(), [chat]);
  const cancel = draft.replacing === null ? undefined : loader.clear;
  useShortcuts({ field: draft.field, onEscape: running ? stop : cancel });
  useInitialFocus(draft.field, chat, running);
  const send = async () => {
    const replaces = draft.replacing === null ? {} : { replaces: draft.replacing };
    const sent = await sendMessage(draft.text, { ...optionsOf(models, chosen), files: attachments.ready, ...replaces });
    if (sent) loader.clear();
  };
  const recall = () => recallLast(chat, loader, features["replace"] === true && !running);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      {chat ? (
        <Conversation chat={chat} thinking={thinking} toggles={toggles} onSendMessage={sendFromThread} onRestore={loader.restore} onReplace={loader.edit} onBranch={branch} onSelect={select} />
      ) : (
        <Welcome temporary={temporary} onTemporary={setTemporary} onSuggestion={draft.edit} />
      )}
      {missing ? null : (
        <div className="px-3 pb-[max(0.75rem,env(safe-area-inset-bottom))] sm:px-6">
          <Problems chat={chat} own={problem} onDismiss={() => setProblem(null)} />
          <Temporary chat={chat} />
          {cancel ? <Replacing onCancel={cancel} /> : null}
          <Composer
            field={draft.field}
            text={draft.text}
            onText={draft.type}
            onSend={send}
            onStop={stop}
            onRecall={recall}
            running={running}
            enter={enterKey}
            textLimits={textLimitsOf(bootstrap)}
            attached={attachments.files}
            onFiles={features["uploads"] ? attachments.add : undefined}
            onDetach={attachments.remove}
            limits={limitsText(fileLimits)}
            blockedReason={blockedReasonFor(attachments.ready, modelOf(models, chosen), fileLimits)}
            controls={<ModelControls models={models} chosen={chosen} onChange={onChoose} />}
          />
        </div>
      )}
    </div>
  );
}

function useEnter(chosen: ChatViewProps["enter"]): EnterKey {
  const hasTouchScreen = useMedia("(pointer: coarse)");
  if (chosen !== "auto") return chosen;
  return hasTouchScreen ? "newline" : "send";
}

/** Loads the last message into the field. */
function recallLast(chat: Chat | null, loader: ComposerLoader, mayReplace: boolean): void {
  const waiting = chat?.withdrawLast() ?? null;
  const last = chat?.state.latest.session.view.runs.at(-1);
  if (waiting !== null) loader.restore(waiting);
  else if (last && mayReplace) loader.edit(last);
  else if (last) loader.copy(last);
}

function textLimitsOf(bootstrap: Bootstrap | null): TextLimits | undefined {
  const { max_text_chars: chars, files } = bootstrap?.limits ?? {};
  return chars === undefined ? undefined : { chars, fileBytes: files?.text_bytes ?? 0 };
}

interface Draft {
  readonly field: React.RefObject<HTMLTextAreaElement | null>;
  readonly text: string;
  /** The run that sending replaces. */
  readonly replacing: string | null;
  /** Text typed by the user. */
  readonly type: (text: string) => void;
  /** Sets the text of a new message. */
  readonly write: (text: string) => void;
  /** Sets the text and focuses the field. */
  readonly edit: (text: string) => void;
  /** Loads a run's message to replace that run, and focuses the field. */
  readonly replace: (run: RunView) => void;
}

function useDraft(chatId: string | null): Draft {
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => readDraft(chatId));
  const [replacing, setReplacing] = useState<string | null>(null);
  const [kept, setKept] = useState(true);
  const type = useCallback(
    (words: string) => {
      setKept(saveDraft(chatId, words));
      setText(words);
    },
    [chatId],
  );
  useAskBeforeLeaving(!kept);
  const write = useCallback(
    (words: string) => {
      type(words);
      setReplacing(null);
    },
    [type],
  );
  const edit = useCallback(
    (words: string) => {
      write(words);
      field.current?.focus();
    },
    [write],
  );
  const replace = useCallback(
    (run: RunView) => {
      edit(run.input.text);
      setReplacing(run.run_id);
    },
    [edit],
  );
  return { field, text, replacing, type, write, edit, replace };
}

/** Let the browser ask before it closes or reloads the page while a draft couldn't be saved. */
function useAskBeforeLeaving(wanted: boolean): void {
  useEffect(() => {
    if (!wanted) return undefined;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [wanted]);
}

/** Loads earlier messages into the composer, with their files. */
interface ComposerLoader {
  /** Edits a run's message. */
  readonly edit: (run: RunView) => void;
  /** Copies a run's message. */
  readonly copy: (run: RunView) => void;
  /** Restores an unsent message. */
  readonly restore: (message: Pending) => void;
  readonly clear: () => void;
}

function useComposerLoader({ edit, replace, write }: Draft, { put }: Attachments): ComposerLoader {
  const { api } = useServices();
  return useMemo(
    () => ({
      edit: (run) => {
        replace(run);
        put(filesOf(run, api.attachmentAddress));
      },
      copy: (run) => {
        edit(run.input.text);
        put(filesOf(run, api.attachmentAddress));
      },
      restore: ({ text, options }) => {
        edit(text);
        put(options.files ?? []);
      },
      clear: () => {
        write("");
        put([]);
      },
    }),
    [api, edit, replace, write, put],
  );
}

/**
 * Focuses the message field when a conversation begins, and when the button that ended a run
 * disappears. Not on touch devices, where the keyboard would cover the text.
 */
function useInitialFocus(field: Draft["field"], chat: Chat | null, running: boolean): void {
  useEffect(() => {
    const begins = chat === null || chat.state.latest.pending.length > 0;
    if (begins) focusWithFinePointer(field);
  }, [field, chat]);
  const was = useRef(running);
  useEffect(() => {
    if (was.current !== running && document.activeElement === document.body) focusWithFinePointer(field);
    was.current = running;
  }, [field, running]);
}

/** The button disappears with the replaced answer, so focus moves to the field. */
function useSendFromThread(sendMessage: SendMessage, field: Draft["field"]): SendMessage {
  return useCallback(
    (text, options) => {
      focusWithFinePointer(field);
      return sendMessage(text, options);
    },
    [sendMessage, field],
  );
}

function focusWithFinePointer(field: Draft["field"]): void {
  if (window.matchMedia("(pointer: fine)").matches) field.current?.focus();
}

function Replacing({ onCancel }: { readonly onCancel: () => void }) {
  return (
    <div className="mx-auto mb-2 flex max-w-3xl items-center gap-2 rounded-xl bg-accent-soft py-1 pr-1 pl-4 text-sm">
      <p className="min-w-0 flex-1 text-balance">Sending creates a new version of this message. The old version and everything after it is kept.</p>
      <Button look="quiet" onClick={onCancel}>
        Cancel
      </Button>
    </div>
  );
}

/** Reminds the user above the field that the chat is temporary. */
function Temporary({ chat }: { readonly chat: Chat | null }) {
  const temporary = useChatSelector(chat, () => chat?.state.published().temporary ?? false);
  if (!temporary) return null;
  return (
    <p className="mb-1.5 flex items-center justify-center gap-1.5 text-xs text-faint">
      <MessageCircleDashed size={14} className="shrink-0" aria-hidden /> {TEMPORARY_TEXT}
    </p>
  );
}

function Problems({ chat, own, onDismiss }: { readonly chat: Chat | null; readonly own: string | null; readonly onDismiss: () => void }) {
  const theirs = useChatSelector(chat, () => chat?.state.published().problem ?? null);
  const words = own ?? theirs;
  if (words === null) return null;
  return (
    <div role="alert" className="mx-auto mb-2 flex max-w-3xl items-center gap-2 rounded-xl bg-danger-soft py-1 pr-1 pl-4 text-sm text-danger">
      <p className="min-w-0 flex-1 text-pretty">{words}</p>
      <IconButton
        label="Dismiss"
        onClick={() => {
          onDismiss();
          chat?.dismissProblem();
        }}
      >
        <X size={16} aria-hidden />
      </IconButton>
    </div>
  );
}
