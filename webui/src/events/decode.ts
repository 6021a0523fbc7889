/** Decodes `/ws` frames into typed values. The only module that knows the frame names. */

import type { AttachedFile, ConversationView, Event, Outcome, LoggedEvent, RunEnded, RunError, RunStarted, RunView, ToolEnded, Usage } from "./types.gen";

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
  | { readonly kind: "error"; readonly detail: string; readonly code: string; readonly field: string; readonly chatId: string | null; readonly clientMessageId: string | null }
  /** The answer to a ping. */
  | { readonly kind: "pong" }
  | { readonly kind: "unknown"; readonly name: string };

/** A plugin's message or thought: complete, or streamed in its own segment. */
export type PluginEvent =
  | { readonly type: "message" | "thought"; readonly text: string }
  | { readonly type: "answer.delta" | "reasoning.delta"; readonly stream: string; readonly text: string }
  | { readonly type: "answer.ended" | "reasoning.ended"; readonly stream: string; readonly interrupted: boolean; readonly durationMs: number | null };

type Fields = Readonly<Record<string, unknown>>;

class NotAFrame extends Error {}

/** Decode one frame. */
export function decode(line: string): Incoming {
  let frame: unknown;
  try {
    frame = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: "unknown", name: "no JSON" };
    throw error;
  }
  if (!isFields(frame) || typeof frame["event"] !== "string") return { kind: "unknown", name: "no event" };
  try {
    return read(frame["event"], frame);
  } catch (error) {
    if (error instanceof NotAFrame) return { kind: "unknown", name: `${frame["event"]}: ${error.message}` };
    throw error;
  }
}

function read(name: string, frame: Fields): Incoming {
  switch (name) {
    case "ready":
      return { kind: "ready", chatId: text(frame, "chat_id") };
    case "attached":
      return {
        kind: "attached",
        chatId: text(frame, "chat_id"),
        seq: numeral(frame, "seq", 0),
        exists: frame["exists"] !== false,
        temporary: frame["temporary"] === true,
      };
    case "snapshot":
      return { kind: "snapshot", view: conversation(frame), earlier: frame["earlier"] === true };
    case "earlier":
      return { kind: "earlier", chatId: text(frame, "chat_id"), before: text(frame, "before"), runs: runs(frame), versions: versions(frame), earlier: frame["earlier"] === true };
    case "pong":
      return { kind: "pong" };
    case "message":
      return pluginMessage(frame, frame["kind"] === "reasoning" ? { type: "thought", text: text(frame, "text") } : { type: "message", text: text(frame, "text") });
    case "message_accepted":
      if (frame["starts_turn"] === false) return { kind: "accepted", chatId: text(frame, "chat_id"), clientMessageId: optional(frame, "client_message_id") };
      return logged(name, frame);
    case "error":
      // A failed run is also reported by its `turn_end`, which is in the log.
      if (optional(frame, "run_id") !== null) return { kind: "unknown", name: "error of a run" };
      return {
        kind: "error",
        detail: text(frame, "detail"),
        code: text(frame, "code", ""),
        field: text(frame, "field", ""),
        chatId: optional(frame, "chat_id"),
        clientMessageId: optional(frame, "client_message_id"),
      };
    default:
      return frame["seq"] === null && Object.hasOwn(PLUGIN_EVENTS, name) ? pluginMessage(frame, PLUGIN_EVENTS[name]?.(frame)) : logged(name, frame);
  }
}

function pluginMessage(frame: Fields, event: PluginEvent | undefined): Incoming {
  if (!event) throw new NotAFrame("event");
  return { kind: "plugin", chatId: text(frame, "chat_id"), runId: optional(frame, "run_id"), atMs: numeral(frame, "at_ms", 0), event };
}

