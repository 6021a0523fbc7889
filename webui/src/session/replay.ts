/** Replays a recorded log as if a server sent it, for the gallery and tests. */

import type { LoggedEvent } from "@/events/types.gen";
import { encodeFrame } from "@/events/encode-frame";

import type { Command, Listener, Transport } from "./transport";

export class ReplayTransport implements Transport {
  readonly commands: Command[] = [];
  readonly #log: readonly LoggedEvent[];
  #listener: Listener | null = null;

  constructor(log: readonly LoggedEvent[]) {
    this.#log = log;
  }

  open(listener: Listener): () => void {
    this.#listener = listener;
    listener.connection({ state: "open" });
    return () => {
      this.#listener = null;
    };
  }

  send(command: Command): boolean {
    this.commands.push(command);
    if (command.type === "attach") {
      const seq = this.#log.at(-1)?.seq ?? 0;
      this.#emit(JSON.stringify({ event: "attached", chat_id: command.chat_id, seq, floor: 0, running: [] }));
      for (const logged of this.#log) {
        if (logged.seq > (command.after ?? 0)) this.#emit(encodeFrame(logged));
      }
    }
    return this.#listener !== null;
  }

  reconnect(): void {}

  retry(): void {
    this.#listener?.connection({ state: "open" });
  }

  #emit(frame: string): void {
    this.#listener?.frame(frame);
  }
}

/** Parse a log in JSON Lines format, as in the golden sessions. */
export function parseLog(text: string): LoggedEvent[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LoggedEvent);
}
