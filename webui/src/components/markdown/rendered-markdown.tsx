/** The Markdown renderer, a separate bundle loaded by `markdown.tsx`. */

import { memo, useEffect, useState } from "react";

import type { MarkdownProps } from "./markdown";
import type { Definitions } from "./syntax/definitions";
import { elementOf } from "./elements";
import { ErrorBoundary } from "./error-boundary";
import { LONGEST_TEXT, MarkdownDocument, type Part } from "./syntax/markdown-document";
import { PlainText } from "./plain-text";

/** Characters rendered at once when the text is complete from the start. */
const FIRST = 20_000;
/** Characters rendered per step after that. */
const STEP = 2_500;

/** Model output as Markdown. Long complete text starts out plain and is rendered one step per animation frame. */
const Markdown = memo(function Markdown({ text, growing, inSteps = false }: MarkdownProps) {
  const [document] = useState(() => new MarkdownDocument());
  // Text that streamed here is already parsed.
  const [budget, setBudget] = useState(growing ? Number.POSITIVE_INFINITY : inSteps ? STEP : FIRST);
  const { parts, rest, definitions } = document.read(text, growing, budget);
  const waits = rest !== "" && budget < LONGEST_TEXT;
  useEffect(() => {
    if (!waits) return undefined;
    const frame = requestAnimationFrame(() => setBudget(budget + STEP));
    return () => cancelAnimationFrame(frame);
  }, [waits, budget]);
  const sections = inSteps ? inSections(parts) : [parts];
  return (
    <>
      {sections.map((section, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- sections are only ever added at the end
        <div key={index} className={sections.length > 1 ? "markdown row" : "markdown"}>
          {section.map((part) => (
            <Block key={part.at} part={part} definitions={definitions} />
          ))}
        </div>
      ))}
      {rest ? <PlainText text={rest} /> : null}
    </>
  );
});

/** Splits long text into sections, so off-screen content costs nothing. */
function inSections(parts: readonly Part[]): readonly (readonly Part[])[] {
  const sections: Part[][] = [];
  let length = STEP;
  for (const part of parts) {
    if (length >= STEP) {
      sections.push([]);
      length = 0;
    }
    sections.at(-1)?.push(part);
    length += part.source.length;
  }
  return sections;
}

const Block = memo(function Block({ part, definitions }: { readonly part: Part; readonly definitions: Definitions }) {
  const written = <PlainText text={part.source} />;
  if (part.node === null) return written;
  return <ErrorBoundary fallback={written}>{elementOf(part.node, { definitions, open: part.open, inLink: false })}</ErrorBoundary>;
});

export default Markdown;
