import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { ApiProblem } from "./api";
import type { Connection } from "./transport";
import { isLoopback, type Socket, type Surroundings, WebSocketTransport } from "./websocket";

/** A socket whose other end the test holds. */
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

function staged(part: Partial<Surroundings> = {}) {
  const wires: Wire[] = [];
  const heard: string[] = [];
  const states: Connection["state"][] = [];
  let changed: (() => void) | undefined;
  let latest: Connection | undefined;
  let tickets = 0;
  const transport = new WebSocketTransport({
    address: async () => `ws://server/ws?ticket=${(tickets += 1)}`,
    connect: () => {
      const wire = new Wire();
      wires.push(wire);
      return wire;
    },
    isOnline: () => true,
    whenNetworkChanges: (callback) => {
      changed = callback;
      return () => undefined;
    },
    random: () => 1,
    ...part,
  });
  const close = transport.open({
    frame: (text) => heard.push(text),
    connection: (now) => {
      states.push(now.state);
      latest = now;
    },
  });
  const last = () => latest;
  return { transport, wires, heard, states, last, close, changeNetwork: () => changed?.(), tickets: () => tickets };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const settle = () => vi.advanceTimersByTimeAsync(0);

it("connects, hears frames and sends commands", async () => {
  const { transport, wires, heard, states } = staged();
  await settle();
  expect(transport.send({ type: "stop", chat_id: "c" })).toBe(false);
  wires[0]?.fire("open");
  wires[0]?.fire("message", "hello");
  expect(transport.send({ type: "stop", chat_id: "c" })).toBe(true);
  expect(heard).toEqual(["hello"]);
  expect(states).toEqual(["connecting", "open"]);
  expect(wires[0]?.sent).toEqual(['{"type":"stop","chat_id":"c"}']);
});

it("connects again after a loss, with a new ticket and growing pauses", async () => {
  const { wires, states, tickets } = staged();
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

it("waits shortly again once it was connected", async () => {
  const { wires } = staged();
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

it("never waits longer than a quarter of a minute", async () => {
  const { wires } = staged();
  await settle();
  for (let attempt = 0; attempt < 12; attempt += 1) {
    wires.at(-1)?.fire("close");
    await vi.advanceTimersByTimeAsync(15_000);
    expect(wires).toHaveLength(attempt + 2);
  }
});

it("keeps trying while the server cannot be asked where to connect", async () => {
  let up = false;
  const { wires, states } = staged({ address: () => (up ? Promise.resolve("ws://server/ws") : Promise.reject(new Error("down"))) });
  await settle();
  expect(states).toEqual(["connecting", "waiting"]);
  up = true;
  await vi.advanceTimersByTimeAsync(400);
  expect(wires).toHaveLength(1);
});

it("says that it is offline, and comes back with the network without waiting", async () => {
  let online = false;
  const { wires, states, changeNetwork } = staged({ isOnline: () => online });
  await settle();
  wires[0]?.fire("close");
  expect(states.at(-1)).toBe("offline");
  online = true;
  changeNetwork();
  await settle();
  wires[1]?.fire("open");
  expect(states.at(-1)).toBe("open");
});

it("lets go of its socket as soon as the network is gone: nothing would be heard on it", async () => {
  let online = true;
  const { transport, wires, states, changeNetwork } = staged({ isOnline: () => online });
  await settle();
  wires[0]?.fire("open");
  online = false;
  changeNetwork();
  expect(states.at(-1)).toBe("offline");
  expect(transport.send({ type: "stop", chat_id: "c" })).toBe(false);
  online = true;
  changeNetwork();
  await settle();
  wires[1]?.fire("open");
  expect(states.at(-1)).toBe("open");
});

it("keeps a socket to this machine whatever the network does", async () => {
  const { wires, states, changeNetwork } = staged({ isOnline: () => isLoopback("localhost") });
  await settle();
  wires[0]?.fire("open");
  changeNetwork();
  expect(states.at(-1)).toBe("open");
  expect(["127.0.0.1", "[::1]", "me.localhost", "127.example.com", "192.168.1.2"].map(isLoopback)).toEqual([true, true, true, false, false]);
});

it("says why where the server is there and lets nobody in", async () => {
  const { last } = staged({ address: () => Promise.reject(new ApiProblem(401, "unauthorized", "Show a key.")) });
  await settle();
  expect(last()).toMatchObject({ state: "waiting", problem: "Show a key." });
});

it("ignores what an abandoned socket still reports", async () => {
  const { transport, wires, heard, states } = staged();
  await settle();
  wires[0]?.fire("close");
  transport.retry();
  await settle();
  wires[1]?.fire("open");
  wires[0]?.fire("message", "late");
  wires[0]?.fire("close");
  expect(heard).toEqual([]);
  expect(states.at(-1)).toBe("open");
});

it("stays away once it is closed", async () => {
  const { wires, close } = staged();
  await settle();
  wires[0]?.fire("open");
  close();
  wires[0]?.fire("close");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(wires).toHaveLength(1);
});
