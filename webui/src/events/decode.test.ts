import { expect, it } from "vitest";

import { decode } from "./decode";
import { encodeFrame } from "./encode-frame";
import { GOLDEN_LOGS } from "./golden";
import type { LoggedEvent } from "./types.gen";

const place = { seq: 3, at_ms: 9, conversation_id: "c", run_id: "r" };
const log = (event: object, entry: object = place) => JSON.stringify({ event: "log", chat_id: "c", entry: { ...entry, event } });

it.each(Object.keys(GOLDEN_LOGS))("passes on every event of %s unchanged", (name) => {
  for (const line of (GOLDEN_LOGS[name] ?? "").trim().split("\n")) {
    const logged = JSON.parse(line) as LoggedEvent;
    expect(decode(encodeFrame(logged, "m1"))).toEqual({ kind: "event", logged, clientMessageId: "m1" });
  }
});

it("keeps fields that it doesn't know", () => {
  const event = { type: "answer.delta", segment_id: "a1", text: "hi", brand_new: 1 };
  expect(decode(log(event))).toEqual({ kind: "event", clientMessageId: null, logged: { ...place, event } });
});

it.each([
  ["invalid JSON", "{"],
  ["no object", "[1]"],
  ["not an event", "{}"],
  ["a frame from the future", JSON.stringify({ event: "hologram", chat_id: "c" })],
  ["a frame named like a property of every object", JSON.stringify({ event: "constructor", chat_id: "c", seq: null })],
  ["no entry", JSON.stringify({ event: "log", chat_id: "c" })],
  ["an event from the future", log({ type: "hologram.started" })],
  ["an event named like a property of every object", log({ type: "constructor" })],
  ["a delta without text", log({ type: "answer.delta", segment_id: "a1" })],
  ["a delta without a number", log({ type: "answer.delta", segment_id: "a1", text: "x" }, { ...place, seq: undefined })],
  ["a message without text", log({ type: "run.started", model: "m", max_iterations: 1, input: {} })],
  ["an end without timing", log({ type: "run.ended", status: "completed", iterations: 1 })],
  ["an unknown status", log({ type: "run.ended", status: "exploded", iterations: 1, timing: {} })],
  ["a frame of another protocol", JSON.stringify({ event: "delta", ...place, chat_id: "c", text: "x", stream_id: "a1" })],
  ["an empty snapshot", JSON.stringify({ event: "snapshot", chat_id: "c", seq: 1 })],
])("decodes %s as unknown instead of failing", (_, text) => {
  expect(decode(text).kind).toBe("unknown");
});

it.each([
  ["a message", { event: "message", text: "hi", role: "assistant" }, { type: "message", text: "hi" }],
  ["a thought of the old kind", { event: "message", text: "hm", kind: "reasoning" }, { type: "thought", text: "hm" }],
  ["a thought's delta", { event: "reasoning_delta", text: "hm", stream_id: "s" }, { type: "reasoning.delta", stream: "s", text: "hm" }],
  ["a thought's end", { event: "reasoning_end", stream_id: "s", duration_ms: 0 }, { type: "reasoning.ended", stream: "s", interrupted: false, durationMs: null }],
])("decodes %s from a plugin, which has no number", (_, frame, event) => {
  expect(decode(JSON.stringify({ chat_id: "c", run_id: null, seq: null, at_ms: 9, ...frame }))).toEqual({ kind: "plugin", chatId: "c", runId: null, atMs: 9, event });
});
