import { lazy, Suspense } from "react";

import { CopyButton } from "@/components/copy-button";
import { ErrorBoundary } from "./error-boundary";
import { visible } from "@/components/message/sanitize";

const Highlighted = lazy(() => import("./highlighted"));

/** Longer code isn't highlighted: it would take too long. */
const LONGEST_HIGHLIGHTED = 30_000;
/** Nor is code with longer lines: that's usually data, and slow for some grammars. */
const LONGEST_LINE = 2_000;

function isHighlighted(code: string): boolean {
  return code.length <= LONGEST_HIGHLIGHTED && code.split("\n").every((line) => line.length <= LONGEST_LINE);
}

export interface CodeBlockProps {
  readonly code: string;
  readonly language: string;
  /** Whether it's still streaming; then it stays plain. */
  readonly growing: boolean;
}

export function CodeBlock({ code, language, growing }: CodeBlockProps) {
  const shown = visible(code);
  const colored = !growing && language !== "" && isHighlighted(code);
  return (
    <figure className="overflow-hidden rounded-xl border border-line bg-sunken">
      <figcaption className="flex items-center justify-between pr-1 pl-4 text-xs text-faint">
        <span>{language || "text"}</span>
        <CopyButton label="Copy code" text={() => code} className="size-8" />
      </figcaption>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls sideways, by keyboard too */}
      <pre dir="ltr" tabIndex={0} aria-label={language ? `Code, ${language}` : "Code"} className="overflow-x-auto px-4 pb-3.5 font-mono text-[0.84rem] leading-relaxed">
        <code>{colored ? <ErrorBoundary fallback={shown}><Suspense fallback={shown}><Highlighted code={shown} language={language} /></Suspense></ErrorBoundary> : shown}</code>
      </pre>
    </figure>
  );
}
