/** The connection to a server, implemented by a WebSocket and by replays. */

import type { Decision, QuestionAnswer } from "@/events/decisions";
import type { AttachedFile } from "@/events/types.gen";

export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "open" }
  /** `problem`: why the server rejects the connection; null if it is unreachable. */
  | { readonly state: "waiting"; readonly attempt: number; readonly retryAt: number; readonly problem: string | null }
  | { readonly state: "offline" }
  /** The server needs a login. It isn't asked again until `retry`, or until the page becomes visible. */
  | { readonly state: "unauthorized" };

export type Effort = string | number;

/** An uploaded file and its metadata. */
export interface MessageFile extends AttachedFile {
  /** URL of its contents. */
  readonly address: string | null;
}

export interface MessageOptions {
  readonly model?: string;
  readonly reasoning_effort?: Effort;
  readonly max_iterations?: number;
  /** Attached files. If omitted with `replaces`, the replaced run's files are used. */
  readonly files?: readonly MessageFile[];
  /** The run this message is a new version of. */
  readonly replaces?: string;
}

export type Command =
  | { readonly type: "attach"; readonly chat_id: string; readonly events: "log"; readonly after?: number; readonly last: number }
  | { readonly type: "earlier"; readonly chat_id: string; readonly before: string; readonly limit: number }
  | ({ readonly type: "message"; readonly chat_id: string; readonly content: string; readonly client_message_id: string; readonly context_files?: readonly string[] } & Omit<MessageOptions, "files">)
  | { readonly type: "stop"; readonly chat_id: string }
  | ({ readonly type: "decide"; readonly chat_id: string; readonly approval_id: string } & Decision)
  | ({ readonly type: "answer"; readonly chat_id: string; readonly run_id: string; readonly question_id: string } & QuestionAnswer)
  | { readonly type: "detach"; readonly chat_id: string };

export interface Listener {
  /** Called with the text of each frame. */
  frame(text: string): void;
  connection(now: Connection): void;
}

export interface Transport {
  /** Connect and reconnect until the returned function is called. */
  open(listener: Listener): () => void;
  /** Send a command. Returns false if not connected; nothing is queued. */
  send(command: Command): boolean;
  /** Reconnect now instead of after the delay. */
  retry(): void;
  /** Replace an open connection by a new one, with the current login. */
  reconnect(): void;
}
