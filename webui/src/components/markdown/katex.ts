/** Formulas. Loaded when the first one is met. */

import "katex/dist/katex.min.css";

import { render } from "katex";

import { visible } from "@/components/message/sanitize";
import { copyFormulas } from "./copy-formulas";

document.addEventListener("copy", copyFormulas);

const LONGEST = 10_000;
const DEEPEST = 50;
/** Where a formula defines commands of its own, a short text can become a long one. */
const DEFINES = /\\(?:[gex]?def|let|futurelet|(?:re)?newcommand|providecommand)(?![A-Za-z])/;
const OPTIONS = { throwOnError: true, strict: false, trust: false, maxSize: 20, output: "htmlAndMathml" } as const;

/** Render a formula into the element. False where it is none, or takes too much; then the element is empty. */
export function renderFormula(tex: string, display: boolean, element: HTMLElement): boolean {
  // What is hidden in it is to be seen.
  if (tex.length > LONGEST || depthOf(tex) > DEEPEST || visible(tex) !== tex.replaceAll("\r", "")) return false;
  try {
    render(tex, element, { ...OPTIONS, displayMode: display, maxExpand: DEFINES.test(tex) ? 100 : 1_000 });
    return true;
  } catch {
    // Whatever goes wrong in it, the source is shown.
    element.replaceChildren();
    return false;
  }
}

/** How deeply groups and environments are nested; commands count as well, since they can take each other as arguments. */
function depthOf(tex: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [mark] of tex.matchAll(/\\begin|\\end|\\left(?![A-Za-z])|\\right(?![A-Za-z])|\\[^]|[{}]/g)) {
    if (mark === "{" || mark === "\\begin" || mark === "\\left") depth += 1;
    else if (mark === "}" || mark === "\\end" || mark === "\\right") depth -= 1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
