/** `/ws`: connects, and after a loss connects again with growing pauses. What to catch up on is the client's business. */

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
  /** Where to connect to, asked anew each time: a ticket is for one socket only. */
  readonly address: () => Promise<string>;
  readonly connect: (address: string) => Socket;
  /** Whether there is a network between here and the server, as far as is known. */
  readonly isOnline: () => boolean;
  /** Call back when the network comes or goes; returns how to stop listening. */
  readonly whenNetworkChanges: (changed: () => void) => () => void;
  readonly random: () => number;
}

/** Whether a host is this machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

const OPEN = 1;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;

export class WebSocketTransport implements Transport {
  readonly #around: Surroundings;
  #listener: Listener | null = null;
  #socket: Socket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  /** Rises with every attempt and at the end: what an earlier one still reports is ignored. */
  #turn = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  open(listener: Listener): () => void {
    this.#listener = listener;
    const forget = this.#around.whenNetworkChanges(() => this.#networkChanged());
    this.#connect();
    return () => {
      forget();
      this.#abandon();
      this.#listener = null;
    };
  }

  send(command: Command): boolean {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(command));
    return true;
  }

  retry(): void {
    if (this.#listener && this.#socket?.readyState !== OPEN) this.#connect();
  }

  /** A socket that lost its network stays open for minutes, and hears nothing. */
  #networkChanged(): void {
    if (this.#around.isOnline()) {
      this.retry();
      return;
    }
    this.#abandon();
    this.#tell({ state: "offline" });
  }

  #connect(): void {
    this.#abandon();
    const turn = this.#turn;
    this.#tell({ state: "connecting" });
    this.#around.address().then(
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
      this.#attempt = 0;
      this.#tell({ state: "open" });
    });
    socket.addEventListener("message", (event) => {
      if (turn === this.#turn && typeof event.data === "string") this.#listener?.frame(event.data);
    });
    socket.addEventListener("close", () => this.#lost(turn, null));
  }

  #lost(turn: number, problem: string | null): void {
    if (turn !== this.#turn || !this.#listener) return;
    this.#socket = null;
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
    this.#socket?.close();
    this.#socket = null;
  }

  #tell(now: Connection): void {
    this.#listener?.connection(now);
  }
}
