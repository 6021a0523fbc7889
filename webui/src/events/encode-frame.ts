/** Encodes an event as the frame the server would send, for replays and tests. */

import type { Event, LoggedEvent } from "./types.gen";

export function encodeFrame(logged: LoggedEvent): string {
  const { seq, at_ms, conversation_id: chat_id, run_id } = logged;
  return JSON.stringify({ chat_id, run_id, ...frame(logged.event), seq, at_ms });
}

function frame(event: Event): object {
  switch (event.type) {
    case "run.started": {
      const { type: _, input, attachments = [], ...rest } = event;
      const files = attachments.map(({ id = "", name, media_type, bytes = null }) => ({ id, name, media_type, bytes }));
      return { event: "user_message", turn_id: "", starts_turn: true, ...input, ...rest, attachments: files };
    }
    case "iteration.started":
      return { ...event, event: "progress" };
    case "reasoning.delta":
      return { event: "reasoning_delta", text: event.text, stream_id: event.segment_id, part: event.part };
    case "reasoning.ended":
      return { event: "reasoning_end", stream_id: event.segment_id, duration_ms: event.duration_ms, interrupted: event.interrupted };
    case "answer.delta":
      return { event: "delta", text: event.text, stream_id: event.segment_id };
    case "answer.ended":
      return { event: "stream_end", stream_id: event.segment_id, resuming: event.resuming, interrupted: event.interrupted };
    case "segment.reclassified":
      return { event: "reclassified", stream_id: event.segment_id, to: event.to, duration_ms: event.duration_ms };
    case "tool.started":
      return { ...event, event: "tool_event", phase: "start" };
    case "tool.ended":
      return { ...event, event: "tool_event", phase: "end" };
    case "model.responded":
      return { event: "model_end", iteration: event.iteration, reasoning_status: event.reasoning_status, usage: event.usage };
    case "notice":
      return { event: "notice", code: event.code, message: event.message };
    case "run.ended":
      return { ...event, event: "turn_end" };
    case "version.selected":
      return { event: "version_selected", run_id: event.run_id };
    default: {
      const never: never = event;
      return never;
    }
  }
}
