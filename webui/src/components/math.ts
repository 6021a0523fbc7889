/** Formulas. Loaded when the first one is met. */

import "katex/dist/katex.min.css";

export { math } from "@streamdown/math";
