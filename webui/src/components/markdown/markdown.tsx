import { type ComponentType, createElement, useSyncExternalStore } from "react";

import { PlainText } from "./plain-text";

export interface MarkdownProps {
  readonly text: string;
  /** Whether more text will follow. */
  readonly growing: boolean;
  /** Whether to render incrementally, for very long text. */
  readonly inSteps?: boolean;
}

/** Model output as Markdown; plain text until the renderer has loaded. */
export function Markdown(props: MarkdownProps) {
  // Not Suspense: it would keep the plain text for a while after the renderer has loaded.
  const loaded = useSyncExternalStore(whenLoaded, () => renderer);
  return loaded ? createElement(loaded, props) : <PlainText text={props.text} />;
}

/** Load the renderer before the first answer needs it. */
export function preloadMarkdown(): void {
  loading ??= import("./rendered-markdown").then(
    (module) => {
      renderer = module.default;
      for (const listener of listeners) listener();
    },
    (error: unknown) => {
      // If loading fails (offline), text stays plain and the next block retries.
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
