/** A fake server for tests. */

import { encodeFrame } from "@/events/encode-frame";
import type { LoggedEvent } from "@/events/types.gen";

import type { Command, Listener, Transport } from "./transport";

export const ID = "conv_golden";

/** A server with one conversation, controlled by the test. */
export class FakeServer implements Transport {
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

  reconnect(): void {}

  connect(): void {
    this.connected = true;
    this.#listener?.connection({ state: "open" });
  }

  lose(): void {
    this.connected = false;
    this.#listener?.connection({ state: "waiting", attempt: 1, retryAt: 0, problem: null });
  }

  emit(...log: readonly LoggedEvent[]): void {
    for (const logged of log) this.#listener?.frame(encodeFrame(logged));
  }

  /** Send the event of a run that this client's message started. */
  emitFor(clientMessageId: string, logged: LoggedEvent): void {
    this.#listener?.frame(encodeFrame(logged, clientMessageId));
  }

  frame(frame: object): void {
    this.#listener?.frame(JSON.stringify(frame));
  }

  attached(seq: number): void {
    this.frame({ event: "attached", chat_id: ID, seq, floor: 0, running: [] });
  }

  get sentTexts(): string[] {
    return this.commands.flatMap((command) => (command.type === "message" ? command.content : []));
  }
}
