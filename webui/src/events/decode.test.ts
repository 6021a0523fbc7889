import { expect, it } from "vitest";

import { decode } from "./decode";

const place = { chat_id: "c", run_id: "r", seq: 3, at_ms: 9 };

it("reads a frame with members that it does not know", () => {
  const frame = { event: "delta", ...place, text: "hi", stream_id: "a1", brand_new: 1 };
  expect(decode(JSON.stringify(frame))).toEqual({
    kind: "event",
    clientMessageId: null,
    logged: { seq: 3, at_ms: 9, conversation_id: "c", run_id: "r", event: { type: "answer.delta", segment_id: "a1", text: "hi" } },
  });
});

it.each([
  ["no JSON", "{"],
  ["no object", "[1]"],
  ["no event", "{}"],
  ["an event from the future", JSON.stringify({ event: "hologram", ...place })],
  ["a name that every object has", JSON.stringify({ event: "constructor", ...place })],
  ["a delta without text", JSON.stringify({ event: "delta", ...place, stream_id: "a1" })],
  ["a delta without a number", JSON.stringify({ event: "delta", chat_id: "c", run_id: "r", text: "x", stream_id: "a1" })],
  ["an unheard-of status", JSON.stringify({ event: "turn_end", ...place, status: "exploded" })],
  ["a snapshot of nothing", JSON.stringify({ event: "snapshot", chat_id: "c", seq: 1 })],
])("keeps %s as unknown instead of failing", (_, text) => {
  expect(decode(text).kind).toBe("unknown");
});

it("reads a tool's arguments whether they come as text or as a value", () => {
  const frame = { event: "tool_event", phase: "start", ...place, tool_call_id: "t", name: "add" };
  const asText = decode(JSON.stringify({ ...frame, arguments: '{"a":1}' }));
  const asValue = decode(JSON.stringify({ ...frame, arguments: { a: 1 } }));
  expect(asText).toEqual(asValue);
  expect(asText).toMatchObject({ logged: { event: { arguments: '{"a":1}' } } });
});

it.each([
  ["a message", { event: "message", text: "hi", role: "assistant" }, { type: "message", text: "hi" }],
  ["a thought of the old kind", { event: "message", text: "hm", kind: "reasoning" }, { type: "thought", text: "hm" }],
  ["a piece of a thought", { event: "reasoning_delta", text: "hm", stream_id: "s" }, { type: "reasoning.delta", stream: "s", text: "hm" }],
  ["the end of a thought", { event: "reasoning_end", stream_id: "s", duration_ms: 0 }, { type: "reasoning.ended", stream: "s", interrupted: false, durationMs: null }],
])("reads %s of a plugin, which has no number", (_, frame, event) => {
  expect(decode(JSON.stringify({ chat_id: "c", run_id: null, seq: null, at_ms: 9, ...frame }))).toEqual({ kind: "plugin", chatId: "c", runId: null, atMs: 9, event });
});
