/** `/ws`: connects, and after a loss connects again with growing pauses. What to catch up on is the client's business. */

import { toJson } from "@/events/cut";

import { ApiProblem } from "./api";
import type { Command, Connection, Listener, Transport } from "./transport";


/** What a transport needs of a socket; a browser's `WebSocket` has it. */
export interface Socket {
  addEventListener(type: "open" | "message" | "close", listener: (event: { readonly data?: unknown }) => void): void;
  readonly readyState: number;
  send(text: string): void;
  close(): void;
}

export interface Surroundings {
  /** Where to connect to, asked anew each time: a ticket is for one socket only. Given up once the signal is aborted. */
  readonly address: (given: AbortSignal) => Promise<string>;
  readonly connect: (address: string) => Socket;
  /** Whether there is a network between here and the server, as far as is known. */
  readonly isOnline: () => boolean;
  /** Call back when the network comes or goes, or somebody looks at the page again; returns how to stop listening. */
  readonly whenThingsChange: (changed: () => void) => () => void;
  readonly random: () => number;
}

/** Whether a host is this machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

const OPEN = 1;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;
/** An attempt to connect that takes longer comes to nothing. */
const CONNECT_MS = 10_000;
/** A server from which nothing is heard for so long is asked whether it is there. */
const QUIET_MS = 15_000;
/** A server that is there says something within this; after a wait in vain, within twice as much, and so on. */
const ANSWER_MS = 5_000;
const LONGEST_ANSWER_MS = 60_000;
const PING = JSON.stringify({ type: "ping" });

export class WebSocketTransport implements Transport {
  readonly #around: Surroundings;
  #listener: Listener | null = null;
  #socket: Socket | null = null;
  /** The next step: an attempt, or what to do about silence. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  /** The attempt that goes on. */
  #connecting: AbortController | null = null;
  #answerMs = ANSWER_MS;
  /** Whether the server was asked if it is there, and nothing was heard since. */
  #asked = false;
  /** Whether anything was heard since the timer was set. */
  #heard = false;
  /** Rises with every attempt and at the end: what an earlier one still reports is ignored. */
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
    // What the user says is not to vanish for long; what is attached may take its time.
    if (command.type === "message" || command.type === "stop") this.#ask();
    return true;
  }

  retry(): void {
    if (this.#listener && this.#socket?.readyState !== OPEN) this.#connect();
  }

  /** A socket that lost its network, or slept through the loss, stays open for minutes and hears nothing. */
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

  /** Frames come by the thousand: the timer is not set anew for each of them. */
  #waitForSilence(): void {
    this.#asked = this.#heard = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#heard ? this.#waitForSilence() : this.#ask()), QUIET_MS);
  }

  /** Ask whether the server is there, and connect anew where nothing is heard in time. */
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
    // What it waits for may hang on a connection that died; the next one is not to be given the same.
    this.#connecting?.abort();
    this.#connecting = null;
    this.#socket?.close();
    this.#socket = null;
  }

  #tell(now: Connection): void {
    this.#listener?.connection(now);
  }
}
