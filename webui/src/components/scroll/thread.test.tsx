import { fireEvent, render, screen, within } from "@testing-library/react";
import { beforeAll, expect, it, vi } from "vitest";

import { apply, emptySession } from "@/events/fold";
import { GOLDEN_LOGS } from "@/events/golden";
import type { LoggedEvent } from "@/events/types.gen";

import { useAutoScroll } from "./auto-scroll";
import { type ViewOptions, ViewOptionsContext } from "@/components/view-options";
import { type RunActions, Thread } from "./thread";

// Else it arrives when the test is over.
beforeAll(() => import("@/components/markdown/rendered-markdown"));

const READING: ViewOptions = { thinking: "auto", serverNow: () => 0, toggles: { get: () => undefined, set: () => undefined, subscribe: () => () => undefined }, isFollowing: () => true };

function logOf(name: string): LoggedEvent[] {
  return (GOLDEN_LOGS[name] ?? "").trim().split("\n").map((line) => JSON.parse(line) as LoggedEvent);
}

function sessionAt(name: string, events?: number) {
  return logOf(name).slice(0, events).reduce(apply, emptySession("conv_golden"));
}

function Shown({ name, events, actions }: { readonly name: string; readonly events?: number; readonly actions: RunActions }) {
  const autoScroll = useAutoScroll();
  return (
    <ViewOptionsContext value={READING}>
      <Thread view={sessionAt(name, events).view} autoScroll={autoScroll} actions={actions} />
    </ViewOptionsContext>
  );
}

function handlers() {
  return { onRetry: vi.fn(), onContinue: vi.fn(), onRegenerate: vi.fn(), onEdit: vi.fn(), onSelect: vi.fn() };
}

it("shows the version under a message and its answer, and switches to the others", () => {
  const doing = handlers();
  render(<Shown name="versions" actions={doing} />);
  const [first] = screen.getAllByRole("article");
  if (!first) throw new Error("nothing shown");
  for (const of of ["message", "answer"]) {
    const switcher = within(within(first).getByRole("group", { name: `Versions of the ${of}` }));
    expect(switcher.getByText("Version 1 of 2")).toBeDefined();
    fireEvent.click(switcher.getByRole("button", { name: "Previous version" }));
    expect(doing.onSelect).not.toHaveBeenCalled();
    fireEvent.click(switcher.getByRole("button", { name: "Next version" }));
    expect(doing.onSelect).toHaveBeenLastCalledWith("run_3");
    doing.onSelect.mockClear();
  }
});

it("keeps the focus on the switcher while versions change, so that a key can be pressed again", () => {
  const doing = handlers();
  const { rerender } = render(<Shown name="versions" actions={doing} />);
  const [next] = screen.getAllByRole("button", { name: "Next version" });
  next?.focus();
  const before = logOf("versions").findIndex((logged) => logged.event.type === "version.selected");
  rerender(<Shown name="versions" events={before} actions={doing} />);
  expect(screen.getAllByText("Version 2 of 2")).toHaveLength(2);
  expect(document.activeElement).toBe(screen.getAllByRole("button", { name: "Next version" })[0]);
});

it("shows a replacement that is still thinking instead of the old answer, without a version switcher", () => {
  const doing = handlers();
  render(<Shown name="replacement-thinking" actions={doing} />);
  expect(screen.getAllByRole("article")).toHaveLength(1);
  expect(screen.getByRole("button", { name: /Thinking/ })).toBeDefined();
  for (const button of screen.getAllByRole("button", { name: "Previous version" })) fireEvent.click(button);
  expect(doing.onSelect).not.toHaveBeenCalled();
});

it("shows everything again if a replacement failed, with the reason and a retry button", () => {
  const doing = handlers();
  render(<Shown name="replacement-failed" actions={doing} />);
  expect(screen.getAllByRole("article").map((each) => within(each).getByText(/You said/).parentElement?.textContent)).toHaveLength(2);
  expect(screen.getByText("Always 52.")).toBeDefined();
  const note = within(screen.getByRole("note"));
  expect(note.getByText(/The new version failed: The key was refused/)).toBeDefined();
  fireEvent.click(note.getByRole("button", { name: "Try again" }));
  expect(doing.onRetry.mock.lastCall?.[0]).toMatchObject({ run_id: "run_3" });
  fireEvent.click(note.getByRole("button", { name: "Show attempt" }));
  expect(doing.onSelect).toHaveBeenLastCalledWith("run_3");
});
