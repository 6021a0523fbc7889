/** Decodes `/ws` frames into typed values. The only module that knows the frame names. */

import type { ConversationView, Event, LoggedEvent, RunView } from "./types.gen";

/** A decoded frame. Frames that this version doesn't know become `unknown` instead of throwing. */
export type Incoming =
  | { readonly kind: "ready"; readonly chatId: string }
  | { readonly kind: "attached"; readonly chatId: string; readonly seq: number; readonly exists: boolean; readonly temporary: boolean }
  | { readonly kind: "event"; readonly logged: LoggedEvent; readonly clientMessageId: string | null }
  /** From a plugin, not in the log. */
  | { readonly kind: "plugin"; readonly chatId: string; readonly runId: string | null; readonly atMs: number; readonly event: PluginEvent }
  /** A command sent as a message, such as `/stop`, was executed. */
  | { readonly kind: "accepted"; readonly chatId: string; readonly clientMessageId: string | null }
  | { readonly kind: "snapshot"; readonly view: ConversationView; readonly earlier: boolean }
  /** The runs before `before`. */
  | {
      readonly kind: "earlier";
      readonly chatId: string;
      readonly before: string;
      readonly runs: readonly RunView[];
      readonly versions: ConversationView["versions"];
      readonly earlier: boolean;
    }
  | { readonly kind: "error"; readonly detail: string; readonly code: string; readonly field: string; readonly retryAfter: number | null; readonly chatId: string | null; readonly clientMessageId: string | null }
  /** The answer to a ping. */
  | { readonly kind: "pong" }
  | { readonly kind: "unknown"; readonly name: string };

/** A plugin's message or thought: complete, or streamed in its own segment. */
export type PluginEvent =
  | { readonly type: "message" | "thought"; readonly text: string }
  | { readonly type: "answer.delta" | "reasoning.delta"; readonly stream: string; readonly text: string }
  | { readonly type: "answer.ended" | "reasoning.ended"; readonly stream: string; readonly interrupted: boolean; readonly durationMs: number | null };

type Fields = Readonly<Record<string, unknown>>;

class InvalidFrame extends Error {}

/** Decode one frame. */
export function decode(line: string): Incoming {
  let frame: unknown;
  try {
    frame = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: "unknown", name: "invalid JSON" };
    throw error;
  }
  if (!isFields(frame) || typeof frame["event"] !== "string") return { kind: "unknown", name: "not an event" };
  try {
    return read(frame["event"], frame);
  } catch (error) {
    if (error instanceof InvalidFrame) return { kind: "unknown", name: `${frame["event"]}: ${error.message}` };
    throw error;
  }
}

function read(name: string, frame: Fields): Incoming {
  switch (name) {
    case "log":
      return { kind: "event", logged: loggedEvent(frame["entry"]), clientMessageId: optional(frame, "client_message_id") };
    case "ready":
      return { kind: "ready", chatId: text(frame, "chat_id") };
    case "attached":
      return {
        kind: "attached",
        chatId: text(frame, "chat_id"),
        seq: integer(frame, "seq"),
        exists: frame["exists"] !== false,
        temporary: frame["temporary"] === true,
      };
    case "snapshot":
      return { kind: "snapshot", view: conversation(frame), earlier: frame["earlier"] === true };
    case "earlier":
      return { kind: "earlier", chatId: text(frame, "chat_id"), before: text(frame, "before"), runs: runs(frame), versions: versions(frame), earlier: frame["earlier"] === true };
    case "pong":
      return { kind: "pong" };
    case "message_accepted":
      // A message that starts a run arrives as an event of the log.
      if (frame["starts_turn"] !== false) return { kind: "unknown", name };
      return { kind: "accepted", chatId: text(frame, "chat_id"), clientMessageId: optional(frame, "client_message_id") };
    case "error":
      // The end of a failed run says why it failed.
      if (optional(frame, "run_id") !== null) return { kind: "unknown", name: "run error" };
      return {
        kind: "error",
        detail: text(frame, "detail"),
        code: text(frame, "code", ""),
        field: text(frame, "field", ""),
        retryAfter: typeof frame["retry_after"] === "number" ? frame["retry_after"] : null,
        chatId: optional(frame, "chat_id"),
        clientMessageId: optional(frame, "client_message_id"),
      };
    default:
      return plugin(name, frame);
  }
}

function plugin(name: string, frame: Fields): Incoming {
  const reader = Object.hasOwn(PLUGIN_EVENTS, name) ? PLUGIN_EVENTS[name] : undefined;
  // Older plugins omit `seq`, but only in complete messages.
  const isLogged = name === "message" ? typeof frame["seq"] === "number" : frame["seq"] !== null;
  if (!reader || isLogged) return { kind: "unknown", name };
  return { kind: "plugin", chatId: text(frame, "chat_id"), runId: optional(frame, "run_id"), atMs: integer(frame, "at_ms", 0), event: reader(frame) };
}

const PLUGIN_EVENTS: Readonly<Record<string, (frame: Fields) => PluginEvent>> = {
  message: (frame) => ({ type: frame["kind"] === "reasoning" ? "thought" : "message", text: text(frame, "text") }),
  delta: (frame) => ({ type: "answer.delta", stream: text(frame, "stream_id", ""), text: text(frame, "text") }),
  stream_end: (frame) => ({ type: "answer.ended", stream: text(frame, "stream_id", ""), interrupted: frame["interrupted"] === true, durationMs: null }),
  reasoning_delta: (frame) => ({ type: "reasoning.delta", stream: text(frame, "stream_id", ""), text: text(frame, "text") }),
  reasoning_end: (frame) => ({
    type: "reasoning.ended",
    stream: text(frame, "stream_id", ""),
    interrupted: frame["interrupted"] === true,
    // Plugins send 0 when they don't know the duration.
    durationMs: integer(frame, "duration_ms", 0) || null,
  }),
};

