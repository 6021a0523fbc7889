/** One conversation: its folded log and the messages that aren't in the log yet. */

import type { Decision, QuestionAnswer } from "@/events/decisions";
import type { LoggedEvent, RunView } from "@/events/types.gen";
import { apply, emptySession, prepended, withSnapshot, type Session } from "@/events/fold";
import type { Incoming } from "@/events/decode";

import { type PluginMessage, interruptOpen, withPluginMessage } from "./plugin-messages";
import { withRetryTime } from "./retry-time";
import { Store, type Schedule } from "./store";
import type { Command, MessageOptions } from "./transport";

/** `queued`: waits for the active run. `sending`: not in the log yet. `failed`: rejected, with the reason. */
export interface Pending {
  readonly id: string;
  readonly text: string;
  readonly options: MessageOptions;
  readonly status: "queued" | "sending" | "failed";
  readonly problem?: string;
}

export interface ChatState {
  readonly session: Session;
  /** `loading` until the log so far has arrived. */
  readonly phase: "loading" | "ready" | "missing";
  /** Whether it is temporary: kept in memory only and not listed. */
  readonly temporary: boolean;
  readonly pending: readonly Pending[];
  /** Plugin messages since the page was opened. */
  readonly pluginMessages: readonly PluginMessage[];
  /** An error that belongs to no message. */
  readonly problem: string | null;
}

/** Runs fetched at first and per step back, so that long conversations open quickly. */
const PAGE = 40;

export type Send = (command: Command) => boolean;

export class Chat {
  readonly id: string;
  readonly state: Store<ChatState>;
  readonly #send: Send;
  #attachedSeq = 0;
  #attached = false;
  #unanswered = new Set<string>();
  /** The run before which earlier runs were requested. */
  #before: string | null = null;

  constructor(id: string, send: Send, schedule: Schedule | undefined) {
    this.id = id;
    this.#send = send;
    this.state = new Store<ChatState>({ session: emptySession(id), phase: "loading", temporary: false, pending: [], pluginMessages: [], problem: null }, schedule);
  }

  /** Whether a run is active. */
  get running(): boolean {
    const { runs, attempt } = this.state.latest.session.view;
    return isActive(runs.at(-1)) || isActive(attempt ?? undefined);
  }

  /** Whether it is being viewed or has activity. */
  get busy(): boolean {
    return this.running || this.state.latest.pending.length > 0 || this.state.hasSubscribers;
  }

