import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "./api";
import type { Connection } from "./transport";
import { isLoopback, type Socket, type Environment, WebSocketTransport } from "./websocket";

/** A socket controlled by the test. */
class Wire implements Socket {
  readyState = 0;
  readonly sent: string[] = [];
  readonly #listeners: { type: string; listener: (event: { data?: unknown }) => void }[] = [];

  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void {
    this.#listeners.push({ type, listener });
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.readyState = 3;
  }

  fire(type: "open" | "message" | "close", data?: string): void {
    this.readyState = type === "close" ? 3 : 1;
    for (const each of this.#listeners) if (each.type === type) each.listener({ data });
  }
}

function setup(part: Partial<Environment> = {}) {
  const wires: Wire[] = [];
  const received: string[] = [];
  const states: Connection["state"][] = [];
  let changed: (() => void) | undefined;
  let latest: Connection | undefined;
  let tickets = 0;
  const transport = new WebSocketTransport({
    address: async () => ({ url: "ws://server/ws", protocols: ["thinkaloud", `ticket.${(tickets += 1)}`] }),
    connect: () => {
      const wire = new Wire();
      wires.push(wire);
      return wire;
    },
    isOnline: () => true,
    onEnvironmentChange: (callback) => {
      changed = callback;
      return () => undefined;
    },
    random: () => 1,
    ...part,
  });
  const close = transport.open({
    frame: (text) => received.push(text),
    connection: (now) => {
      states.push(now.state);
      latest = now;
    },
  });
  const last = () => latest;
  return { transport, wires, received, states, last, close, change: () => changed?.(), tickets: () => tickets };
}

type Setup = ReturnType<typeof setup>;

const SERVER = { url: "ws://server/ws", protocols: [] };
const PING = '{"type":"ping"}';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const settle = () => vi.advanceTimersByTimeAsync(0);

it("connects, receives frames and sends commands", async () => {
  const { transport, wires, received, states } = setup();
  await settle();
  expect(transport.send({ type: "stop", chat_id: "c" })).toBe(false);
  wires[0]?.fire("open");
  wires[0]?.fire("message", "hello");
  expect(transport.send({ type: "stop", chat_id: "c" })).toBe(true);
  expect(received).toEqual(["hello"]);
  expect(states).toEqual(["connecting", "open"]);
  expect(wires[0]?.sent[0]).toBe('{"type":"stop","chat_id":"c"}');
});

it("reconnects after a lost connection, with a new ticket and growing delays", async () => {
  const { wires, states, tickets } = setup();
  await settle();
  wires[0]?.fire("open");
  wires[0]?.fire("close");
  await vi.advanceTimersByTimeAsync(400);
  expect(wires).toHaveLength(2);
  wires[1]?.fire("close");
  await vi.advanceTimersByTimeAsync(400);
  expect(wires).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(400);
  expect(wires).toHaveLength(3);
  wires[2]?.fire("open");
  expect(states.at(-1)).toBe("open");
  expect(tickets()).toBe(3);
});

it("resets the delay once it was connected", async () => {
  const { wires } = setup();
  await settle();
  for (const wait of [400, 800, 1600]) {
    wires.at(-1)?.fire("close");
    await vi.advanceTimersByTimeAsync(wait);
  }
  wires.at(-1)?.fire("open");
  wires.at(-1)?.fire("close");
  await vi.advanceTimersByTimeAsync(400);
  expect(wires).toHaveLength(5);
});

it("never waits longer than 15 seconds", async () => {
  const { wires } = setup();
  await settle();
  for (let attempt = 0; attempt < 12; attempt += 1) {
    wires.at(-1)?.fire("close");
    await vi.advanceTimersByTimeAsync(Math.min(15_000, 400 * 2 ** attempt));
    expect(wires).toHaveLength(attempt + 2);
  }
});

it("keeps retrying while the bootstrap request fails", async () => {
  let up = false;
  const { wires, states } = setup({ address: () => (up ? Promise.resolve(SERVER) : Promise.reject(new Error("down"))) });
  await settle();
  expect(states).toEqual(["connecting", "waiting"]);
  up = true;
  await vi.advanceTimersByTimeAsync(400);
  expect(wires).toHaveLength(1);
});

it("shows that it is offline, and reconnects immediately with the network", async () => {
  let online = false;
  const { wires, states, change } = setup({ isOnline: () => online });
  await settle();
  wires[0]?.fire("close");
  expect(states.at(-1)).toBe("offline");
  online = true;
  change();
  await settle();
  wires[1]?.fire("open");
  expect(states.at(-1)).toBe("open");
});

it("closes its socket when the network is lost", async () => {
  let online = true;
  const { transport, wires, states, change } = setup({ isOnline: () => online });
  await settle();
  wires[0]?.fire("open");
  online = false;
  change();
  expect(states.at(-1)).toBe("offline");
  expect(transport.send({ type: "stop", chat_id: "c" })).toBe(false);
  online = true;
  change();
  await settle();
  wires[1]?.fire("open");
  expect(states.at(-1)).toBe("open");
});

it("keeps a socket to this machine when the network is lost", async () => {
  const { wires, states, change } = setup({ isOnline: () => isLoopback("localhost") });
  await settle();
  wires[0]?.fire("open");
  change();
  expect(states.at(-1)).toBe("open");
  expect(["127.0.0.1", "[::1]", "me.localhost", "127.example.com", "192.168.1.2"].map(isLoopback)).toEqual([true, true, true, false, false]);
});

it("explains why the server accepts no connection", async () => {
  const { last } = setup({ address: () => Promise.reject(new ApiProblem(403, "forbidden", "Not from here.")) });
  await settle();
  expect(last()).toMatchObject({ state: "waiting", problem: "Not from here." });
});

it("waits for a login instead of retrying repeatedly", async () => {
  let loggedIn = false;
  let asked = 0;
  const address = async () => {
    asked += 1;
    if (!loggedIn) throw new ApiProblem(401, "unauthorized", "Show a key.");
    return SERVER;
  };
  const { transport, wires, last, change } = setup({ address });
  await settle();
  await vi.advanceTimersByTimeAsync(600_000);
  expect([last()?.state, asked]).toEqual(["unauthorized", 1]);
  // Another tab may have logged in.
  change();
  await settle();
  expect(asked).toBe(2);
  loggedIn = true;
  transport.retry();
  await settle();
  expect(wires).toHaveLength(1);
});

it("replaces an open connection when its login has ended", async () => {
  const { transport, wires, tickets } = setup();
  await settle();
  wires[0]?.fire("open");
  for (const _ of ["a request is refused", "another one, too"]) transport.reconnect();
  await settle();
  expect([wires.length, wires[0]?.readyState, tickets()]).toEqual([2, 3, 2]);
});

it("pings a silent server, and reconnects if no frame arrives", async () => {
  const { wires, states } = setup();
  await settle();
  wires[0]?.fire("open");
  await vi.advanceTimersByTimeAsync(14_000);
  wires[0]?.fire("message", "delta");
  await vi.advanceTimersByTimeAsync(15_000);
  expect(wires[0]?.sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(wires[0]?.sent).toEqual([PING]);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(states).toEqual(["connecting", "open"]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(wires[0]?.readyState).toBe(3);
  wires[1]?.fire("open");
  expect(states).toEqual(["connecting", "open", "connecting", "open"]);
});

it("keeps a connection whose server responds with any frame", async () => {
  const { wires } = setup();
  await settle();
  wires[0]?.fire("open");
  for (const answer of ["pong", "delta", "pong"]) {
    await vi.advanceTimersByTimeAsync(19_000);
    wires[0]?.fire("message", answer);
  }
  expect(wires).toHaveLength(1);
  expect(wires[0]?.sent).toEqual([PING, PING, PING]);
});

it.each([
  ["the page becomes visible, or the network is back", ({ change }: Setup) => change()],
  ["a message was sent", ({ transport }: Setup) => void transport.send({ type: "message", chat_id: "c", content: "Hi", client_message_id: "m" })],
])("pings immediately when %s", async (_, happens) => {
  const context = setup();
  await settle();
  context.wires[0]?.fire("open");
  happens(context);
  happens(context);
  expect(context.wires[0]?.sent.filter((text) => text === PING)).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(context.wires).toHaveLength(2);
});

it("sends no ping for a slow attach: loading a long conversation takes time", async () => {
  const { transport, wires } = setup();
  await settle();
  wires[0]?.fire("open");
  transport.send({ type: "attach", events: "log", chat_id: "c", last: 40 });
  expect(wires[0]?.sent).toHaveLength(1);
});

it("waits longer each time for a server that didn't respond in time, until it responds", async () => {
  const { wires, change } = setup();
  await settle();
  for (const patience of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
    const wire = wires.at(-1);
    wire?.fire("open");
    change();
    await vi.advanceTimersByTimeAsync(patience - 1);
    expect(wires.at(-1)).toBe(wire);
    await vi.advanceTimersByTimeAsync(1);
    expect(wires.at(-1)).not.toBe(wire);
  }
  wires.at(-1)?.fire("open");
  change();
  wires.at(-1)?.fire("message", "pong");
  const count = wires.length;
  change();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(wires).toHaveLength(count + 1);
});

it("abandons a connection attempt without a response", async () => {
  const asked: AbortSignal[] = [];
  const address = async (given: AbortSignal) => {
    asked.push(given);
    return SERVER;
  };
  const { wires, states } = setup({ address });
  await settle();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(states).toEqual(["connecting", "waiting"]);
  expect(asked.map((each) => each.aborted)).toEqual([true]);
  wires[0]?.fire("open");
  await vi.advanceTimersByTimeAsync(400);
  expect(wires).toHaveLength(2);
  expect(states.at(-1)).toBe("connecting");
});

it("reconnects immediately when the page becomes visible, unless an attempt is in progress", async () => {
  const { wires, change } = setup();
  await settle();
  wires[0]?.fire("close");
  for (const _ of ["looks", "looks again"]) {
    change();
    await settle();
  }
  expect(wires).toHaveLength(2);
});

it("ignores events of an abandoned socket", async () => {
  const { transport, wires, received, states } = setup();
  await settle();
  wires[0]?.fire("close");
  transport.retry();
  await settle();
  wires[1]?.fire("open");
  wires[0]?.fire("message", "late");
  wires[0]?.fire("close");
  expect(received).toEqual([]);
  expect(states.at(-1)).toBe("open");
});

it("stays away once it is closed", async () => {
  const { wires, close } = setup();
  await settle();
  wires[0]?.fire("open");
  close();
  wires[0]?.fire("close");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(wires).toHaveLength(1);
});
