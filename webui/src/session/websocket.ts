/** `/ws` transport: reconnects with exponential backoff. Catching up is the client's job. */

import { toJson } from "@/events/text-slices";

import { ApiProblem } from "./api";
import type { Command, Connection, Listener, Transport } from "./transport";


/** The part of the browser's `WebSocket` that the transport uses. */
export interface Socket {
  addEventListener(type: "open" | "message" | "close", listener: (event: { readonly data?: unknown }) => void): void;
  readonly readyState: number;
  send(text: string): void;
  close(): void;
}

/** Where to connect, and the subprotocols, which carry the ticket. */
export interface SocketAddress {
  readonly url: string;
  readonly protocols: readonly string[];
}

export interface Environment {
  /** Where to connect, fetched for each attempt since tickets are single-use. Aborted by the signal. */
  readonly address: (given: AbortSignal) => Promise<SocketAddress>;
  readonly connect: (address: SocketAddress) => Socket;
  /** Whether the network appears to be up. */
  readonly isOnline: () => boolean;
  /** Call back when the network changes or the page becomes visible; returns an unsubscribe function. */
  readonly onEnvironmentChange: (changed: () => void) => () => void;
  readonly random: () => number;
}

/** Whether a host is the local machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

const OPEN = 1;
const FIRST_WAIT_MS = 400;
const MAX_WAIT_MS = 15_000;
/** Timeout for connection attempts. */
const CONNECT_MS = 10_000;
/** Send a ping after this much silence. */
const SILENCE_MS = 15_000;
/** Ping timeout, doubled after each failure. */
const PONG_TIMEOUT_MS = 5_000;
const MAX_PONG_TIMEOUT_MS = 60_000;
const PING = JSON.stringify({ type: "ping" });

export class WebSocketTransport implements Transport {
  readonly #environment: Environment;
  #listener: Listener | null = null;
  #socket: Socket | null = null;
  /** The next connection attempt or ping. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  /** The current connection attempt. */
  #connecting: AbortController | null = null;
  #pongTimeoutMs = PONG_TIMEOUT_MS;
  /** Whether a ping is pending. */
  #pinged = false;
  /** Whether anything was received since the timer was set. */
  #received = false;
  /** Incremented per attempt, so that events of earlier attempts are ignored. */
  #generation = 0;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  open(listener: Listener): () => void {
    this.#listener = listener;
    const forget = this.#environment.onEnvironmentChange(() => this.#environmentChanged());
    this.#connect();
    return () => {
      forget();
      this.#disconnect();
      this.#listener = null;
    };
  }

  send(command: Command): boolean {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(toJson(command));
    // Detect a dead connection quickly when the user sends something.
    if (command.type === "message" || command.type === "stop") this.#ping();
    return true;
  }

  retry(): void {
    if (this.#listener && this.#socket?.readyState !== OPEN) this.#connect();
  }

  reconnect(): void {
    if (this.#listener && !this.#connecting) this.#connect();
  }

  /** A socket that lost its network or slept through the loss stays open for minutes without receiving anything. */
  #environmentChanged(): void {
    if (!this.#environment.isOnline()) {
      this.#disconnect();
      this.#notify({ state: "offline" });
    } else if (this.#socket?.readyState === OPEN) {
      this.#ping();
    } else if (!this.#connecting) {
      this.#connect();
    }
  }

  #connect(): void {
    this.#disconnect();
    const generation = this.#generation;
    const attempt = new AbortController();
    this.#connecting = attempt;
    this.#notify({ state: "connecting" });
    this.#timer = setTimeout(() => this.#connectionLost(generation, null), CONNECT_MS);
    this.#environment.address(attempt.signal).then(
      (address) => {
        if (generation === this.#generation) this.#watch(this.#environment.connect(address), generation);
      },
      (error: unknown) => {
        if (error instanceof ApiProblem && error.status === 401) this.#unauthorized(generation);
        else this.#connectionLost(generation, error instanceof ApiProblem && error.status > 0 ? error.message : null);
      },
    );
  }

  #watch(socket: Socket, generation: number): void {
    this.#socket = socket;
    socket.addEventListener("open", () => {
      if (generation !== this.#generation) return;
      this.#connecting = null;
      this.#attempt = 0;
      this.#watchForSilence();
      this.#notify({ state: "open" });
    });
    socket.addEventListener("message", (event) => {
      if (generation !== this.#generation || typeof event.data !== "string") return;
      this.#received = true;
      if (this.#pinged) this.#ponged();
      this.#listener?.frame(event.data);
    });
    socket.addEventListener("close", () => this.#connectionLost(generation, null));
  }

  #ponged(): void {
    this.#pongTimeoutMs = PONG_TIMEOUT_MS;
    this.#watchForSilence();
  }

  /** Don't reset the timer for each of thousands of frames. */
  #watchForSilence(): void {
    this.#pinged = this.#received = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#received ? this.#watchForSilence() : this.#ping()), SILENCE_MS);
  }

  /** Send a ping, and reconnect if nothing arrives in time. */
  #ping(): void {
    if (this.#pinged) return;
    this.#pinged = true;
    clearTimeout(this.#timer);
    this.#socket?.send(PING);
    this.#timer = setTimeout(() => {
      this.#pongTimeoutMs = Math.min(MAX_PONG_TIMEOUT_MS, this.#pongTimeoutMs * 2);
      this.#connect();
    }, this.#pongTimeoutMs);
  }

  #connectionLost(generation: number, problem: string | null): void {
    if (generation !== this.#generation || !this.#listener) return;
    this.#disconnect();
    if (!this.#environment.isOnline()) {
      this.#notify({ state: "offline" });
      return;
    }
    this.#attempt += 1;
    const longest = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#attempt - 1));
    const wait = longest * (0.5 + this.#environment.random() / 2);
    this.#notify({ state: "waiting", attempt: this.#attempt, retryAt: Date.now() + wait, problem });
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #unauthorized(generation: number): void {
    if (generation !== this.#generation || !this.#listener) return;
    this.#disconnect();
    this.#notify({ state: "unauthorized" });
  }

  #disconnect(): void {
    this.#generation += 1;
    clearTimeout(this.#timer);
    this.#pinged = false;
    // A pending request may hang on a dead connection; don't let the next attempt reuse it.
    this.#connecting?.abort();
    this.#connecting = null;
    this.#socket?.close();
    this.#socket = null;
  }

  #notify(now: Connection): void {
    this.#listener?.connection(now);
  }
}
