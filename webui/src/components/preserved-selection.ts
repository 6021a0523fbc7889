/** Preserves the selection in streaming text, which re-rendering would collapse. */

import { type RefObject, useEffect } from "react";

interface Spot {
  readonly node: Node;
  readonly offset: number;
  /** Offset in characters from the root. */
  readonly at: number;
}

/** One end of the selection; null if it is outside the text. */
type End = Spot | null;

export function usePreservedSelection(root: RefObject<HTMLElement | null>, growing: boolean): void {
  useEffect(() => (growing && root.current ? keepSelection(root.current) : undefined), [root, growing]);
}

function keepSelection(root: HTMLElement): () => void {
  let anchor: End = null;
  let focus: End = null;
  const note = () => {
    const selection = document.getSelection();
    const selects = selection !== null && !selection.isCollapsed;
    anchor = selects ? spotOf(root, selection.anchorNode, selection.anchorOffset) : null;
    focus = selects ? spotOf(root, selection.focusNode, selection.focusOffset) : null;
  };
  const observer = new MutationObserver((records) => {
    const selection = document.getSelection();
    if (!selection?.anchorNode || !selection.focusNode || (anchor === null && focus === null)) return;
    const changed = new Set(records.filter((record) => record.type === "characterData").map((record) => record.target));
    const from = restoredEnd(root, anchor, selection.anchorNode, selection.anchorOffset, changed);
    const to = restoredEnd(root, focus, selection.focusNode, selection.focusOffset, changed);
    if (from === null && to === null) return;
    const [start, startOffset] = from ?? [selection.anchorNode, selection.anchorOffset];
    const [end, endOffset] = to ?? [selection.focusNode, selection.focusOffset];
    selection.setBaseAndExtent(start, startOffset, end, endOffset);
    note();
  });
  note();
  document.addEventListener("selectionchange", note);
  observer.observe(root, { childList: true, characterData: true, subtree: true });
  return () => {
    document.removeEventListener("selectionchange", note);
    observer.disconnect();
  };
}

function spotOf(root: HTMLElement, node: Node | null, offset: number): End {
  if (!node || !root.contains(node)) return null;
  const before = document.createRange();
  before.setStart(root, 0);
  before.setEnd(node, offset);
  return { node, offset, at: before.toString().length };
}

/** Where rendering should have left an end of the selection; null if it didn't move. */
function restoredEnd(root: HTMLElement, end: End, node: Node, offset: number, changed: ReadonlySet<Node>): [Node, number] | null {
  if (end === null) return null;
  if (!root.contains(end.node)) return textAt(root, end.at);
  // Replacing text moves range boundaries in it to its start.
  const rewritten = changed.has(end.node) && node === end.node && offset === 0;
  if (!rewritten || end.offset === 0) return null;
  return end.offset <= lengthOf(end.node) ? [end.node, end.offset] : textAt(root, end.at);
}

function lengthOf(node: Node): number {
  return node.nodeValue?.length ?? 0;
}

/** The position at a character offset. */
function textAt(root: HTMLElement, at: number): [Node, number] | null {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  let left = at;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const length = lengthOf(node);
    if (left <= length) return [node, left];
    left -= length;
  }
  return null;
}
