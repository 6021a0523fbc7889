import { describe, expect, it } from "vitest";

import { decode } from "./decode";
import { encodeFrame } from "./encode-frame";
import { apply, emptySession, sessionOf } from "./fold";
import { GOLDEN_LOGS, GOLDEN_VIEWS } from "./golden";
import type { LoggedEvent } from "./types.gen";

function logOf(name: string): LoggedEvent[] {
  return (GOLDEN_LOGS[name] ?? "").trim().split("\n").map((line) => JSON.parse(line) as LoggedEvent);
}

const names = Object.keys(GOLDEN_LOGS);

describe("the fold", () => {
  it("has golden sessions to read", () => {
    expect(names.length).toBeGreaterThan(10);
    expect(Object.keys(GOLDEN_VIEWS).toSorted()).toEqual(names.toSorted());
  });

  it.each(names)("reads %s as Python's fold does", (name) => {
    const session = logOf(name).reduce(apply, emptySession("conv_golden"));
    expect(session.view).toEqual(JSON.parse(GOLDEN_VIEWS[name] ?? ""));
  });

  it.each(names)("reads %s the same when it comes as frames", (name) => {
    const session = logOf(name).reduce((so_far, logged) => {
      const incoming = decode(encodeFrame(logged));
      if (incoming.kind !== "event") throw new Error(JSON.stringify(incoming));
      return apply(so_far, incoming.logged);
    }, emptySession("conv_golden"));
    expect(session.view).toEqual(JSON.parse(GOLDEN_VIEWS[name] ?? ""));
  });

  it("reads logs with the older attachment fields", () => {
    const attachments = [{ name: "p.png", media_type: "image/png", text: "", base64: "AAAA" }];
    const event = { type: "run.started", model: "m", max_iterations: 25, input: { text: "Hi" }, attachments } as const;
    const { view } = apply(emptySession("c"), { seq: 1, at_ms: 1, conversation_id: "c", run_id: "run_1", event });
    expect(view.runs[0]?.attachments).toEqual([{ id: "", name: "p.png", media_type: "image/png", bytes: null }]);
  });

  it.each(names)("continues from a snapshot anywhere in %s", (name) => {
    const log = logOf(name);
    for (let cut = 1; cut < log.length; cut += Math.ceil(log.length / 7)) {
      const before = log.slice(0, cut).reduce(apply, emptySession("conv_golden"));
      const after = log.slice(cut).reduce((session, logged, index) => {
        const next = apply(session, logged);
        // It requests what it lacks, and gets the current snapshot.
        return next.stale ? sessionOf(log.slice(0, cut + index + 1).reduce(apply, emptySession("conv_golden")).view) : next;
      }, sessionOf(JSON.parse(JSON.stringify(before.view))));
      expect(after.view).toEqual(JSON.parse(GOLDEN_VIEWS[name] ?? ""));
    }
  });

  it("fetches the selected version when the answer that selected another one was reasoning", () => {
    const started = { type: "run.started", model: "m", max_iterations: 25, input: { text: "Hi" } } as const;
    const log: [string, LoggedEvent["event"]][] = [
      ["run_1", started],
      ["run_1", { type: "answer.delta", segment_id: "a1", text: "One." }],
      ["run_2", { ...started, replaces: "run_1" }],
      ["run_2", { type: "answer.delta", segment_id: "b1", text: "The user greets." }],
      ["run_2", { type: "segment.reclassified", segment_id: "b1", to: "reasoning", duration_ms: 2 }],
    ];
    let session = emptySession("c");
    const stale = log.map(([run_id, event], index) => {
      session = apply(session, { seq: index + 1, at_ms: index, conversation_id: "c", run_id, event });
      return session.stale;
    });
    expect(stale).toEqual([false, false, false, false, true]);
  });

  it("keeps unchanged objects, so they aren't rendered again", () => {
    const log = logOf("two-runs");
    const sessions = log.map((_, index) => log.slice(0, index + 1).reduce(apply, emptySession("conv_golden")));
    const last = sessions.at(-1)?.view.runs[0];
    const whenTheFirstRunEnded = log.findIndex((logged) => logged.event.type === "run.ended");
    const again = log.slice(whenTheFirstRunEnded + 1).reduce(apply, sessions[whenTheFirstRunEnded] ?? emptySession(""));
    expect(again.view.runs[0]).toBe(sessions[whenTheFirstRunEnded]?.view.runs[0]);
    expect(again.view.runs[0]).toEqual(last);
  });

  it("keeps its position at a run whose start it hasn't seen", () => {
    const [stray] = logOf("two-runs").slice(5);
    if (!stray) throw new Error("too short");
    const session = apply(emptySession("conv_golden"), stray);
    expect(session.view).toEqual({ conversation_id: "conv_golden", seq: stray.seq, runs: [], versions: {}, attempt: null });
  });
});
