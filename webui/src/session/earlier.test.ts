import { expect, it } from "vitest";

import { Client } from "./client";
import { ID, FakeServer } from "./fake-server";

/** A page that has loaded the end of a conversation of five runs, `r0` to `r4`. */
function atTheEnd() {
  const runs = ["r0", "r1", "r2", "r3", "r4"].map((run_id) => ({ run_id, status: "completed", input: { text: run_id }, blocks: [] }));
  const server = new FakeServer();
  const client = new Client(server, (flush) => flush());
  client.start();
  const snapshot = (from: number, seq = 50) =>
    server.frame({ event: "snapshot", chat_id: ID, seq, conversation: { conversation_id: ID, seq, runs: runs.slice(from) }, earlier: from > 0 });
  const earlier = (before: string, from: number, to: number) => server.frame({ event: "earlier", chat_id: ID, before, runs: runs.slice(from, to), earlier: from > 0 });
  const asked = () => server.commands.flatMap((command) => (command.type === "earlier" ? command.before : []));
  const chat = client.chat(ID);
  const session = () => chat.state.published().session;
  const here = () => session().view.runs.map((run) => run.run_id);
  server.connect();
  server.attached(50);
  snapshot(3);
  return { server, session, chat, snapshot, earlier, asked, here };
}

it("fetches earlier messages, one request at a time, until all are loaded", () => {
  const { chat, earlier, asked, here } = atTheEnd();
  chat.fetchEarlier();
  chat.fetchEarlier();
  expect(asked()).toEqual(["r3"]);
  earlier("r3", 1, 3);
  earlier("r3", 1, 3);
  expect(here()).toEqual(["r1", "r2", "r3", "r4"]);
  chat.fetchEarlier();
  earlier("r1", 0, 1);
  expect(here()).toEqual(["r0", "r1", "r2", "r3", "r4"]);
  chat.fetchEarlier();
  expect(asked()).toEqual(["r3", "r1"]);
});

it("asks again after a lost connection, and keeps earlier messages when a snapshot arrives", () => {
  const { server, session, chat, earlier, snapshot, asked, here } = atTheEnd();
  chat.fetchEarlier();
  server.lose();
  chat.fetchEarlier();
  server.connect();
  chat.fetchEarlier();
  expect(asked()).toEqual(["r3", "r3"]);
  earlier("r3", 1, 3);
  snapshot(2, 60);
  expect(here()).toEqual(["r1", "r2", "r3", "r4"]);
  expect(session().earlier).toBe(true);
  snapshot(0, 70);
  expect(here()).toEqual(["r0", "r1", "r2", "r3", "r4"]);
  expect(session().earlier).toBe(false);
});

it("reloads the conversation when an earlier message gets another version, and again when it answers", () => {
  const { server, session, here } = atTheEnd();
  const run = { run_id: "r5", status: "running", input: { text: "Hi" }, blocks: [] };
  const started = { type: "run.started", model: "m", max_iterations: 25, input: { text: "Hi" }, replaces: "r1" } as const;
  server.emit({ seq: 51, at_ms: 1, conversation_id: ID, run_id: "r5", event: started });
  expect(server.commands.at(-1)).toEqual({ type: "attach", chat_id: ID, events: "log", last: 40 });
  const runs = ["r3", "r4"].map((run_id) => ({ run_id, status: "completed", input: { text: run_id }, blocks: [] }));
  const versions = { r5: ["r1", "r5"] };
  server.frame({ event: "snapshot", chat_id: ID, seq: 51, conversation: { conversation_id: ID, seq: 51, runs, versions, attempt: run }, earlier: true });
  expect(here()).toEqual(["r3", "r4"]);
  expect(session().view.attempt?.run_id).toBe("r5");
  const asked = server.commands.length;
  server.emit({ seq: 52, at_ms: 1, conversation_id: ID, run_id: "r5", event: { type: "answer.delta", segment_id: "1:a1", text: "Better" } });
  expect(server.commands.slice(asked)).toEqual([{ type: "attach", chat_id: ID, events: "log", last: 40 }]);
});

it("knows the versions of fetched messages, and their parents", () => {
  const { server, session, chat, here } = atTheEnd();
  chat.fetchEarlier();
  const runs = ["r1", "r2"].map((run_id) => ({ run_id, status: "completed", input: { text: run_id }, blocks: [] }));
  server.frame({ event: "earlier", chat_id: ID, before: "r3", runs, versions: { r2: ["r2", "old"] }, earlier: true });
  expect(session().view.versions).toEqual({ r2: ["r2", "old"] });
  const events = [
    { type: "run.started", model: "m", max_iterations: 25, input: { text: "Hi" }, replaces: "r3" },
    { type: "answer.delta", segment_id: "1:a1", text: "Better" },
  ] as const;
  events.forEach((event, index) => server.emit({ seq: 51 + index, at_ms: 1, conversation_id: ID, run_id: "new", event }));
  expect(here()).toEqual(["r1", "r2", "new"]);
  expect(session().view.versions).toEqual({ r2: ["r2", "old"], new: ["r3", "new"] });
  server.emit({ seq: 53, at_ms: 1, conversation_id: ID, run_id: "", event: { type: "version.selected", run_id: "r4" } });
  expect(here()).toEqual(["r1", "r2", "r3", "r4"]);
});

it("shows another client's selection at once if it has the runs, and asks for them otherwise", () => {
  const { server, here } = atTheEnd();
  const before = server.commands.length;
  server.emit({ seq: 51, at_ms: 1, conversation_id: ID, run_id: "", event: { type: "version.selected", run_id: "r4" } });
  expect(here()).toEqual(["r3", "r4"]);
  expect(server.commands.length).toBe(before);
  server.emit({ seq: 52, at_ms: 1, conversation_id: ID, run_id: "", event: { type: "version.selected", run_id: "unknown" } });
  expect(server.commands.at(-1)).toEqual({ type: "attach", chat_id: ID, events: "log", last: 40 });
});

it("starts over when the run of its cursor was deleted", () => {
  const { server, chat, asked } = atTheEnd();
  chat.fetchEarlier();
  server.frame({ event: "error", chat_id: ID, detail: "before is not a run of this conversation.", code: "invalid_request", field: "before" });
  expect(server.commands.at(-1)).toEqual({ type: "attach", chat_id: ID, events: "log", last: 40 });
  expect(asked()).toEqual(["r3"]);
});