const PLUGIN_EVENTS: Readonly<Record<string, (frame: Fields) => PluginEvent>> = {
  delta: (frame) => ({ type: "answer.delta", stream: text(frame, "stream_id", ""), text: text(frame, "text") }),
  stream_end: (frame) => ({ type: "answer.ended", stream: text(frame, "stream_id", ""), interrupted: frame["interrupted"] === true, durationMs: null }),
  reasoning_delta: (frame) => ({ type: "reasoning.delta", stream: text(frame, "stream_id", ""), text: text(frame, "text") }),
  reasoning_end: (frame) => ({
    type: "reasoning.ended",
    stream: text(frame, "stream_id", ""),
    interrupted: frame["interrupted"] === true,
    // Plugins send 0 when they don't know the duration.
    durationMs: numeral(frame, "duration_ms", 0) || null,
  }),
};

function logged(name: string, frame: Fields): Incoming {
  const reader = Object.hasOwn(EVENTS, name) ? EVENTS[name] : undefined;
  if (!reader) return { kind: "unknown", name };
  return {
    kind: "event",
    clientMessageId: optional(frame, "client_message_id"),
    logged: {
      seq: numeral(frame, "seq"),
      at_ms: numeral(frame, "at_ms"),
      conversation_id: text(frame, "chat_id"),
      // A selection belongs to the conversation, not to a run.
      run_id: name === "version_selected" ? "" : text(frame, "run_id"),
      event: reader(frame),
    },
  };
}

const EVENTS: Readonly<Record<string, (frame: Fields) => Event>> = {
  user_message: begun,
  message_accepted: begun,
  progress: (frame) => ({
    type: "iteration.started",
    iteration: numeral(frame, "iteration"),
    max_iterations: numeral(frame, "max_iterations"),
    message: text(frame, "message", ""),
  }),
  reasoning_delta: (frame) => ({
    type: "reasoning.delta",
    segment_id: text(frame, "stream_id"),
    text: text(frame, "text"),
    part: numeral(frame, "part", 0),
  }),
  reasoning_end: (frame) => ({
    type: "reasoning.ended",
    segment_id: text(frame, "stream_id"),
    duration_ms: numeral(frame, "duration_ms", 0),
    interrupted: frame["interrupted"] === true,
  }),
  delta: (frame) => ({ type: "answer.delta", segment_id: text(frame, "stream_id"), text: text(frame, "text") }),
  stream_end: (frame) => ({
    type: "answer.ended",
    segment_id: text(frame, "stream_id"),
    resuming: frame["resuming"] === true,
    interrupted: frame["interrupted"] === true,
  }),
  reclassified: (frame) => ({
    type: "segment.reclassified",
    segment_id: text(frame, "stream_id"),
    to: oneOf(frame, "to", ["reasoning", "withdrawn"] as const),
    duration_ms: numeral(frame, "duration_ms", 0),
  }),
  tool_event: tool,
  model_end: (frame) => ({
    type: "model.responded",
    iteration: numeral(frame, "iteration"),
    finish_reason: "stop",
    reasoning_status: oneOf(frame, "reasoning_status", ["none", "shown", "hidden_by_provider"] as const),
  }),
  notice: (frame) => ({ type: "notice", code: text(frame, "code"), message: text(frame, "message") }),
  turn_end: (frame) => ({
    type: "run.ended",
    status: oneOf(frame, "status", ["completed", "stopped", "max_iterations", "failed"] as const),
    iterations: numeral(frame, "iterations", 0),
    timing: typed<RunEnded["timing"]>(frame, "timing") ?? NO_TIMING,
    usage: typed<Usage>(frame, "usage"),
    error: typed<RunError>(frame, "error"),
    outcome: typed<Outcome>(frame, "outcome"),
  }),
  version_selected: (frame) => ({ type: "version.selected", run_id: text(frame, "run_id") }),
};

function begun(frame: Fields): Event {
  return {
    type: "run.started",
    model: text(frame, "model"),
    max_iterations: numeral(frame, "max_iterations", 0),
    input: input(frame),
    reasoning_effort: effort(frame),
    attachments: attachments(frame),
    replaces: optional(frame, "replaces"),
  };
}

