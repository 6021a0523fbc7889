/** The one door to a server of conversations. A WebSocket and a replay implement it. */

import type { AttachedFile } from "@/events/types.gen";

export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "open" }
  /** `problem`: why the server lets nobody in, in its words; null where it is not there. */
  | { readonly state: "waiting"; readonly attempt: number; readonly retryAt: number; readonly problem: string | null }
  | { readonly state: "offline" };

export type Effort = string | number;

/** A file that the server knows by its id, and what to show of it. */
export interface MessageFile extends AttachedFile {
  /** Where it can be looked at. */
  readonly address: string | null;
}

export interface MessageOptions {
  readonly model?: string;
  readonly reasoning_effort?: Effort;
  readonly max_iterations?: number;
  /** What goes along. Without it nothing does; but with `replaces` what went along with that run. */
  readonly files?: readonly MessageFile[];
  /** The run that this message is a new version of. */
  readonly replaces?: string;
}

export type Command =
  | { readonly type: "attach"; readonly chat_id: string; readonly after?: number; readonly last: number }
  | { readonly type: "earlier"; readonly chat_id: string; readonly before: string; readonly limit: number }
  | ({ readonly type: "message"; readonly chat_id: string; readonly content: string; readonly client_message_id: string; readonly context_files?: readonly string[] } & Omit<MessageOptions, "files">)
  | { readonly type: "stop"; readonly chat_id: string }
  | { readonly type: "detach"; readonly chat_id: string };

export interface Listener {
  /** The text of one frame of the server. */
  frame(text: string): void;
  connection(now: Connection): void;
}

export interface Transport {
  /** Connect, and connect again whenever the connection is lost, until the returned function is called. */
  open(listener: Listener): () => void;
  /** Send a command. False where nothing is connected: nothing is kept for later. */
  send(command: Command): boolean;
  /** Try again now instead of when the wait is over. */
  retry(): void;
}
