import { beforeEach, expect, it } from "vitest";

import { GOLDEN_LOGS, GOLDEN_VIEWS } from "@/events/golden";

import { Client } from "./client";
import { ID, FakeServer } from "./fake-server";
import { parseLog, ReplayTransport } from "./replay";
import { ServerClock } from "./server-clock";

const log = parseLog(GOLDEN_LOGS["two-runs"] ?? "");
const view = JSON.parse(GOLDEN_VIEWS["two-runs"] ?? "") as { runs: { input: { text: string } }[] };
const firstEnd = log.findIndex((logged) => logged.event.type === "run.ended") + 1;

let server: FakeServer;
let client: Client;

beforeEach(() => {
  server = new FakeServer();
  client = new Client(server, (flush) => flush());
  client.start();
});

const state = () => client.chat(ID).state.published();

it("follows a conversation from its start and shows the same as the log", () => {
  client.chat(ID);
  server.connect();
  expect(server.commands).toEqual([{ type: "attach", chat_id: ID, events: "log", last: 40 }]);
  server.attached(log.length);
  expect(state().phase).toBe("loading");
  server.emit(...log);
  expect(state().phase).toBe("ready");
  expect(state().session.view).toEqual(view);
});

it.each([1, 3, 7, firstEnd, log.length - 1])("resumes after %i events when the connection comes back", (cut) => {
  client.chat(ID);
  server.connect();
  server.attached(0);
  server.emit(...log.slice(0, cut));
  server.lose();
  server.connect();
  expect(server.commands.at(-1)).toEqual({ type: "attach", chat_id: ID, events: "log", after: cut, last: 40 });
  server.attached(log.length);
  server.emit(...log.slice(cut));
  expect(state().session.view).toEqual(view);
});

it("applies every event once, however often it arrives", () => {
  client.chat(ID);
  server.connect();
  server.attached(0);
  server.emit(...log.slice(0, 9));
  server.emit(...log.slice(2, 9));
  server.emit(...log);
  expect(state().session.view).toEqual(view);
});

it("shows whether a conversation is temporary, as the server does", () => {
  server.connect();
  expect(state().temporary).toBe(false);
  server.frame({ event: "attached", chat_id: ID, seq: 0, floor: 0, running: [], exists: true, temporary: true });
  server.frame({ event: "pong" });
  expect(state().temporary).toBe(true);
});

it("applies a snapshot if the log starts later, and continues after it", () => {
  client.chat(ID);
  server.connect();
  server.attached(firstEnd);
  const replay = new Client(new ReplayTransport(log.slice(0, firstEnd)), (flush) => flush());
  replay.start();
  const conversation = replay.chat(ID).state.latest.session.view;
  server.frame({ event: "snapshot", chat_id: ID, seq: firstEnd, conversation });
  server.emit(...log.slice(firstEnd));
  expect(state().session.view).toEqual(view);
});

it("sends a message once it has caught up, and shows it until it is in the log", () => {
  client.chat(ID).sendMessage("How many weekends are there in a leap year?", {}, "m1");
  expect(state().pending).toMatchObject([{ status: "sending" }]);
  server.connect();
  expect(server.sentTexts).toEqual([]);
  server.attached(0);
  expect(server.commands.at(-1)).toMatchObject({ type: "message", client_message_id: "m1" });
  server.emit(...log.slice(0, 1));
  expect(state().pending).toEqual([]);
});

it("resends a message that was lost with the connection, but not one that arrived", () => {
  client.chat(ID);
  server.connect();
  server.attached(0);
  const text = view.runs[0]?.input.text ?? "";
  client.chat(ID).sendMessage(text, {}, "m1");
  server.lose();
  server.connect();
  server.attached(0);
  expect(server.sentTexts).toEqual([text, text]);
  server.lose();
  server.connect();
  server.attached(3);
  server.emit(...log.slice(0, 3));
  expect(server.sentTexts).toEqual([text, text]);
  expect(state().pending).toEqual([]);
});

it("queues a message behind an active run, and can withdraw it", () => {
  client.chat(ID);
  server.connect();
  server.attached(3);
  server.emit(...log.slice(0, 3));
  client.chat(ID).sendMessage("And in a common year?", {}, "m1");
  client.chat(ID).sendMessage("Never mind.", {}, "m2");
  expect(state().pending).toMatchObject([{ status: "queued" }, { status: "queued" }]);
  expect(client.chat(ID).withdraw("m2")?.text).toBe("Never mind.");
  server.emit(...log.slice(3, firstEnd));
  expect(server.sentTexts).toEqual(["And in a common year?"]);
  server.emit(...log.slice(firstEnd));
  expect(state().pending).toEqual([]);
});

it("sends files by id only, even an empty list", () => {
  client.chat(ID);
  server.connect();
  server.attached(0);
  const file = { id: "upl_1", name: "p.png", media_type: "image/png", bytes: 5, address: "/p" };
  client.chat(ID).sendMessage("Look", { files: [file] }, "m1");
  expect(state().pending[0]?.options.files).toEqual([file]);
  expect(server.commands.at(-1)).toEqual({ type: "message", chat_id: ID, content: "Look", client_message_id: "m1", context_files: ["upl_1"] });
  server.frame({ event: "error", chat_id: ID, client_message_id: "m1", detail: "No.", code: "invalid_request" });
  client.chat(ID).sendMessage("Again", { files: [], replaces: "run_1" }, "m2");
  expect(server.commands.at(-1)).toMatchObject({ context_files: [], replaces: "run_1" });
});

