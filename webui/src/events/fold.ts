/** Folds the log into a view. Mirrors Python's `events/fold.py`: same events, same JSON. */

import type {
  AnswerBlock,
  AttachedFile,
  Attachment,
  Block,
  ConversationView,
  Event,
  ReasoningBlock,
  LoggedEvent,
  RunStarted,
  RunView,
  SegmentReclassified,
} from "./types.gen";
import { withToolEvent } from "./fold-tools";
import { behind, currentAt, placeOf, select, treeOf, type Tree, versionsOf, withVersion } from "./versions";

/**
 * The fold's state: a conversation, or its newest part. Immutable: `apply` returns a new one that shares
 * everything unchanged, so that it can be compared by identity.
 */
export interface Session {
  readonly view: ConversationView;
  /** Index of the block with the open segment, by run id. */
  readonly open: Readonly<Record<string, number>>;
  /** Whether there are earlier runs than the first one here. */
  readonly earlier: boolean;
  /** Other versions of messages. */
  readonly tree: Tree;
  /** Whether the selected version isn't here and must be fetched. */
  readonly stale: boolean;
}

type Delta = Extract<Event, { type: "reasoning.delta" | "answer.delta" }>;
type Ended = Extract<Event, { type: "reasoning.ended" | "answer.ended" }>;
type RunEvent = Exclude<Event, Delta | Ended>;

export function emptySession(conversationId: string): Session {
  return sessionOf({ conversation_id: conversationId, seq: 0, runs: [], versions: {}, attempt: null });
}

/** Start from a snapshot of all runs or the newest ones. */
export function sessionOf(view: ConversationView, earlier = false): Session {
  const open: Record<string, number> = {};
  for (const run of view.attempt ? [...view.runs, view.attempt] : view.runs) {
    const last = run.blocks.length - 1;
    const block = run.blocks[last];
    if (block && "segment_id" in block && block.status === "open") open[run.run_id] = last;
  }
  return { view, open, earlier, tree: treeOf(view), stale: false };
}

/** Apply a snapshot of the newest runs, keeping earlier runs that are here. */
export function withSnapshot(session: Session, view: ConversationView, earlier: boolean): Session {
  const place = session.view.runs.findIndex((run) => run.run_id === view.runs[0]?.run_id);
  const newest = sessionOf(view, earlier);
  return earlier && place > 0 ? prepended(newest, session.view.runs.slice(0, place), session.view.versions, session.earlier) : newest;
}

/** Prepend earlier runs. */
export function prepended(session: Session, runs: readonly RunView[], versions: ConversationView["versions"], earlier: boolean): Session {
  const last = runs.at(-1);
  if (!last) return { ...session, earlier };
  const front = treeOf({ ...session.view, runs, versions, attempt: null });
  const back = behind(session.tree, last.run_id);
  const tree: Tree = { ...back, before: { ...front.before, ...back.before }, groups: { ...front.groups, ...back.groups } };
  const all = [...runs, ...session.view.runs];
  const { attempt } = session.view;
  return { ...session, tree, view: { ...session.view, runs: all, versions: versionsOf(all, attempt, tree) }, earlier };
}

/** Apply the next event. An event of a run that isn't here (unknown, or another version) only advances `seq`. */
export function apply(session: Session, logged: LoggedEvent): Session {
  const { view } = session;
  const index = view.runs.findLastIndex((run) => run.run_id === logged.run_id);
  const run = view.runs[index];
  if (!run) return applyConversationEvent(session, logged);
  const [next, open] = applyToRun(run, session.open[run.run_id], logged);
  // Its answer text selected it, but was reasoning: the server selects the version that was selected before.
  const isUndone = logged.event.type === "segment.reclassified" && run.run_id in view.versions && hasAnswered(run) && !hasAnswered(next);
  return {
    ...session,
    stale: session.stale || isUndone,
    view: { ...view, seq: logged.seq, runs: next === run ? view.runs : view.runs.with(index, next) },
    open: open === session.open[run.run_id] ? session.open : withOpenSegment(session.open, run.run_id, open),
  };
}

