import { beforeEach, expect, it } from "vitest";

import { GOLDEN_LOGS } from "@/events/golden";

import { Client } from "./client";
import { ID, FakeServer } from "./fake-server";
import { parseLog } from "./replay";

const log = parseLog(GOLDEN_LOGS["two-runs"] ?? "");
const firstEnd = log.findIndex((logged) => logged.event.type === "run.ended") + 1;
const unnumbered = { chat_id: ID, run_id: null, seq: null, at_ms: 9 };

let server: FakeServer;
let client: Client;

beforeEach(() => {
  server = new FakeServer();
  client = new Client(server, (flush) => flush());
  client.start();
  client.chat(ID);
  server.connect();
  server.attached(0);
});

const state = () => client.chat(ID).state.published();
const shown = () => state().pluginMessages.map(({ after, block }) => [after, block.type, block.type === "answer" ? block.text : block.parts.join(""), block.status]);

it("shows a plugin's message after the run that was the latest when it arrived", () => {
  server.frame({ event: "message", ...unnumbered, role: "assistant", text: "Good morning." });
  server.emit(...log.slice(0, firstEnd));
  server.frame({ event: "message", ...unnumbered, role: "assistant", text: "Tea is ready." });
  server.emit(...log.slice(firstEnd));
  expect(shown()).toEqual([
    [null, "answer", "Good morning.", "closed"],
    [log[0]?.run_id, "answer", "Tea is ready.", "closed"],
  ]);
  expect(state().session.view.seq).toBe(log.length);
});

it("shows a plugin's reasoning as it streams, and its message after it", () => {
  server.frame({ event: "reasoning_delta", ...unnumbered, text: "Let me", stream_id: "s1" });
  server.frame({ event: "reasoning_delta", ...unnumbered, text: " see.", stream_id: "s1" });
  expect(shown()).toEqual([[null, "reasoning", "Let me see.", "open"]]);
  server.frame({ event: "reasoning_end", ...unnumbered, stream_id: "s1", duration_ms: 0 });
  server.frame({ event: "delta", ...unnumbered, text: "So", stream_id: "s2" });
  server.frame({ event: "delta", ...unnumbered, text: " be it.", stream_id: "s2" });
  server.frame({ event: "stream_end", ...unnumbered, stream_id: "s2" });
  expect(shown()).toEqual([
    [null, "reasoning", "Let me see.", "closed"],
    [null, "answer", "So be it.", "closed"],
  ]);
});

it("shows a later segment with the same id as a separate one", () => {
  for (const text of ["One.", "Two."]) {
    server.frame({ event: "reasoning_delta", ...unnumbered, text, stream_id: "s" });
    server.frame({ event: "reasoning_end", ...unnumbered, stream_id: "s", duration_ms: 5 });
  }
  expect(shown().map(([, , text]) => text)).toEqual(["One.", "Two."]);
  expect(new Set(state().pluginMessages.map(({ block }) => block.segment_id)).size).toBe(2);
});

it.each([{ seq: null, run_id: null }, {}])("shows a message of the kind reasoning as a thought: %j", (place) => {
  server.frame({ event: "message", chat_id: ID, text: "Thinking in the old way.", kind: "reasoning", ...place });
  expect(shown()).toEqual([[null, "reasoning", "Thinking in the old way.", "closed"]]);
});

it("shows that reasoning was cut off when the connection was lost", () => {
  server.frame({ event: "reasoning_delta", ...unnumbered, text: "Let me", stream_id: "s1" });
  server.lose();
  expect(shown()).toEqual([[null, "reasoning", "Let me", "interrupted"]]);
});

it("shows frames of another chat only there", () => {
  server.frame({ event: "message", ...unnumbered, chat_id: "elsewhere", role: "assistant", text: "Not here." });
  expect(shown()).toEqual([]);
});

it("keeps a bounded part of an endless plugin's messages", () => {
  for (let each = 0; each < 300; each += 1) server.frame({ event: "message", ...unnumbered, role: "assistant", text: `${each}` });
  expect(shown()).toHaveLength(200);
  expect(shown().at(-1)?.[2]).toBe("299");
});

it("does not mistake its own message for an answer", () => {
  client.chat(ID).sendMessage("How many weekends are there in a leap year?", {}, "m1");
  const [started] = log;
  if (started?.event.type !== "run.started") throw new Error("no run");
  server.emitFor("m1", started);
  expect(state().pending).toEqual([]);
  expect(state().pluginMessages).toEqual([]);
  expect(state().session.view.runs[0]?.input.text).toBe(started.event.input.text);
});

it.each(["/stop", " /STOP "])("stops the active run when the user types %s", (text) => {
  server.emit(...log.slice(0, 3));
  client.chat(ID).sendMessage(text, {}, "m1");
  expect(server.commands.at(-1)).toEqual({ type: "stop", chat_id: ID });
  expect(state().pending).toEqual([]);
});

it("attributes a failed run's error to the run, not to a refused message", () => {
  server.emit(...log.slice(0, 3));
  client.chat(ID).sendMessage("And now?", {}, "m1");
  server.frame({ event: "error", chat_id: ID, run_id: log[0]?.run_id, turn_id: "t", code: "provider_overloaded", detail: "Too busy." });
  expect(state().problem).toBeNull();
  expect(state().pending).toMatchObject([{ id: "m1", status: "queued" }]);
});
