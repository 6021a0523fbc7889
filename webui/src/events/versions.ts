/** The version tree of a conversation: runs of unselected versions and how they connect. */

import type { ConversationView, RunView } from "./types.gen";

/** Runs by id. "" is the position before the first run here. */
export interface Tree {
  /** Runs off the current path. */
  readonly hidden: Readonly<Record<string, RunView>>;
  /** The predecessor of each run that is hidden or has other versions. */
  readonly before: Readonly<Record<string, string>>;
  /** The versions that follow a run, if there are several. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** The selected version after a hidden run. */
  readonly selected: Readonly<Record<string, string>>;
}

export const NO_TREE: Tree = { hidden: {}, before: {}, groups: {}, selected: {} };

/** Build the tree of a snapshot: which versions exist, without their runs. */
export function treeOf(view: ConversationView): Tree {
  let tree = NO_TREE;
  view.runs.forEach((run, index) => {
    const versions = view.versions[run.run_id];
    if (versions) tree = grouped(tree, view.runs[index - 1]?.run_id ?? "", versions);
  });
  const { attempt } = view;
  const versions = attempt ? view.versions[attempt.run_id] : undefined;
  // A replacement of a run that isn't here: only its versions are known.
  if (attempt && versions && tree.before[attempt.run_id] === undefined) tree = { ...tree, groups: { ...tree.groups, [ELSEWHERE]: versions }, before: { ...tree.before, [attempt.run_id]: ELSEWHERE } };
  return tree;
}

/** A position that isn't here; no run has this id. */
const ELSEWHERE = "?";

function grouped(tree: Tree, place: string, versions: readonly string[]): Tree {
  const before = { ...tree.before };
  for (const id of versions) before[id] = place;
  return { ...tree, before, groups: { ...tree.groups, [place]: versions } };
}

/** Reattach versions at the front after earlier runs were prepended. */
export function behind(tree: Tree, last: string): Tree {
  const { "": group, ...groups } = tree.groups;
  const { "": selected, ...others } = tree.selected;
  const before = Object.fromEntries(Object.entries(tree.before).map(([id, place]) => [id, place === "" ? last : place]));
  return {
    hidden: tree.hidden,
    before,
    groups: group ? { ...groups, [last]: group } : groups,
    selected: selected ? { ...others, [last]: selected } : others,
  };
}

/** The predecessor of a run; undefined if the run isn't here. */
export function placeOf(view: ConversationView, tree: Tree, runId: string): string | undefined {
  const index = view.runs.findIndex((run) => run.run_id === runId);
  return index === -1 ? tree.before[runId] : (view.runs[index - 1]?.run_id ?? "");
}

/** The run of the current path at a position; undefined if the position isn't on it. */
export function currentAt(view: ConversationView, place: string): RunView | undefined {
  const index = view.runs.findIndex((run) => run.run_id === place);
  return place !== "" && index === -1 ? undefined : view.runs[index + 1];
}

/** Add a version at a position. */
export function withVersion(tree: Tree, place: string, replaced: string, runId: string): Tree {
  return grouped(tree, place, [...(tree.groups[place] ?? [replaced]), runId]);
}

/** The current path and tree with this run selected; null if its runs aren't here. */
export function select(view: ConversationView, tree: Tree, runId: string): { readonly runs: readonly RunView[]; readonly tree: Tree } | null {
  const way = pathTo(view, tree, runId);
  if (!way) return null;
  const { steps, shared, index } = way;
  if (steps.length === 0) return { runs: view.runs, tree };
  const { hidden, before, selected } = withHidden(tree, shared, view.runs.slice(index + 1));
  let place = shared;
  for (const run of steps) {
    selected[place] = run.run_id;
    place = run.run_id;
  }
  for (let next = hidden[selected[runId] ?? ""]; next; next = hidden[selected[next.run_id] ?? ""]) steps.push(next);
  for (const run of steps) delete hidden[run.run_id];
  return { runs: [...view.runs.slice(0, index + 1), ...steps], tree: { ...tree, hidden, before, selected } };
}

/** The hidden runs between the current path and a run; null if one isn't here. */
function pathTo(view: ConversationView, tree: Tree, runId: string) {
  const steps: RunView[] = [];
  const indexOf = (id: string) => view.runs.findIndex((run) => run.run_id === id);
  let shared = runId;
  for (; shared !== "" && indexOf(shared) === -1; shared = tree.before[shared] ?? ELSEWHERE) {
    const run = tree.hidden[shared];
    if (!run) return null;
    steps.unshift(run);
  }
  return { steps, shared, index: indexOf(shared) };
}

/** A mutable copy of the tree with these consecutive runs after `place` hidden. */
function withHidden(tree: Tree, place: string, runs: readonly RunView[]) {
  const hidden = { ...tree.hidden };
  const before = { ...tree.before };
  const selected = { ...tree.selected };
  let last = place;
  for (const run of runs) {
    hidden[run.run_id] = run;
    before[run.run_id] = last;
    selected[last] = run.run_id;
    last = run.run_id;
  }
  return { hidden, before, selected };
}

/** The versions of the runs on the path and of the attempt, if there are several. */
export function versionsOf(runs: readonly RunView[], attempt: RunView | null, tree: Tree): ConversationView["versions"] {
  const found: Record<string, readonly string[]> = {};
  runs.forEach((run, index) => {
    const group = tree.groups[runs[index - 1]?.run_id ?? ""];
    if (group) found[run.run_id] = group;
  });
  const group = attempt ? tree.groups[tree.before[attempt.run_id] ?? ELSEWHERE] : undefined;
  if (attempt && group) found[attempt.run_id] = group;
  return found;
}
