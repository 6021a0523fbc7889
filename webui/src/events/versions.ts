/** The tree behind a conversation: the runs of versions that are not selected, and how they hang together. */

import type { ConversationView, RunView } from "./types.gen";

/** Runs are named by id. "" stands for what comes before the first run that is here. */
export interface Tree {
  /** The runs that are here and not on the current path. */
  readonly hidden: Readonly<Record<string, RunView>>;
  /** By run that is a version among others, or hidden: the run that it follows. */
  readonly before: Readonly<Record<string, string>>;
  /** By run: the versions that follow it, where there are several. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** By run: the version that was selected after it, where it is hidden. */
  readonly selected: Readonly<Record<string, string>>;
}

export const NO_TREE: Tree = { hidden: {}, before: {}, groups: {}, selected: {} };

/** Read the tree of a view that somebody else folded: which versions there are, without their runs. */
export function treeOf(view: ConversationView): Tree {
  let tree = NO_TREE;
  view.runs.forEach((run, index) => {
    const versions = view.versions[run.run_id];
    if (versions) tree = grouped(tree, view.runs[index - 1]?.run_id ?? "", versions);
  });
  const { attempt } = view;
  const versions = attempt ? view.versions[attempt.run_id] : undefined;
  // A replacement of a run that is not here: all that is known is what it is a version of.
  if (attempt && versions && tree.before[attempt.run_id] === undefined) tree = { ...tree, groups: { ...tree.groups, [ELSEWHERE]: versions }, before: { ...tree.before, [attempt.run_id]: ELSEWHERE } };
  return tree;
}

/** The place of a position that is not here; no run has this id. */
const ELSEWHERE = "?";

function grouped(tree: Tree, place: string, versions: readonly string[]): Tree {
  const before = { ...tree.before };
  for (const id of versions) before[id] = place;
  return { ...tree, before, groups: { ...tree.groups, [place]: versions } };
}

/** Move what hangs at the front of the runs that are here behind those that came before. */
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

/** The run that this one follows; undefined where the run is not here. */
export function placeOf(view: ConversationView, tree: Tree, runId: string): string | undefined {
  const index = view.runs.findIndex((run) => run.run_id === runId);
  return index === -1 ? tree.before[runId] : (view.runs[index - 1]?.run_id ?? "");
}

/** The run of the current path that stands at a place; undefined where the place is not on it. */
export function currentAt(view: ConversationView, place: string): RunView | undefined {
  const index = view.runs.findIndex((run) => run.run_id === place);
  return place !== "" && index === -1 ? undefined : view.runs[index + 1];
}

/** Add a version of a run at its place. */
export function withVersion(tree: Tree, place: string, replaced: string, runId: string): Tree {
  return grouped(tree, place, [...(tree.groups[place] ?? [replaced]), runId]);
}

/** The current path and the tree once this run is selected; null where the runs for that are not here. */
export function select(view: ConversationView, tree: Tree, runId: string): { readonly runs: readonly RunView[]; readonly tree: Tree } | null {
  const way = wayTo(view, tree, runId);
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

/** The hidden runs that lead to one, after the last run that is on the current path; null where one is not here. */
function wayTo(view: ConversationView, tree: Tree, runId: string) {
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

/** The tree with these runs, which followed each other after `place`; to be changed further. */
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

/** The versions of the runs on the path, and of the attempt, where there are several. */
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
