/** Tells formulas from prose that happens to contain formula delimiters. */

/** Function and operator names commonly written without a backslash. */
const FUNCTIONS = new Set(["arg", "cos", "cot", "deg", "det", "dim", "exp", "gcd", "inf", "ker", "lcm", "lim", "ln", "log", "max", "min", "mod", "sin", "sup", "tan"]);

const COMMAND = /\\[A-Za-z]+|\\\\/;
const TEXT = /\\(?:text|textbf|textit|mathrm|operatorname)\s*\{[^{}]*\}/g;
const OPERATOR = /[+*/<>=|±×÷·≤≥≠≈∞∑∫√−-]/;
const LETTER = /\p{L}/u;
const NOT_LATIN_OR_GREEK = /[^\P{L}\p{Script=Latin}\p{Script=Greek}\p{Script=Common}]/u;

/** Prose words of two or more letters: not commands, text in a formula or functions. */
function wordsOf(tex: string): string[] {
  const words = tex.replace(TEXT, " ").replace(/\\[A-Za-z]+/g, " ").match(/\p{L}{2,}/gu) ?? [];
  return words.filter((word) => !FUNCTIONS.has(word.toLowerCase()));
}

/** Whether it is unmistakably a formula: commands, powers, indices or equations. */
function isCertainlyMath(tex: string): boolean {
  if (COMMAND.test(tex) || /[\^{}]/.test(tex)) return true;
  // An index, as opposed to an identifier like `max_tokens`.
  if (/(?:^|[^\p{L}\d_])\p{L}_\w|[)\]}]_/u.test(tex)) return true;
  // An equation, as opposed to an option like `--mode=fast`.
  return tex.includes("=") && !/\p{L}{3,}\s*=|=\s*\p{L}{3,}/u.test(tex);
}

function isProse(tex: string): boolean {
  if (isCertainlyMath(tex)) return false;
  if (NOT_LATIN_OR_GREEK.test(tex)) return true;
  return /\s/.test(tex.trim()) && wordsOf(tex).length > 0;
}

/**
 * Whether `$tex$` is a formula, by pandoc's rules and some more: no space inside the dollars, no digit after
 * them, and nothing that looks like prices or shell variables.
 */
export function isDollarMath(tex: string, before: string, after: string): boolean {
  if (tex === "" || /^\s|\s$/.test(tex) || /[\dA-Za-z_\\$]/.test(before) || /[\d$_{(]/.test(after)) return false;
  if (/[A-Za-z]/.test(after) && (!isCertainlyMath(tex) ? wordsOf(tex).length > 0 : false)) return false;
  // Text after the second dollar belongs to it: `$a=$b`, `$dir/$name`.
  if (/[A-Za-z]/.test(after) && /[=+\-*/,;:.(<>&|]$/.test(tex)) return false;
  return !isProse(tex);
}

/** Whether an inline `$$tex$$` is a formula. */
export function isDoubleDollarMath(tex: string, before: string, after: string): boolean {
  return tex.trim() !== "" && !/[$\\]/.test(before) && after !== "$" && !isProse(tex);
}

/** Whether `\(tex\)` is a formula, rather than a remark in escaped parentheses. */
export function isParenthesesMath(tex: string): boolean {
  return tex.trim() !== "" && !isProse(tex);
}

/** Whether `\[tex\]` is a formula, rather than a remark in escaped brackets. More likely on a line of its own. */
export function isBracketMath(tex: string, alone: boolean): boolean {
  if (tex.trim() === "") return false;
  if (isCertainlyMath(tex)) return true;
  if (wordsOf(tex).length > 0 || NOT_LATIN_OR_GREEK.test(tex) || !LETTER.test(tex)) return false;
  return alone || OPERATOR.test(tex);
}
