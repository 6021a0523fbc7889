import { expect, it } from "vitest";

import { Client } from "./client";
import { ID, PlayedServer } from "./played-server";

/** A page that came to the end of a conversation of five runs, `r0` to `r4`. */
function atTheEnd() {
  const runs = ["r0", "r1", "r2", "r3", "r4"].map((run_id) => ({ run_id, status: "completed", input: { text: run_id }, blocks: [] }));
  const server = new PlayedServer();
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

it("fetches what came before, once at a time, until everything is here", () => {
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

it("asks again after a loss, and keeps what it fetched where a snapshot of the end comes", () => {
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

it("lets everything go that is here where a run from before takes another place", () => {
  const { server, session, here } = atTheEnd();
  const event = { type: "run.started", model: "m", max_iterations: 25, input: { text: "Hi" }, replaces: "r1" } as const;
  server.say({ seq: 51, at_ms: 1, conversation_id: ID, run_id: "r5", event });
  expect(here()).toEqual(["r5"]);
  expect(session().earlier).toBe(true);
});

it("starts anew where the run before which it asked is gone", () => {
  const { server, chat, asked } = atTheEnd();
  chat.fetchEarlier();
  server.frame({ event: "error", chat_id: ID, detail: "before names no run of this conversation.", code: "invalid_request", field: "before" });
  expect(server.commands.at(-1)).toEqual({ type: "attach", chat_id: ID, last: 40 });
  expect(asked()).toEqual(["r3"]);
});
