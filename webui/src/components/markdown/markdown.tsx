import { type ComponentType, createElement, useSyncExternalStore } from "react";

import { PlainText } from "./plain-text";

export interface MarkdownProps {
  readonly text: string;
  /** Whether more text is to come. */
  readonly growing: boolean;
  /** Whether it may be very long, and is rendered step by step. */
  readonly stepwise?: boolean;
}

/** Markdown of a model; plain text until the renderer is loaded. */
export function Markdown(props: MarkdownProps) {
  // Not by Suspense: it would leave the plain text in place for a while after the renderer has arrived.
  const loaded = useSyncExternalStore(whenLoaded, () => renderer);
  return loaded ? createElement(loaded, props) : <PlainText text={props.text} />;
}

/** Fetch the renderer before the first answer needs it. */
export function preloadMarkdown(): void {
  loading ??= import("./rendered-markdown").then(
    (module) => {
      renderer = module.default;
      for (const listener of listeners) listener();
    },
    (error: unknown) => {
      // Without it (offline) the text stays plain, and the next part of a conversation asks again.
      loading = null;
      if (!(error instanceof TypeError)) throw error;
    },
  );
}

let renderer: ComponentType<MarkdownProps> | null = null;
let loading: Promise<void> | null = null;
const listeners = new Set<() => void>();

function whenLoaded(listener: () => void): () => void {
  listeners.add(listener);
  if (renderer === null) preloadMarkdown();
  return () => listeners.delete(listener);
}
