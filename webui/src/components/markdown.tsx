import { lazy, Suspense } from "react";

import { visible } from "./visible";

const load = () => import("./rendered-markdown");
const Rendered = lazy(load);

export interface MarkdownProps {
  readonly text: string;
  /** Whether more text is to come. */
  readonly growing: boolean;
}

/** Markdown of a model; plain text until the renderer is loaded. */
export function Markdown(props: MarkdownProps) {
  return (
    <Suspense fallback={<div className="chunk">{visible(props.text)}</div>}>
      <Rendered {...props} />
    </Suspense>
  );
}

/** Fetch the renderer before the first answer needs it. */
export function preloadMarkdown(): void {
  // Where this fails, rendering tries again and reports it.
  load().catch(() => undefined);
}