it("explains why a message was refused, and keeps its text", () => {
  client.chat(ID);
  server.connect();
  server.attached(0);
  client.chat(ID).sendMessage("Hello", {}, "m1");
  server.frame({ event: "error", chat_id: ID, detail: "There is no model lab/x.", code: "unknown_model" });
  expect(state().pending).toMatchObject([{ status: "failed", problem: "There is no model lab/x.", text: "Hello" }]);
  expect(state().problem).toBeNull();
});

it("distinguishes a missing conversation from an empty one", () => {
  client.chat(ID);
  server.connect();
  server.frame({ event: "error", chat_id: ID, detail: "There is no such conversation.", code: "not_found" });
  expect(state().phase).toBe("missing");
});

it("hides a conversation that another client deletes, and reloads the list", () => {
  client.chat(ID);
  server.connect();
  server.attached(log.length);
  server.emit(...log);
  const before = client.changes.published();
  server.frame({ event: "error", chat_id: ID, detail: "The conversation was deleted.", code: "not_found" });
  expect(state()).toMatchObject({ phase: "missing", problem: null, session: { view: { runs: [] } } });
  expect(client.changes.published()).toBeGreaterThan(before);
});

it("keeps a conversation whose message names an unknown model", () => {
  client.chat(ID);
  server.connect();
  server.attached(log.length);
  server.emit(...log);
  client.chat(ID).sendMessage("Hello", { model: "gone/model" }, "m1");
  server.frame({ event: "error", chat_id: ID, detail: "No such model.", code: "not_found", client_message_id: "m1" });
  expect(state()).toMatchObject({ phase: "ready", pending: [{ status: "failed", problem: "No such model." }] });
});

it("knows which messages were never sent", () => {
  client.chat(ID).sendMessage("First", {}, "m1");
  client.chat(ID).sendMessage("Second", {}, "m2");
  expect(client.unsent()).toEqual(new Map([[ID, ["First", "Second"]]]));
  server.connect();
  server.attached(0);
  expect(server.sentTexts).toEqual(["First"]);
  expect(client.unsent()).toEqual(new Map([[ID, ["Second"]]]));
});

it("stops by the conversation, not by a run that may be over", () => {
  client.chat(ID);
  server.connect();
  client.chat(ID).stop();
  expect(server.commands.at(-1)).toEqual({ type: "stop", chat_id: ID });
});

it("notifies subscribers once per animation frame", () => {
  const flushes: (() => void)[] = [];
  client = new Client(server, (flush) => flushes.push(flush));
  client.start();
  let notified = 0;
  client.chat(ID).state.subscribe(() => {
    notified += 1;
  });
  server.connect();
  server.attached(log.length);
  server.emit(...log);
  expect(notified).toBe(0);
  for (const flush of flushes) flush();
  expect(notified).toBe(1);
  expect(state().session.view).toEqual(view);
});

it("estimates the server's clock from the fastest frame, never from a replay", () => {
  let now = 1_000;
  const clock = new ServerClock(() => now);
  clock.observe(500);
  expect(clock.now()).toBe(500);
  now = 2_000;
  clock.observe(5_000);
  now = 3_000;
  clock.observe(5_900);
  clock.observe(17);
  expect(clock.now()).toBe(6_000);
});

it("starts over from a snapshot if the server no longer knows its cursor", () => {
  client.chat(ID);
  server.connect();
  server.attached(0);
  server.emit(...log);
  server.lose();
  server.connect();
  server.frame({ event: "error", chat_id: ID, detail: "after was never given out.", code: "invalid_request", field: "after" });
  expect(server.commands.at(-1)).toEqual({ type: "attach", chat_id: ID, events: "log", last: 40 });
  server.attached(firstEnd);
  server.frame({ event: "snapshot", chat_id: ID, seq: firstEnd, conversation: { ...view, seq: firstEnd, runs: view.runs.slice(0, 1) } });
  expect(state().session.view.runs).toEqual(view.runs.slice(0, 1));
});

it("reports a conversation that never existed as not found", () => {
  client.chat(ID);
  server.connect();
  server.frame({ event: "attached", chat_id: ID, seq: 0, floor: 0, running: [], exists: false });
  expect(state().phase).toBe("missing");
});

it("releases conversations that are not shown before there are too many", () => {
  server.connect();
  const watched = client.chat("watched");
  watched.state.subscribe(() => undefined);
  for (let number = 0; number < 60; number += 1) client.chat(`c${number}`);
  const gone = server.commands.flatMap((command) => (command.type === "detach" ? command.chat_id : []));
  expect(gone).toEqual(Array.from({ length: 29 }, (_, number) => `c${number}`));
  expect(client.chat("watched")).toBe(watched);
});

it("does not send before it has caught up, so that nothing is sent twice", () => {
  client.chat(ID);
  server.connect();
  server.attached(firstEnd);
  client.chat(ID).sendMessage("Hello", {}, "m1");
  expect(server.sentTexts).toEqual([]);
  server.emit(...log.slice(0, firstEnd));
  expect(server.sentTexts).toEqual(["Hello"]);
});
