import { useLayoutEffect, useRef } from "react";

import { cx } from "@/components/ui/cx";
import { visible } from "@/components/message/sanitize";

/** A chunk is a paragraph. A chunk this long ends at its next line break, to keep layout cheap while it grows. */
const LONG = 1_500;
/** Without a line break, a chunk ends at a space from this length on. */
const TOO_LONG = 6_000;

export interface GrowingTextProps {
  /** Append-only; different text is written from scratch. */
  readonly text: string;
  readonly className?: string;
}

/**
 * Streaming plain text that is appended to the DOM directly. Existing text is never rendered, laid out or
 * compared again, however long it gets.
 */
export function GrowingText({ text, className }: GrowingTextProps) {
  const root = useRef<HTMLDivElement>(null);
  const writer = useRef<Writer | null>(null);
  useLayoutEffect(() => {
    if (!root.current) return;
    if (writer.current?.root !== root.current) writer.current = new Writer(root.current);
    writer.current.show(text);
  }, [text]);
  return <div ref={root} className={cx(className)} />;
}

class Writer {
  readonly root: HTMLDivElement;
  #written = "";
  #last: Text | null = null;

  constructor(root: HTMLDivElement) {
    this.root = root;
    root.replaceChildren();
  }

  show(text: string): void {
    if (!text.startsWith(this.#written)) {
      this.root.replaceChildren();
      this.#written = "";
      this.#last = null;
    }
    if (text.length === this.#written.length) return;
    this.#append(visible(text.slice(this.#written.length), this.#written.slice(-2)));
    this.#written = text;
  }

  #append(text: string): void {
    let rest = text;
    while (rest !== "") {
      // A line break after a complete chunk still belongs to it.
      if (!this.#last || (!rest.startsWith("\n") && isWhole(this.#last))) this.#last = this.#piece();
      const end = edge(this.#last.data, rest);
      this.#last.appendData(rest.slice(0, end));
      rest = rest.slice(end);
    }
  }

  #piece(): Text {
    const piece = document.createElement("div");
    piece.className = "chunk";
    const node = document.createTextNode("");
    piece.append(node);
    this.root.append(piece);
    return node;
  }
}

/** Whether only line breaks may follow in this chunk. Marks the end of a paragraph. */
function isWhole(node: Text): boolean {
  const { data, length } = node;
  const breaks = /\n*$/.exec(data.slice(-MOST_BREAKS))?.[0].length ?? 0;
  if (breaks >= 2) {
    node.parentElement?.classList.add("chunk-ended");
    node.parentElement?.style.setProperty("--blank-lines", `${breaks - 1}`);
  }
  if (breaks > 0) return breaks >= 2 || length >= LONG;
  return length >= (data.endsWith(" ") ? TOO_LONG : TOO_LONG * 2);
}

/** How many trailing line breaks are counted. */
const MOST_BREAKS = 100;

/** How much of `text` goes into the chunk with `data`: up to the next chunk boundary, or all. */
function edge(data: string, text: string): number {
  const started = data.endsWith("\n") ? /^\n+/.exec(text)?.[0].length : undefined;
  if (started !== undefined) return started;
  const blank = /\n{2,}/.exec(text);
  const line = text.indexOf("\n", Math.max(0, LONG - data.length));
  const space = text.indexOf(" ", Math.max(0, TOO_LONG - data.length));
  const ends = [blank ? blank.index + blank[0].length : 0, line + 1, space + 1].filter((end) => end > 0);
  return ends.length === 0 ? text.length : Math.min(...ends);
}
