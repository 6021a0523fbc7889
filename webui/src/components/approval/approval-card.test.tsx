import { fireEvent, screen } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";

import { renderWithOptions } from "@/components/test-render";
import { apply, emptySession } from "@/events/fold";
import type { Event, RunView } from "@/events/types.gen";

import { AssistantMessage } from "@/components/message/assistant-message";
import { type Decide, DecideContext } from "./approval-card";

const ASKED: Extract<Event, { type: "approval.requested" }> = {
  type: "approval.requested",
  approval_id: "apr_1",
  tool_call_id: "call_1",
  action: "write",
  title: "Write a file",
  arguments: '{"path":"a"}',
  reason: "write must be approved.",
  editable: true,
  allowed_remember: ["run", "conversation", "always"],
  iteration: 1,
  expires_at_ms: 2,
};

function runAfter(...events: readonly Event[]): RunView {
  const started: Event = { type: "run.started", model: "m/m", max_iterations: 5, input: { text: "Go" } };
  const session = [started, ...events].reduce(
    (before, event, index) => apply(before, { seq: index + 1, at_ms: 1, conversation_id: "c", run_id: "run_1", event }),
    emptySession("c"),
  );
  const run = session.view.runs.at(-1);
  if (!run) throw new Error("no run");
  return run;
}

function show(decide: Decide, ...events: readonly Event[]) {
  return renderWithOptions(
    {},
    <DecideContext value={decide}>
      <AssistantMessage run={runAfter(...events)} />
    </DecideContext>,
  );
}

describe("a tool call that must be approved", () => {
  it("can be approved as it is", () => {
    const decide = vi.fn<Decide>(() => true);
    show(decide, ASKED);
    fireEvent.click(screen.getByRole("button", { name: "Approve once" }));
    expect(decide).toHaveBeenCalledWith("apr_1", { decision: "approve" });
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Deny" }).disabled).toBe(true);
  });

  it("can be approved with other arguments, by keyboard", () => {
    const decide = vi.fn<Decide>(() => true);
    show(decide, ASKED);
    const field = screen.getByLabelText("Arguments (you can change them)");
    fireEvent.change(field, { target: { value: '{"path":' } });
    expect(screen.getByText("The arguments must be a JSON object.")).toBeTruthy();
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Approve once" }).disabled).toBe(true);
    fireEvent.change(field, { target: { value: '{"path":"z"}' } });
    fireEvent.keyDown(field, { key: "Enter", ctrlKey: true });
    expect(decide).toHaveBeenCalledWith("apr_1", { decision: "approve", arguments: { path: "z" } });
  });

  it.each([
    ["For this answer", "run"],
    ["For this conversation", "conversation"],
    ["Always", "always"],
  ] as const)("can be approved %s", (name, remember) => {
    const decide = vi.fn<Decide>(() => true);
    show(decide, ASKED);
    fireEvent.click(screen.getByRole("button", { name }));
    expect(decide).toHaveBeenCalledWith("apr_1", { decision: "approve", remember });
  });

  it("can be denied with a reason", () => {
    const decide = vi.fn<Decide>(() => true);
    show(decide, ASKED);
    fireEvent.change(screen.getByLabelText("If you deny it, you can tell the model why"), { target: { value: "not there" } });
    fireEvent.click(screen.getByRole("button", { name: "Deny" }));
    expect(decide).toHaveBeenCalledWith("apr_1", { decision: "deny", reason: "not there" });
  });

  it("offers no memory where it must be asked every time", () => {
    show(() => true, { ...ASKED, allowed_remember: [], editable: false });
    expect(screen.queryByRole("button", { name: "Always" })).toBeNull();
    expect(screen.getByLabelText<HTMLTextAreaElement>("Arguments").readOnly).toBe(true);
  });

  it("is no card any more once somebody has decided", () => {
    show(() => true, ASKED, { type: "approval.resolved", approval_id: "apr_1", tool_call_id: "call_1", decision: "denied", by: { owner: "local", via: "api" } }, {
      type: "tool.ended",
      tool_call_id: "call_1",
      name: "write",
      status: "denied",
      result: "no",
      duration_ms: 0,
    });
    expect(screen.queryByRole("button", { name: "Deny" })).toBeNull();
    expect(screen.getByRole("region", { name: "Tool write" }).textContent).toContain("denied");
  });
});
