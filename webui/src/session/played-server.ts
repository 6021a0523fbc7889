/** A fake server for tests. */

import { encodeFrame } from "@/events/encode-frame";
import type { LoggedEvent } from "@/events/types.gen";

import type { Command, Listener, Transport } from "./transport";

export const ID = "conv_golden";

/** A server with one conversation, controlled by the test. */
export class PlayedServer implements Transport {
  commands: Command[] = [];
  connected = false;
  #listener: Listener | null = null;

  open(listener: Listener): () => void {
    this.#listener = listener;
    return () => undefined;
  }

  send(command: Command): boolean {
    if (this.connected) this.commands.push(command);
    return this.connected;
  }

  retry(): void {}

  connect(): void {
    this.connected = true;
    this.#listener?.connection({ state: "open" });
  }

  lose(): void {
    this.connected = false;
    this.#listener?.connection({ state: "waiting", attempt: 1, retryAt: 0, problem: null });
  }

  say(...log: readonly LoggedEvent[]): void {
    for (const recorded of log) this.#listener?.frame(encodeFrame(recorded));
  }

  frame(frame: object): void {
    this.#listener?.frame(JSON.stringify(frame));
  }

  attached(seq: number): void {
    this.frame({ event: "attached", chat_id: ID, seq, floor: 0, running: [] });
  }

  get said(): string[] {
    return this.commands.flatMap((command) => (command.type === "message" ? command.content : []));
  }
}
