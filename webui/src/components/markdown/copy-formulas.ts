/** Copies formulas as their TeX source when they are part of a copied selection. */

export function copyFormulas(event: ClipboardEvent): void {
  const selection = getSelection();
  if (!event.clipboardData || selection?.isCollapsed !== false) return;
  const range = selection.getRangeAt(0).cloneRange();
  const [first, last] = [formulaAround(range.startContainer), formulaAround(range.endContainer)];
  if (first) range.setStartBefore(first);
  if (last) range.setEndAfter(last);
  const copy = document.createElement("div");
  copy.append(range.cloneContents());
  const formulas = copy.querySelectorAll(".formula");
  if (formulas.length === 0) return;
  for (const formula of formulas) formula.replaceWith(formula.querySelector(".formula-source")?.textContent ?? "");
  event.clipboardData.setData("text/plain", textOf(copy));
  event.clipboardData.setData("text/html", copy.innerHTML);
  event.preventDefault();
}

function formulaAround(node: Node): Element | null {
  return (node instanceof Element ? node : node.parentElement)?.closest(".formula") ?? null;
}

/** Keeps line breaks, which needs an element in the document. */
function textOf(element: HTMLElement): string {
  element.style.cssText = "position: fixed; left: -9999px";
  document.body.append(element);
  const text = element.innerText;
  element.remove();
  return text;
}
