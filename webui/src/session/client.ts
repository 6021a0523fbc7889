/** All open conversations over one connection. */

import { decode } from "@/events/decode";

import { Store, type Schedule } from "./store";
import { Chat } from "./chat";
import { ServerClock } from "./server-clock";
import type { Connection, Transport } from "./transport";

/** Maximum conversations attached at once, below the server's limit per socket. */
const MAX_CHATS = 32;

export class Client {
  readonly clock: ServerClock;
  readonly connection: Store<Connection>;
  /** Incremented when any run starts or ends, or a conversation is gone, so that the conversation list is refreshed. */
  readonly changes: Store<number>;
  readonly #transport: Transport;
  readonly #schedule: Schedule | undefined;
  readonly #chats = new Map<string, Chat>();

  constructor(transport: Transport, schedule?: Schedule, clock = new ServerClock()) {
    this.#transport = transport;
    this.#schedule = schedule;
    this.clock = clock;
    this.connection = new Store<Connection>({ state: "connecting" }, schedule);
    this.changes = new Store(0, schedule);
  }

  /** Connect. The returned function disconnects. */
  start(): () => void {
    return this.#transport.open({
      frame: (text) => this.#frame(text),
      connection: (now) => this.#connected(now),
    });
  }

  /** Return a conversation and attach to it. */
  chat(id: string): Chat {
    const known = this.#chats.get(id);
    if (known) return known;
    this.#evictIdle();
    const chat = new Chat(id, (command) => this.#transport.send(command), this.#schedule);
    this.#chats.set(id, chat);
    if (this.connection.latest.state === "open") chat.attach();
    return chat;
  }

  /** Detach from a conversation. */
  forget(id: string): void {
    if (this.#chats.delete(id)) this.#transport.send({ type: "detach", chat_id: id });
  }

  /** Unsent messages by conversation, which closing the page would lose. */
  unsent(): ReadonlyMap<string, readonly string[]> {
    return new Map([...this.#chats].map(([id, chat]) => [id, chat.unsent] as const).filter(([, texts]) => texts.length > 0));
  }

  /** Detach from the oldest idle conversation. */
  #evictIdle(): void {
    if (this.#chats.size < MAX_CHATS) return;
    const idle = [...this.#chats.values()].find((chat) => !chat.busy);
    if (idle) this.forget(idle.id);
  }

  retry(): void {
    this.#transport.retry();
  }

  reconnect(): void {
    this.#transport.reconnect();
  }

  /** Drop all conversations and what wasn't sent, for another owner. */
  forgetAll(): void {
    for (const id of this.#chats.keys()) this.forget(id);
  }

  #connected(now: Connection): void {
    this.connection.set(now);
    for (const chat of this.#chats.values()) {
      if (now.state === "open") chat.attach();
      else chat.detach();
    }
  }

  #frame(text: string): void {
    const incoming = decode(text);
    switch (incoming.kind) {
      case "ready":
      case "pong":
      case "unknown":
        return;
      case "event": {
        const { logged } = incoming;
        this.clock.observe(logged.at_ms);
        this.#chats.get(logged.conversation_id)?.receive(incoming);
        if (logged.event.type === "run.started" || logged.event.type === "run.ended") this.changes.set(this.changes.latest + 1);
        return;
      }
      case "attached":
      case "plugin":
      case "accepted":
      case "earlier":
        this.#chats.get(incoming.chatId)?.receive(incoming);
        return;
      case "snapshot":
        this.#chats.get(incoming.view.conversation_id)?.receive(incoming);
        return;
      case "error":
        this.#receiveError(incoming);
        return;
      default: {
        const never: never = incoming;
        return never;
      }
    }
  }

  /** Errors without a chat go to the most recent one. */
  #receiveError(error: Extract<ReturnType<typeof decode>, { kind: "error" }>): void {
    const chat = error.chatId === null ? [...this.#chats.values()].at(-1) : this.#chats.get(error.chatId);
    chat?.receive(error);
    if (chat?.state.latest.phase === "missing") this.changes.set(this.changes.latest + 1);
  }
}