/** Apply an event of a run off the current path. */
function applyConversationEvent(session: Session, logged: LoggedEvent): Session {
  const { event } = logged;
  const here = { ...session, view: { ...session.view, seq: logged.seq } };
  if (event.type === "run.started") return withStartedRun(here, logged, event);
  if (event.type === "version.selected") return selected(here, event.run_id);
  const { attempt } = session.view;
  if (attempt?.run_id !== logged.run_id) return here;
  const [next, open] = applyToRun(attempt, session.open[attempt.run_id], logged);
  const applied = { ...here, view: { ...here.view, attempt: next }, open: withOpenSegment(session.open, attempt.run_id, open) };
  return event.type === "answer.delta" && hasAnswered(next) ? selected(applied, next.run_id) : applied;
}

/** A run that replaces another is a new version of it, selected by its first answer text. */
function withStartedRun(session: Session, logged: LoggedEvent, event: RunStarted): Session {
  const run = begun(logged, event);
  const { view, tree } = withoutAttempt(session);
  const { replaces } = event;
  const place = replaces ? placeOf(view, tree, replaces) : undefined;
  if (!replaces || place === undefined) {
    if (replaces && session.earlier) return { ...session, stale: true };
    return { ...session, tree, view: { ...view, runs: [...view.runs, run] } };
  }
  const current = currentAt(view, place);
  const added = withVersion(tree, place, replaces, run.run_id);
  const attempted: Session = { ...session, tree: added, view: { ...view, attempt: run, versions: versionsOf(view.runs, run, added) } };
  const isReplaced = current !== undefined && current === view.runs.at(-1) && !hasAnswered(current);
  return isReplaced ? selected(attempted, run.run_id) : attempted;
}

/** Select the version a run belongs to. If it isn't here, the session becomes stale. */
function selected(session: Session, runId: string): Session {
  const { view, tree } = withoutAttempt(session);
  const found = select(view, tree, runId);
  if (!found) return { ...session, stale: true };
  return { ...session, tree: found.tree, view: { ...view, runs: found.runs, versions: versionsOf(found.runs, null, found.tree) } };
}

/** A superseded attempt becomes a hidden version. */
function withoutAttempt({ view, tree }: Session): { readonly view: ConversationView; readonly tree: Tree } {
  const { attempt } = view;
  if (!attempt) return { view, tree };
  const { [attempt.run_id]: _, ...versions } = view.versions;
  return { view: { ...view, attempt: null, versions }, tree: { ...tree, hidden: { ...tree.hidden, [attempt.run_id]: attempt } } };
}

/** Whether a run has any non-blank answer text. */
export function hasAnswered(run: RunView): boolean {
  return run.blocks.some((block) => block.type === "answer" && /[^ \t\r\n]/.test(block.text));
}

function begun(logged: LoggedEvent, event: RunStarted): RunView {
  return {
    run_id: logged.run_id,
    status: "running",
    model: event.model,
    input: event.input,
    blocks: [],
    iteration: 0,
    max_iterations: event.max_iterations,
    started_at_ms: logged.at_ms,
    reasoning_effort: event.reasoning_effort ?? null,
    ended_at_ms: null,
    reasoning_status: "none",
    usage: null,
    timing: null,
    error: null,
    outcome: null,
    attachments: (event.attachments ?? []).map(fileOf),
  };
}

/** File metadata; old logs lack some of it. */
function fileOf({ id, name, media_type, bytes }: Attachment): AttachedFile {
  return { id: id ?? "", name, media_type, bytes: bytes ?? null };
}

function withOpenSegment(open: Session["open"], runId: string, index: number | undefined): Session["open"] {
  const { [runId]: _, ...others } = open;
  return index === undefined ? others : { ...others, [runId]: index };
}

function applyToRun(run: RunView, open: number | undefined, logged: LoggedEvent): [RunView, number | undefined] {
  const { event } = logged;
  switch (event.type) {
    case "reasoning.delta":
    case "answer.delta":
      return extended(run, open, event, logged.at_ms);
    case "reasoning.ended":
    case "answer.ended": {
      const current = open === undefined ? undefined : run.blocks[open];
      if (open === undefined || !current) return [run, undefined];
      return [replaced(run, open, closed(current, event)), undefined];
    }
    default:
      return [applyRunEvent(run, event, logged.at_ms), open];
  }
}

