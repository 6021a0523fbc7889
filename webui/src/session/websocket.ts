/** `/ws` transport: reconnects with exponential backoff. Catching up is the client's job. */

import { toJson } from "@/events/cut";

import { ApiProblem } from "./api";
import type { Command, Connection, Listener, Transport } from "./transport";


/** The part of the browser's `WebSocket` that the transport uses. */
export interface Socket {
  addEventListener(type: "open" | "message" | "close", listener: (event: { readonly data?: unknown }) => void): void;
  readonly readyState: number;
  send(text: string): void;
  close(): void;
}

export interface Surroundings {
  /** The URL to connect to, fetched for each attempt since tickets are single-use. Aborted by the signal. */
  readonly address: (given: AbortSignal) => Promise<string>;
  readonly connect: (address: string) => Socket;
  /** Whether the network appears to be up. */
  readonly isOnline: () => boolean;
  /** Call back when the network changes or the page becomes visible; returns an unsubscribe function. */
  readonly whenThingsChange: (changed: () => void) => () => void;
  readonly random: () => number;
}

/** Whether a host is the local machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

const OPEN = 1;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;
/** Timeout for connection attempts. */
const CONNECT_MS = 10_000;
/** Send a ping after this much silence. */
const QUIET_MS = 15_000;
/** Ping timeout, doubled after each failure. */
const ANSWER_MS = 5_000;
const LONGEST_ANSWER_MS = 60_000;
const PING = JSON.stringify({ type: "ping" });

export class WebSocketTransport implements Transport {
  readonly #around: Surroundings;
  #listener: Listener | null = null;
  #socket: Socket | null = null;
  /** The next connection attempt or ping. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  /** The current connection attempt. */
  #connecting: AbortController | null = null;
  #answerMs = ANSWER_MS;
  /** Whether a ping is pending. */
  #asked = false;
  /** Whether anything was received since the timer was set. */
  #heard = false;
  /** Incremented per attempt, so that events of earlier attempts are ignored. */
  #turn = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  open(listener: Listener): () => void {
    this.#listener = listener;
    const forget = this.#around.whenThingsChange(() => this.#thingsChanged());
    this.#connect();
    return () => {
      forget();
      this.#abandon();
      this.#listener = null;
    };
  }

  send(command: Command): boolean {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(toJson(command));
    // Detect a dead connection quickly when the user sends something.
    if (command.type === "message" || command.type === "stop") this.#ask();
    return true;
  }

  retry(): void {
    if (this.#listener && this.#socket?.readyState !== OPEN) this.#connect();
  }

  /** A socket that lost its network or slept through the loss stays open for minutes without receiving anything. */
  #thingsChanged(): void {
    if (!this.#around.isOnline()) {
      this.#abandon();
      this.#tell({ state: "offline" });
    } else if (this.#socket?.readyState === OPEN) {
      this.#ask();
    } else if (!this.#connecting) {
      this.#connect();
    }
  }

  #connect(): void {
    this.#abandon();
    const turn = this.#turn;
    const attempt = new AbortController();
    this.#connecting = attempt;
    this.#tell({ state: "connecting" });
    this.#timer = setTimeout(() => this.#lost(turn, null), CONNECT_MS);
    this.#around.address(attempt.signal).then(
      (address) => {
        if (turn === this.#turn) this.#watch(this.#around.connect(address), turn);
      },
      (error: unknown) => this.#lost(turn, error instanceof ApiProblem && error.status > 0 ? error.message : null),
    );
  }

  #watch(socket: Socket, turn: number): void {
    this.#socket = socket;
    socket.addEventListener("open", () => {
      if (turn !== this.#turn) return;
      this.#connecting = null;
      this.#attempt = 0;
      this.#waitForSilence();
      this.#tell({ state: "open" });
    });
    socket.addEventListener("message", (event) => {
      if (turn !== this.#turn || typeof event.data !== "string") return;
      this.#heard = true;
      if (this.#asked) this.#answered();
      this.#listener?.frame(event.data);
    });
    socket.addEventListener("close", () => this.#lost(turn, null));
  }

  #answered(): void {
    this.#answerMs = ANSWER_MS;
    this.#waitForSilence();
  }

  /** Don't reset the timer for each of thousands of frames. */
  #waitForSilence(): void {
    this.#asked = this.#heard = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#heard ? this.#waitForSilence() : this.#ask()), QUIET_MS);
  }

  /** Send a ping, and reconnect if nothing arrives in time. */
  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    clearTimeout(this.#timer);
    this.#socket?.send(PING);
    this.#timer = setTimeout(() => {
      this.#answerMs = Math.min(LONGEST_ANSWER_MS, this.#answerMs * 2);
      this.#connect();
    }, this.#answerMs);
  }

  #lost(turn: number, problem: string | null): void {
    if (turn !== this.#turn || !this.#listener) return;
    this.#abandon();
    if (!this.#around.isOnline()) {
      this.#tell({ state: "offline" });
      return;
    }
    this.#attempt += 1;
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#attempt - 1));
    const wait = longest * (0.5 + this.#around.random() / 2);
    this.#tell({ state: "waiting", attempt: this.#attempt, retryAt: Date.now() + wait, problem });
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #abandon(): void {
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#asked = false;
    // A pending request may hang on a dead connection; don't let the next attempt reuse it.
    this.#connecting?.abort();
    this.#connecting = null;
    this.#socket?.close();
    this.#socket = null;
  }

  #tell(now: Connection): void {
    this.#listener?.connection(now);
  }
}