  /** Messages the server hasn't received. */
  get unsent(): readonly string[] {
    return this.state.latest.pending.filter((each) => each.status !== "sending" || !this.#unanswered.has(each.id)).map((each) => each.text);
  }

  /** Called on (re)connect: resume after the last event. */
  attach(): void {
    this.#attached = false;
    this.#unanswered.clear();
    this.#before = null;
    const { stale, view } = this.state.latest.session;
    this.#send({ type: "attach", chat_id: this.id, events: "log", last: PAGE, ...(view.seq > 0 && !stale ? { after: view.seq } : {}) });
  }

  /** Called when the connection is lost. */
  detach(): void {
    this.#attached = false;
    this.#change({ pluginMessages: interruptOpen(this.state.latest.pluginMessages) });
  }

  /** Fetch earlier runs. Does nothing if a request is pending or there's no connection. */
  fetchEarlier(): void {
    const { view, earlier } = this.state.latest.session;
    const before = view.runs[0]?.run_id;
    if (!earlier || before === undefined || before === this.#before) return;
    if (this.#send({ type: "earlier", chat_id: this.id, before, limit: PAGE })) this.#before = before;
  }

  /** Send a message. It is queued while a run is active or the connection is down. */
  sendMessage(text: string, options: MessageOptions, id: string): void {
    if (isStop(text) && !options.files?.length) {
      this.stop();
      return;
    }
    const busy = this.running || this.state.latest.pending.some((each) => each.status !== "failed");
    const pending: Pending = { id, text, options, status: busy ? "queued" : "sending" };
    this.#change({ pending: [...this.state.latest.pending, pending], problem: null });
    this.state.flush();
    this.#deliver();
  }

  /** Remove an unsent message and return it. */
  withdraw(id: string): Pending | null {
    const found = this.state.latest.pending.find((each) => each.id === id && each.status !== "sending");
    if (!found) return null;
    this.#change({ pending: this.state.latest.pending.filter((each) => each !== found) });
    this.state.flush();
    return found;
  }

  /** Remove the last queued message and return it; null if there is none. */
  withdrawLast(): Pending | null {
    const last = this.state.latest.pending.findLast((each) => each.status === "queued");
    return last ? this.withdraw(last.id) : null;
  }

  /** Stop the active run. */
  stop(): void {
    this.#send({ type: "stop", chat_id: this.id });
  }

  /** Decide about a tool call. Returns false if not connected. */
  decide(approvalId: string, decision: Decision): boolean {
    return this.#send({ type: "decide", chat_id: this.id, approval_id: approvalId, ...decision });
  }

  /** Answer a question of a tool. Returns false if not connected. */
  answer(runId: string, questionId: string, answer: QuestionAnswer): boolean {
    return this.#send({ type: "answer", chat_id: this.id, run_id: runId, question_id: questionId, ...answer });
  }

  dismissProblem(): void {
    this.#change({ problem: null });
    this.state.flush();
  }

  receive(incoming: Exclude<Incoming, { kind: "ready" | "pong" | "unknown" }>): void {
    switch (incoming.kind) {
      case "attached":
        this.#attached = true;
        this.#attachedSeq = incoming.seq;
        if (incoming.temporary) this.#change({ temporary: true });
        if (!incoming.exists && this.#isUnknown()) this.#change({ phase: "missing" });
        break;
      case "snapshot":
        this.#change({ session: withSnapshot(this.state.latest.session, incoming.view, incoming.earlier) });
        this.#confirmFromSnapshot();
        break;
      case "earlier":
        this.#receiveEarlier(incoming);
        break;
      case "event":
        this.#receiveEvent(incoming.logged, incoming.clientMessageId);
        break;
      case "plugin":
        this.#receivePluginEvent(incoming);
        break;
      case "accepted":
        this.#change({ pending: this.state.latest.pending.filter((each) => each.id !== incoming.clientMessageId) });
        break;
      case "error":
        this.#receiveError(incoming);
        break;
      default: {
        const never: never = incoming;
        return never;
      }
    }
    this.#deliverWhenReady();
  }

  #receiveEvent(logged: LoggedEvent, clientMessageId: string | null): void {
    const { session } = this.state.latest;
    // A replay may overlap with live events: apply each one once.
    if (logged.seq <= session.view.seq) return;
    const next = apply(session, logged);
    this.#change({ session: next });
    // A version was selected whose runs aren't here: get a snapshot.
    if (next.stale && !session.stale) this.attach();
    if (logged.event.type === "run.started") this.#confirm(logged.event.input.text, clientMessageId);
  }

  #receivePluginEvent({ event, runId, atMs }: Extract<Incoming, { kind: "plugin" }>): void {
    const { runs, attempt } = this.state.latest.session.view;
    const after = attempt?.run_id === runId ? attempt : (runs.find((run) => run.run_id === runId) ?? runs.at(-1));
    this.#change({ pluginMessages: withPluginMessage(this.state.latest.pluginMessages, event, after?.run_id ?? null, atMs) });
  }

  #receiveEarlier({ before, runs, versions, earlier }: Extract<Incoming, { kind: "earlier" }>): void {
    const { session } = this.state.latest;
    if (session.view.runs[0]?.run_id === before) this.#change({ session: prepended(session, runs, versions, earlier) });
  }

  #receiveError(error: Extract<Incoming, { kind: "error" }>): void {
    if (error.code === "not_found" && error.clientMessageId === null) {
      // It never existed or was deleted, perhaps by another client.
      this.#change({ phase: "missing", session: emptySession(this.id), pending: [] });
      return;
    }
    if (error.field === "after" || error.field === "before") {
      // The server rejects our cursor (it lost its log, or a run was replaced): start over.
      this.#change({ session: emptySession(this.id) });
      this.attach();
      return;
    }
    const sending = this.state.latest.pending.find((each) =>
      error.clientMessageId ? each.id === error.clientMessageId : each.status === "sending" && this.#unanswered.has(each.id),
    );
    if (!sending) {
      this.#change({ problem: withRetryTime(error.detail, error.retryAfter) });
      return;
    }
    const failed: Pending = { ...sending, status: "failed", problem: withRetryTime(error.detail, error.retryAfter) };
    const { pending } = this.state.latest;
    this.#change({ pending: pending.with(pending.indexOf(sending), failed) });
  }

  /** Whether nothing was received and nothing is about to be sent. */
  #isUnknown(): boolean {
    const { phase, pending } = this.state.latest;
    return phase === "loading" && pending.length === 0;
  }

  /** A message has reached the log, so it is no longer pending. */
  #confirm(text: string, clientMessageId: string | null): void {
    const { pending } = this.state.latest;
    const found = pending.find((each) => (clientMessageId ? each.id === clientMessageId : each.status === "sending" && each.text === text));
    if (found) this.#change({ pending: pending.filter((each) => each !== found) });
  }

  /** After a snapshot, the last message in it may have been pending. */
  #confirmFromSnapshot(): void {
    const { runs, attempt } = this.state.latest.session.view;
    const last = attempt ?? runs.at(-1);
    if (last) this.#confirm(last.input.text, null);
  }

  /** Send queued messages once the log so far has arrived. */
  #deliverWhenReady(): void {
    if (!this.#attached || this.state.latest.session.view.seq < this.#attachedSeq) return;
    if (this.state.latest.phase === "loading") this.#change({ phase: "ready" });
    this.#deliver();
  }

  #deliver(): void {
    const { pending, session, phase } = this.state.latest;
    if (!this.#attached || phase !== "ready" || session.view.seq < this.#attachedSeq) return;
    const next = pending.find((each) => each.status !== "failed");
    if (!next || this.#unanswered.has(next.id) || (next.status === "queued" && this.running)) return;
    this.#change({ pending: pending.with(pending.indexOf(next), { ...next, status: "sending" }) });
    this.#unanswered.add(next.id);
    const { files, ...options } = next.options;
    const named = files ? { context_files: files.map((file) => file.id) } : {};
    this.#send({ type: "message", chat_id: this.id, content: next.text, client_message_id: next.id, ...options, ...named });
  }

  #change(part: Partial<ChatState>): void {
    this.state.set({ ...this.state.latest, ...part });
  }
}

function isActive(run: RunView | undefined): boolean {
  return run?.status === "running" || run?.status === "waiting";
}

/** The `/stop` command, which other clients of the protocol support too. */
function isStop(text: string): boolean {
  return text.length < 100 && text.trim().toLowerCase() === "/stop";
}