function extended(run: RunView, open: number | undefined, event: Delta, atMs: number): [RunView, number] {
  const current = open === undefined ? undefined : run.blocks[open];
  if (open !== undefined && current && "segment_id" in current && current.segment_id === event.segment_id) {
    return [replaced(run, open, longer(current, event.text, partOf(event))), open];
  }
  const block = opened(event, run.iteration, atMs);
  const shown = block.type === "reasoning" ? { reasoning_status: "shown" as const } : {};
  return [{ ...run, ...shown, blocks: [...run.blocks, block] }, run.blocks.length];
}

function partOf(event: Delta): number {
  return event.type === "reasoning.delta" ? (event.part ?? 0) : 0;
}

function replaced(run: RunView, index: number, block: Block): RunView {
  return { ...run, blocks: run.blocks.with(index, block) };
}

function opened(event: Delta, iteration: number, atMs: number): Block {
  if (event.type === "answer.delta") {
    return { type: "answer", segment_id: event.segment_id, iteration, text: event.text, status: "open" };
  }
  const block: ReasoningBlock = {
    type: "reasoning",
    segment_id: event.segment_id,
    iteration,
    parts: [""],
    status: "open",
    started_at_ms: atMs,
    duration_ms: null,
  };
  return longer(block, event.text, partOf(event));
}

function longer(block: Block, text: string, part: number): Block {
  if (block.type === "answer") return { ...block, text: block.text + text };
  if (block.type !== "reasoning") return block;
  const parts = [...block.parts];
  while (parts.length <= part) parts.push("");
  parts[part] = (parts[part] ?? "") + text;
  return { ...block, parts };
}

function closed(block: Block, event: Ended): Block {
  const status = event.interrupted ? "interrupted" : "closed";
  if (block.type === "answer") return { ...block, status };
  if (block.type !== "reasoning") return block;
  return { ...block, status, duration_ms: event.type === "reasoning.ended" ? event.duration_ms : null };
}

function applyRunEvent(run: RunView, event: RunEvent, atMs: number): RunView {
  switch (event.type) {
    case "run.started":
    case "version.selected":
      return run;
    case "iteration.started":
      return { ...run, iteration: event.iteration };
    case "tool.started":
    case "tool.requested":
    case "tool.progress":
    case "tool.ended":
    case "approval.requested":
    case "approval.resolved":
    case "question.requested":
    case "question.resolved":
      return withToolEvent(run, event);
    case "run.checkpoint":
      return run;
    case "segment.reclassified":
      return reclassified(run, event, atMs);
    case "model.responded":
      return run.reasoning_status === "none" ? { ...run, reasoning_status: event.reasoning_status } : run;
    case "notice":
      return { ...run, blocks: [...run.blocks, { type: "notice", code: event.code, message: event.message }] };
    case "run.ended":
      return {
        ...run,
        status: event.status,
        ended_at_ms: atMs,
        usage: event.usage ?? null,
        timing: event.timing,
        error: event.error ?? null,
        outcome: event.outcome ?? null,
      };
    default: {
      const never: never = event;
      return never;
    }
  }
}

/**
 * Turns an answer segment into reasoning, or withdraws a segment. A client that received its start as an answer
 * may have received the rest as reasoning.
 */
function reclassified(run: RunView, event: SegmentReclassified, atMs: number): RunView {
  const found = run.blocks.filter(isText).filter((block) => block.segment_id === event.segment_id);
  const [first] = found;
  if (!first) return run;
  const thought: ReasoningBlock = {
    type: "reasoning",
    segment_id: first.segment_id,
    iteration: first.iteration,
    parts: [found.map((block) => (block.type === "answer" ? block.text : block.parts.join(""))).join("")],
    status: (found.at(-1) ?? first).status,
    started_at_ms: atMs - event.duration_ms,
    duration_ms: event.duration_ms,
  };
  const rest = run.blocks.filter((block) => block === first || !isText(block) || !found.includes(block));
  const blocks = event.to === "reasoning" ? rest.map((block) => (block === first ? thought : block)) : rest.filter((block) => block !== first);
  const shown = blocks.some((block) => block.type === "reasoning");
  return { ...run, blocks, reasoning_status: shown ? "shown" : "none" };
}

function isText(block: Block): block is AnswerBlock | ReasoningBlock {
  return block.type === "answer" || block.type === "reasoning";
}
