import { screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { beforeAll, describe, expect, it } from "vitest";

import { AssistantMessage } from "./assistant-message";
import { THINKING_CHOICES } from "@/components/view-options";
import { lastRun, renderWithOptions } from "@/components/test-render";

const THOUGHT = /The user wants the number of weekends/;
const thinking = lastRun("thinking-live");
const answering = lastRun("thought-then-answer", 40);

beforeAll(() => import("@/components/markdown/rendered-markdown"));

describe("a live thought", () => {
  it("is expanded while it streams and collapses when the answer starts", async () => {
    const { show } = renderWithOptions({ serverNow: () => thinking.started_at_ms + 4_600 }, <AssistantMessage run={thinking} />);
    expect(screen.getByRole("button", { name: /Thinking…/ }).getAttribute("aria-expanded")).toBe("true");
    expect(screen.getByText(THOUGHT)).toBeDefined();
    show(<AssistantMessage run={answering} />);
    expect(screen.getByRole("button", { name: "Thought for 4 s" }).getAttribute("aria-expanded")).toBe("false");
    expect(screen.queryByText(THOUGHT)).toBeNull();
    expect(await screen.findByText("52 or 53 weekends")).toBeDefined();
  });

  it("counts its seconds by the server's clock, from its first token", () => {
    renderWithOptions({ serverNow: () => thinking.started_at_ms + 120 + 7_300 }, <AssistantMessage run={thinking} />);
    expect(screen.getByText("7 s")).toBeDefined();
  });

  it("stays collapsed or expanded as the user left it", async () => {
    const user = userEvent.setup();
    const { show, reading } = renderWithOptions({}, <AssistantMessage run={lastRun("thinking-live", 10)} />);
    await user.click(screen.getByRole("button", { name: /Thinking…/ }));
    show(<AssistantMessage run={thinking} />);
    expect(screen.queryByText(THOUGHT)).toBeNull();
    await user.click(screen.getByRole("button", { name: /Thinking…/ }));
    show(<AssistantMessage run={answering} />);
    expect(screen.getByText(THOUGHT)).toBeDefined();
    expect(reading.toggles.get("1:r1")).toBe(true);
  });

  it("doesn't collapse while the user has scrolled up", async () => {
    const { show } = renderWithOptions({ isFollowing: () => false }, <AssistantMessage run={thinking} />);
    show(<AssistantMessage run={answering} />);
    await waitFor(() => expect(screen.getByText(THOUGHT)).toBeDefined());
  });

  it.each(THINKING_CHOICES)("follows the preference %s, while streaming and afterwards", (choice) => {
    const live = { auto: true, preview: false, open: true, closed: false };
    const settled = { auto: false, preview: false, open: true, closed: false };
    const { show } = renderWithOptions({ thinking: choice }, <AssistantMessage run={thinking} />);
    expect(screen.getByRole("button", { expanded: live[choice], name: /Thinking…/ })).toBeDefined();
    show(<AssistantMessage run={answering} />);
    expect(screen.getByRole("button", { expanded: settled[choice], name: /Thought for/ })).toBeDefined();
  });

  it("previews its last lines while it streams and its first ones afterwards", () => {
    const { show, container } = renderWithOptions({ thinking: "preview" }, <AssistantMessage run={thinking} />);
    expect(container.querySelector(".preview-live")?.textContent).toContain("December 30 and 31 as well.");
    show(<AssistantMessage run={answering} />);
    expect(container.querySelector(".preview-settled")?.textContent).toMatch(THOUGHT);
  });
});

describe("a run without a plain answer", () => {
  it("explains that the server withholds reasoning when there was some and none arrived", () => {
    const run = lastRun("answer-only");
    const { show } = renderWithOptions({}, <AssistantMessage run={run} />);
    expect(screen.queryByText(/No thinking shown/)).toBeNull();
    show(<AssistantMessage run={{ ...run, usage: { input_tokens: 1, output_tokens: 99, reasoning_tokens: 89 } }} />);
    expect(screen.getByText("This server doesn't show the model's thinking (89 tokens).")).toBeDefined();
  });

  it("shows that it was stopped while thinking, and keeps the reasoning in view", () => {
    renderWithOptions({}, <AssistantMessage run={lastRun("stopped")} />);
    expect(screen.getByRole("button", { name: "Stopped while thinking, after 2 s", expanded: true })).toBeDefined();
    expect(screen.getByText("You stopped this answer.")).toBeDefined();
  });

  it("explains that thinking was cut off, why, and what to do", async () => {
    let retried = 0;
    renderWithOptions({}, <AssistantMessage run={lastRun("failed-while-thinking")} onRetry={() => (retried += 1)} />);
    expect(screen.getByRole("button", { name: /^Thinking was cut off, after 2 s/ })).toBeDefined();
    expect(screen.getByText("The provider is overloaded.")).toBeDefined();
    expect(screen.getByText(/Try again in a moment/)).toBeDefined();
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(retried).toBe(1);
  });

  it.each([
    ["interrupted", "answer-only", 1],
    ["interrupted", "only-thought", 0],
    ["provider_overloaded", "answer-only", 0],
  ] as const)("offers to continue a partial answer after the run %s: %s", (code, session, times) => {
    const run = { ...lastRun(session), status: "failed", outcome: null, error: { code, message: "It ended early.", retryable: true } } as const;
    renderWithOptions({}, <AssistantMessage run={run} onRetry={() => undefined} onContinue={() => undefined} />);
    expect(screen.getAllByRole("button", { name: "Try again" })).toHaveLength(1);
    expect(screen.queryAllByRole("button", { name: "Continue" })).toHaveLength(times);
  });

  it("explains a run with only reasoning, keeps it expanded and offers to continue", async () => {
    let continued = 0;
    renderWithOptions({}, <AssistantMessage run={lastRun("only-thought")} onContinue={() => (continued += 1)} />);
    expect(screen.getByRole("button", { name: "Thought for 4 s", expanded: true })).toBeDefined();
    expect(screen.getByText("The model used all of its output for thinking")).toBeDefined();
    expect(screen.getByText(/4,096 tokens of thinking/)).toBeDefined();
    await userEvent.click(screen.getByRole("button", { name: "Continue" }));
    expect(continued).toBe(1);
  });

  it("reports thinking that the provider hides, with its size", () => {
    renderWithOptions({}, <AssistantMessage run={lastRun("hidden-by-provider")} />);
    expect(screen.getByText("This model doesn't show its thinking (1,234 tokens).")).toBeDefined();
  });

  it("reports thinking that the server's policy hides", () => {
    renderWithOptions({}, <AssistantMessage run={{ ...lastRun("answer-only"), reasoning_status: "hidden_by_policy" }} />);
    expect(screen.getByText("Thinking is hidden by this server's policy.")).toBeDefined();
  });

  it("marks only reasoning from which the server removed secrets", () => {
    const run = lastRun("thinking-live");
    const redacted = run.blocks.map((block) => (block.type === "reasoning" ? { ...block, parts: ["Use [redacted:provider_key] now."] } : block));
    const { show } = renderWithOptions({}, <AssistantMessage run={run} />);
    expect(screen.queryByText("Redacted")).toBeNull();
    show(<AssistantMessage run={{ ...run, blocks: redacted }} />);
    expect(screen.getByText("Redacted")).toBeDefined();
  });

  it("offers to continue at the step limit", () => {
    renderWithOptions({}, <AssistantMessage run={lastRun("max-iterations")} onContinue={() => undefined} />);
    expect(screen.getByRole("button", { name: "Continue" })).toBeDefined();
  });

  it("shows a very short run as less than a second, in short", () => {
    const run = lastRun("answer-only");
    if (!run.timing) throw new Error("no timing");
    renderWithOptions({}, <AssistantMessage run={{ ...run, timing: { ...run.timing, total_ms: 120 } }} />);
    expect(screen.getByText(/· <1 s$/)).toBeDefined();
  });

  it("shows that it waits for the model", () => {
    renderWithOptions({}, <AssistantMessage run={lastRun("thought-then-answer", 2)} />);
    expect(screen.getByText("Waiting for the model")).toBeDefined();
  });
});

describe("thoughts, tools and answers of one run", () => {
  it("are shown in order of arrival", async () => {
    const { container } = renderWithOptions({}, <AssistantMessage run={lastRun("tools-with-thought-between")} />);
    await screen.findByText(/So there are/);
    const text = container.textContent;
    const order = ["Thought for less than a second", "calculate", "read_file", "Thought for 1 s", "There are 52 full weeks", "calculate52 * 2", "Thought for less than a second", "So there are"];
    let from = -1;
    for (const each of order) {
      const at = text.indexOf(each, from + 1);
      expect(at, each).toBeGreaterThan(from);
      from = at;
    }
  });

  it("expand a tool to its arguments and its result", async () => {
    renderWithOptions({}, <AssistantMessage run={lastRun("tools-with-thought-between")} />);
    await userEvent.click(screen.getByRole("button", { name: /read_file.*failed/ }));
    expect(screen.getByLabelText("Arguments").textContent).toContain('"name": "calendar.txt"');
    expect(screen.getByLabelText("Result").textContent).toBe("FileNotFoundError: There is no file calendar.txt.");
  });

  it("show their duration and tokens", () => {
    renderWithOptions({}, <AssistantMessage run={lastRun("thought-then-answer")} />);
    expect(screen.getByText("lab/qwen3 · 388 tokens (121 thinking) · 9 s")).toBeDefined();
  });
});

const nothing = () => undefined;
const notice = (seconds: number) => ({ type: "notice", code: "provider_retry", message: `Trying again in ${seconds} seconds.` }) as const;

it("offers one action: Retry after a failure, otherwise Regenerate", () => {
  const { show } = renderWithOptions({}, <AssistantMessage run={lastRun("failed-while-thinking")} onRetry={nothing} onRegenerate={nothing} />);
  expect(screen.getByRole("button", { name: "Try again" })).toBeDefined();
  expect(screen.queryByRole("button", { name: "Regenerate" })).toBeNull();
  show(<AssistantMessage run={lastRun("failed-while-thinking")} onRegenerate={nothing} />);
  expect(screen.getByRole("button", { name: "Regenerate" })).toBeDefined();
  show(<AssistantMessage run={lastRun("thought-then-answer")} onRetry={nothing} onRegenerate={nothing} />);
  expect(screen.getByRole("button", { name: "Regenerate" })).toBeDefined();
});

it("lists the notices of several retries one by one", () => {
  const run = lastRun("notice-and-retry");
  renderWithOptions({}, <AssistantMessage run={{ ...run, blocks: [notice(1), notice(2), ...run.blocks.filter((block) => block.type !== "notice"), notice(4)] }} />);
  const lists = screen.getAllByRole("list", { name: "Notices" });
  expect(lists.map((list) => [...list.children].map((each) => each.textContent))).toEqual([["Trying again in 1 seconds.", "Trying again in 2 seconds."], ["Trying again in 4 seconds."]]);
});
