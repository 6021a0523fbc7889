/** Formulas in Markdown: what models write as `\(…\)` and `\[…\]`, as the dollars that the parser knows. */

const FENCED_OR_CODE = /(^ {0,3}(?:```|~~~)[^]*?(?:^ {0,3}(?:```|~~~)|$(?![^]))|`[^`\n]*`)/m;
const BRACKETS = /\\\[([^]*?)\\\]|\\\(([^\n]*?)\\\)/g;

export function withDollars(text: string): string {
  if (!text.includes("\\(") && !text.includes("\\[")) return text;
  return text
    .split(new RegExp(FENCED_OR_CODE, "gm"))
    .map((piece, index) => (index % 2 === 1 ? piece : replaced(piece)))
    .join("");
}

export function hasMath(text: string): boolean {
  return text.includes("$$");
}

function replaced(text: string): string {
  return text.replace(BRACKETS, (_, block: string | undefined, inline: string | undefined) =>
    inline === undefined ? `\n$$\n${(block ?? "").trim()}\n$$\n` : `$$${inline.trim()}$$`,
  );
}
