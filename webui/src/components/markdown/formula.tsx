import { useLayoutEffect, useRef, useSyncExternalStore } from "react";

import { visible } from "@/components/message/sanitize";
import type { Formula } from "./syntax/math-syntax";

type Renderer = typeof import("./katex").renderFormula;

let renderer: Renderer | null = null;
let loading: Promise<void> | null = null;
const listeners = new Set<() => void>();

/** A formula; its source until the renderer is loaded, while more of it is to come, and where it cannot be rendered. */
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
      {/* What is copied from the page: see `copy-formulas.ts`. */}
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
      // Without it (offline) formulas stay readable as their source, and the next one asks again.
      loading = null;
      if (!(error instanceof TypeError)) throw error;
    },
  );
  return () => listeners.delete(listener);
}
