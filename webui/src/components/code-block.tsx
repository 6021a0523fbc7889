import { lazy, Suspense } from "react";

import { CopyButton } from "./copy-button";

const Highlighted = lazy(() => import("./highlighted"));

/** Above this, colours are not worth the wait. */
const LONGEST_HIGHLIGHTED = 30_000;

export interface CodeBlockProps {
  readonly code: string;
  readonly language: string;
  /** Whether more of it is to come: then it stays plain. */
  readonly growing: boolean;
}

export function CodeBlock({ code, language, growing }: CodeBlockProps) {
  const coloured = !growing && language !== "" && code.length <= LONGEST_HIGHLIGHTED;
  return (
    <figure className="overflow-hidden rounded-xl border border-line bg-sunken">
      <figcaption className="flex items-center justify-between pr-1 pl-4 text-xs text-faint">
        <span>{language || "text"}</span>
        <CopyButton label="Copy code" text={() => code} className="size-8" />
      </figcaption>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls sideways, by keyboard too */}
      <pre dir="ltr" tabIndex={0} aria-label={language ? `Code, ${language}` : "Code"} className="overflow-x-auto px-4 pb-3.5 font-mono text-[0.84rem] leading-relaxed">
        <code>{coloured ? <Suspense fallback={code}><Highlighted code={code} language={language} /></Suspense> : code}</code>
      </pre>
    </figure>
  );
}
