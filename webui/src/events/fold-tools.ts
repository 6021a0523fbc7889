/** Folds tool calls, approvals and questions into the view of a run. Part of `fold.ts`. */

import type { ApprovalRequested, ApprovalResolved, Event, QuestionBlock, QuestionRequested, QuestionResolved, RunView, ToolApproval, ToolBlock, ToolEnded, ToolProgress } from "./types.gen";

export type ToolEvent = Extract<
  Event,
  { type: "tool.started" | "tool.requested" | "tool.progress" | "tool.ended" | "approval.requested" | "approval.resolved" | "question.requested" | "question.resolved" }
>;

export function withToolEvent(run: RunView, event: ToolEvent): RunView {
  switch (event.type) {
    case "tool.started":
      return startedTool(run, event);
    case "tool.requested":
      return { ...run, blocks: [...run.blocks, newTool(run.iteration, event, "requested")] };
    case "tool.progress":
      return withProgress(run, event);
    case "tool.ended":
      return endedTool(run, event);
    case "approval.requested":
      return { ...run, status: "waiting", blocks: [...run.blocks, awaitingTool(event)] };
    case "approval.resolved":
      return withDecision(run, event);
    case "question.requested":
      return { ...run, blocks: [...run.blocks, questionOf(event)] };
    case "question.resolved":
      return withAnswer(run, event);
    default: {
      const never: never = event;
      return never;
    }
  }
}

function withProgress(run: RunView, { tool_call_id, message, progress, total }: ToolProgress): RunView {
  return changedTool(run, tool_call_id, { progress: { message: message ?? "", progress: progress ?? null, total: total ?? null } });
}

function withAnswer(run: RunView, { question_id, action }: QuestionResolved): RunView {
  return { ...run, blocks: run.blocks.map((block) => (block.type === "question" && block.question_id === question_id ? { ...block, action } : block)) };
}

function newTool(
  iteration: number,
  event: Extract<Event, { type: "tool.started" | "tool.requested" }>,
  status: "running" | "requested",
): ToolBlock {
  return {
    type: "tool",
    tool_call_id: event.tool_call_id,
    iteration,
    name: event.name,
    arguments: event.arguments,
    status,
    result: "",
    duration_ms: null,
    truncated: false,
    progress: null,
    approval: null,
  };
}

/** A call that was approved has a block already. */
function startedTool(run: RunView, event: Extract<Event, { type: "tool.started" }>): RunView {
  const last = run.blocks.findLast((block) => block.type === "tool" && block.tool_call_id === event.tool_call_id);
  if (last?.type === "tool" && last.status === "waiting") return changedTool(run, event.tool_call_id, { status: "running", arguments: event.arguments });
  return { ...run, blocks: [...run.blocks, newTool(run.iteration, event, "running")] };
}

function awaitingTool(event: ApprovalRequested): ToolBlock {
  const { approval_id, tool_call_id, action, title, reason, editable, allowed_remember, iteration, expires_at_ms, server } = event;
  const approval: ToolApproval = {
    approval_id,
    title,
    reason,
    editable,
    allowed_remember,
    expires_at_ms,
    server: server ?? null,
    decision: null,
    decision_reason: null,
    edited: false,
    remember: null,
    by: null,
  };
  return { ...newTool(iteration, { type: "tool.started", tool_call_id, name: action, arguments: event.arguments }, "running"), status: "waiting", approval };
}

function withDecision(run: RunView, event: ApprovalResolved): RunView {
  const blocks = run.blocks.map((block) => {
    if (block.type !== "tool" || block.approval?.approval_id !== event.approval_id) return block;
    const approval: ToolApproval = {
      ...block.approval,
      decision: event.decision,
      decision_reason: event.reason ?? null,
      edited: typeof event.arguments === "string",
      remember: event.remember ?? null,
      by: event.by,
    };
    return { ...block, approval };
  });
  const isWaiting = blocks.some((block) => block.type === "tool" && block.approval !== null && block.approval.decision === null);
  return { ...run, status: isWaiting ? "waiting" : "running", blocks };
}

function questionOf(event: QuestionRequested): QuestionBlock {
  const { question_id, tool_call_id, mode, message, expires_at_ms, server, schema, url } = event;
  return { type: "question", question_id, tool_call_id, mode, message, expires_at_ms, server: server ?? null, schema: schema ?? null, url: url ?? null, action: null };
}

function endedTool(run: RunView, event: ToolEnded): RunView {
  return changedTool(run, event.tool_call_id, {
    status: event.status,
    result: event.result,
    duration_ms: event.duration_ms,
    truncated: event.truncated ?? false,
  });
}

/** Change the block of a call. Calls of different responses may have the same id. */
function changedTool(run: RunView, toolCallId: string, changes: Partial<ToolBlock>): RunView {
  const index = run.blocks.findLastIndex((block) => block.type === "tool" && block.tool_call_id === toolCallId);
  const block = run.blocks[index];
  return block?.type === "tool" ? { ...run, blocks: run.blocks.with(index, { ...block, ...changes }) } : run;
}
