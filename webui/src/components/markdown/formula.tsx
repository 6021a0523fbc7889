import { useLayoutEffect, useRef, useSyncExternalStore } from "react";

import { visible } from "@/components/message/sanitize";
import type { Formula } from "./syntax/math-syntax";

type Renderer = typeof import("./katex").renderFormula;

let renderer: Renderer | null = null;
let loading: Promise<void> | null = null;
const listeners = new Set<() => void>();

/** A formula. Shows the source until KaTeX has loaded, while streaming, and if rendering fails. */
export function FormulaView({ formula }: { readonly formula: Formula }) {
  const { tex, source, display, open } = formula;
  const place = useRef<HTMLSpanElement>(null);
  const render = useSyncExternalStore(whenLoaded, () => renderer);
  useLayoutEffect(() => {
    if (!place.current) return;
    if (open || !render?.(tex, display, place.current)) place.current.textContent = visible(source);
  }, [render, tex, source, display, open]);
  return (
    <span className={display ? "formula formula-display" : "formula"} dir="ltr">
      <span ref={place} className="formula-shown" />
      {/* The copied source: see `copy-formulas.ts`. */}
      <span className="formula-source" hidden>
        {visible(source)}
      </span>
    </span>
  );
}

function whenLoaded(listener: () => void): () => void {
  listeners.add(listener);
  loading ??= import("./katex").then(
    (module) => {
      renderer = module.renderFormula;
      for (const each of listeners) each();
    },
    (error: unknown) => {
      // If loading fails (offline), formulas stay as source and the next one retries.
      loading = null;
      if (!(error instanceof TypeError)) throw error;
    },
  );
  return () => listeners.delete(listener);
}