const NO_TIMING = { time_to_first_reasoning_ms: null, time_to_first_answer_ms: null, reasoning_ms: 0, total_ms: 0 };

const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

const TOOL_STATUSES = ["ok", "error", "timeout", "cancelled", "unknown_tool", "invalid_arguments"] as const satisfies readonly ToolEnded["status"][];

function tool(frame: Fields): Event {
  const call = { tool_call_id: text(frame, "tool_call_id"), name: text(frame, "name") };
  if (frame["phase"] === "start") {
    const given = frame["arguments"];
    return { type: "tool.started", ...call, arguments: typeof given === "string" ? given : JSON.stringify(given ?? {}) };
  }
  return {
    type: "tool.ended",
    ...call,
    status: oneOf(frame, "status", TOOL_STATUSES),
    result: text(frame, "result", ""),
    duration_ms: numeral(frame, "duration_ms", 0),
    truncated: frame["truncated"] === true,
  };
}

/** The non-empty fields of the user's input, as in the log. */
function input(frame: Fields): RunStarted["input"] {
  const context = fields(frame, "context");
  const files = texts(frame, "context_files");
  const image = optional(frame, "image_path");
  return {
    text: text(frame, "text"),
    ...(context && Object.keys(context).length > 0 ? { context } : {}),
    ...(files.length > 0 ? { context_files: files } : {}),
    ...(image === null ? {} : { image_path: image }),
  };
}

/** The attached files' metadata. */
function attachments(frame: Fields): readonly AttachedFile[] {
  const value = frame["attachments"];
  if (!Array.isArray(value)) return [];
  return value.filter(isFields).map((file) => ({
    id: text(file, "id", ""),
    name: text(file, "name"),
    media_type: text(file, "media_type"),
    bytes: typeof file["bytes"] === "number" ? file["bytes"] : null,
  }));
}

function conversation(frame: Fields): ConversationView {
  const view = fields(frame, "conversation");
  if (!view) throw new NotAFrame("conversation");
  const attempt = typed<RunView>(view, "attempt");
  return { ...(view as unknown as ConversationView), runs: runs(view), versions: versions(view), attempt, seq: numeral(frame, "seq") };
}

function versions(frame: Fields): ConversationView["versions"] {
  return (fields(frame, "versions") ?? {}) as ConversationView["versions"];
}

/** Runs folded by the server. */
function runs(frame: Fields): readonly RunView[] {
  const value = frame["runs"];
  if (!Array.isArray(value)) throw new NotAFrame("runs");
  return value as readonly RunView[];
}

function effort(frame: Fields): Exclude<RunStarted["reasoning_effort"], undefined> {
  const value = frame["reasoning_effort"];
  if (typeof value === "number") return value;
  return EFFORTS.find((each) => each === value) ?? null;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fields(frame: Fields, key: string): Fields | null {
  const value = frame[key];
  return isFields(value) ? value : null;
}

/** A field whose contents are trusted. */
function typed<T>(frame: Fields, key: string): T | null {
  return fields(frame, key) as T | null;
}

function text(frame: Fields, key: string, otherwise?: string): string {
  const value = frame[key] ?? otherwise;
  if (typeof value !== "string") throw new NotAFrame(key);
  return value;
}

function optional(frame: Fields, key: string): string | null {
  const value = frame[key];
  return typeof value === "string" ? value : null;
}

function numeral(frame: Fields, key: string, otherwise?: number): number {
  const value = frame[key] ?? otherwise;
  if (typeof value !== "number") throw new NotAFrame(key);
  return value;
}

function texts(frame: Fields, key: string): readonly string[] {
  const value = frame[key];
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function oneOf<T extends string>(frame: Fields, key: string, known: readonly T[]): T {
  const value = frame[key];
  const found = known.find((each) => each === value);
  if (found === undefined) throw new NotAFrame(key);
  return found;
}
