import { useLayoutEffect, useRef } from "react";

import { cx } from "@/components/ui/cx";
import { visible } from "@/components/message/sanitize";

/** A piece this long ends at its next line break: laying out a piece must stay cheap while it grows. */
const LONG = 1_500;
/** A piece without a line break ends at a space from here on. */
const TOO_LONG = 6_000;

export interface GrowingTextProps {
  /** Only ever grows; a text that is another one is written anew. */
  readonly text: string;
  readonly className?: string;
}

/**
 * Plain text that grows by appending to the page. What is there already is never rendered, laid out or
 * compared again, however long it is.
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
      const node = this.#last && this.#last.length < TOO_LONG * 2 ? this.#last : this.#piece();
      const end = edge(node.length, rest);
      node.appendData(end === null ? rest : rest.slice(0, end));
      rest = end === null ? "" : rest.slice(end);
      this.#last = end === null ? node : null;
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

/** Where the piece that has `length` characters ends within `text`, after a line break or a space; null: not yet. */
function edge(length: number, text: string): number | null {
  const from = Math.max(0, LONG - length);
  const line = text.indexOf("\n", from);
  const space = text.indexOf(" ", Math.max(0, TOO_LONG - length));
  if (line === -1 && space === -1) return null;
  const at = line !== -1 && (space === -1 || line < space) ? line : space;
  return at + 1;
}
