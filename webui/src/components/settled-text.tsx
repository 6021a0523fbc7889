import { useEffect, useMemo, useState } from "react";

import { Markdown } from "./markdown";
import { visible } from "./visible";

/** How much is turned into Markdown in one go. */
const STEP = 2_500;

/**
 * A text that grows no more, as Markdown. A long one stays plain at first and becomes Markdown block by
 * block, one step per animation frame, so that the page answers meanwhile.
 */
export function SettledText({ text }: { readonly text: string }) {
  const steps = useMemo(() => inSteps(text), [text]);
  const [done, setDone] = useState(1);
  useEffect(() => {
    if (done >= steps.length) return undefined;
    const frame = requestAnimationFrame(() => setDone(done + 1));
    return () => cancelAnimationFrame(frame);
  }, [done, steps]);
  return (
    <div className="space-y-[0.85em]">
      {steps.map((step, index) =>
        // oxlint-disable-next-line react/no-array-index-key -- the steps of a settled text stay where they are
        <div key={index} className={steps.length > 1 ? "row" : undefined}>
          {index < done ? <Markdown text={step} growing={false} /> : <div className="chunk">{visible(step)}</div>}
        </div>,
      )}
    </div>
  );
}

/** Cut at blank lines outside of fenced code, so that each piece is Markdown of its own. */
function inSteps(text: string): string[] {
  if (text.length <= STEP) return [text];
  const steps: string[] = [];
  let step = "";
  let fence: string | null = null;
  for (const line of text.split(/(?<=\n)/)) {
    fence = fenceAfter(line, fence);
    step += line;
    if (step.length >= STEP && fence === null && line.trim() === "") {
      steps.push(step);
      step = "";
    }
  }
  return step === "" ? steps : [...steps, step];
}

/** The mark of the fenced code that is open after this line. */
function fenceAfter(line: string, open: string | null): string | null {
  const mark = /^ {0,3}(`{3}|~{3})/.exec(line)?.[1];
  if (mark === undefined) return open;
  if (open === null) return mark;
  return open === mark ? null : open;
}