type Check = (value: unknown) => boolean;
/** A check for each required field of an event. The compiler reports missing ones. */
type Checks<E> = { readonly [K in keyof E as K extends "type" ? never : object extends Pick<E, K> ? never : K]: Check };

const isText: Check = (value) => typeof value === "string";
const isInteger: Check = (value) => typeof value === "number";
const isObject: Check = (value) => isFields(value);
const isOneOf = <T extends string>(...known: readonly T[]): Check => (value) => known.some((each) => each === value);
const isInput: Check = (value) => isFields(value) && isText(value["text"]);

const CHECKS: { readonly [T in Event["type"]]: Checks<Extract<Event, { type: T }>> } = {
  "run.started": { model: isText, max_iterations: isInteger, input: isInput },
  "iteration.started": { iteration: isInteger, max_iterations: isInteger, message: isText },
  "reasoning.delta": { segment_id: isText, text: isText },
  "reasoning.ended": { segment_id: isText, duration_ms: isInteger },
  "answer.delta": { segment_id: isText, text: isText },
  "answer.ended": { segment_id: isText },
  "segment.reclassified": { segment_id: isText, to: isOneOf("reasoning", "withdrawn"), duration_ms: isInteger },
  "tool.started": { tool_call_id: isText, name: isText, arguments: isText },
  "tool.ended": {
    tool_call_id: isText,
    name: isText,
    status: isOneOf("ok", "error", "timeout", "cancelled", "unknown_tool", "invalid_arguments", "denied", "expired", "interrupted"),
    result: isText,
    duration_ms: isInteger,
  },
  "tool.progress": { tool_call_id: isText, name: isText },
  "tool.requested": { tool_call_id: isText, name: isText, arguments: isText },
  "model.responded": { iteration: isInteger, finish_reason: isText, reasoning_status: isOneOf("none", "shown", "hidden_by_provider", "hidden_by_policy") },
  "approval.requested": {
    approval_id: isText,
    tool_call_id: isText,
    action: isText,
    title: isText,
    arguments: isText,
    reason: isText,
    editable: (value) => typeof value === "boolean",
    allowed_remember: Array.isArray,
    iteration: isInteger,
    expires_at_ms: isInteger,
  },
  "approval.resolved": {
    approval_id: isText,
    tool_call_id: isText,
    decision: isOneOf("approved", "denied", "expired", "cancelled"),
    by: isObject,
  },
  "question.requested": { question_id: isText, tool_call_id: isText, mode: isOneOf("form", "url"), message: isText, expires_at_ms: isInteger },
  "question.resolved": { question_id: isText, action: isOneOf("accept", "decline", "cancel") },
  "run.checkpoint": { timing: isObject },
  notice: { code: isText, message: isText },
  "run.ended": { status: isOneOf("completed", "stopped", "max_iterations", "failed"), iterations: isInteger, timing: isObject },
  "version.selected": { run_id: isText },
};

/** Validate an event of the log: its place and the fields that the fold needs. */
function loggedEvent(value: unknown): LoggedEvent {
  if (!isFields(value)) throw new InvalidFrame("entry");
  const event = value["event"];
  if (!isFields(event)) throw new InvalidFrame("entry.event");
  const type = text(event, "type");
  const checks: Readonly<Record<string, Check>> | undefined = Object.hasOwn(CHECKS, type) ? CHECKS[type as Event["type"]] : undefined;
  if (!checks) throw new InvalidFrame(type);
  for (const key in checks) if (!checks[key]?.(event[key])) throw new InvalidFrame(`${type}.${key}`);
  integer(value, "seq");
  integer(value, "at_ms");
  text(value, "conversation_id");
  text(value, "run_id");
  return value as unknown as LoggedEvent;
}

function conversation(frame: Fields): ConversationView {
  const view = frame["conversation"];
  if (!isFields(view)) throw new InvalidFrame("conversation");
  const attempt = isFields(view["attempt"]) ? (view["attempt"] as unknown as RunView) : null;
  return { ...(view as unknown as ConversationView), runs: runs(view), versions: versions(view), attempt, seq: integer(frame, "seq") };
}

function versions(frame: Fields): ConversationView["versions"] {
  const value = frame["versions"];
  return isFields(value) ? (value as ConversationView["versions"]) : {};
}

/** Runs folded by the server. */
function runs(frame: Fields): readonly RunView[] {
  const value = frame["runs"];
  if (!Array.isArray(value)) throw new InvalidFrame("runs");
  return value as readonly RunView[];
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(frame: Fields, key: string, fallback?: string): string {
  const value = frame[key] ?? fallback;
  if (typeof value !== "string") throw new InvalidFrame(key);
  return value;
}

function optional(frame: Fields, key: string): string | null {
  const value = frame[key];
  return typeof value === "string" ? value : null;
}

function integer(frame: Fields, key: string, fallback?: number): number {
  const value = frame[key] ?? fallback;
  if (typeof value !== "number") throw new InvalidFrame(key);
  return value;
}
