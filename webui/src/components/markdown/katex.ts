/** Formula rendering. Loaded for the first formula. */

import "katex/dist/katex.min.css";

import { render } from "katex";

import { visible } from "@/components/message/sanitize";
import { copyFormulas } from "./copy-formulas";

document.addEventListener("copy", copyFormulas);

const LONGEST = 10_000;
const DEEPEST = 50;
/** Formulas that define macros can expand to a lot of output. */
const DEFINES = /\\(?:[gex]?def|let|futurelet|(?:re)?newcommand|providecommand)(?![A-Za-z])/;
const OPTIONS = { throwOnError: true, strict: false, trust: false, maxSize: 20, output: "htmlAndMathml" } as const;

/** Render a formula into the element. Returns false, leaving it empty, if it is invalid or too large. */
export function renderFormula(tex: string, display: boolean, element: HTMLElement): boolean {
  // Hidden characters must stay visible.
  if (tex.length > LONGEST || depthOf(tex) > DEEPEST || visible(tex) !== tex.replaceAll("\r", "")) return false;
  try {
    render(tex, element, { ...OPTIONS, displayMode: display, maxExpand: DEFINES.test(tex) ? 100 : 1_000 });
    return true;
  } catch {
    // On any error the source is shown.
    element.replaceChildren();
    return false;
  }
}

/** Nesting depth of groups, environments and commands (which can be each other's arguments). */
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
