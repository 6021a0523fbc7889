/** Fits the page above an on-screen keyboard that covers the page instead of resizing it (iOS). */

export type VisualViewportLike = Pick<VisualViewport, "height" | "scale" | "addEventListener" | "removeEventListener">;

/** Set `--visible-height` to the height above the keyboard; unset without one. Returns a stop function. */
export function fitVisibleHeight(viewport: VisualViewportLike, page: Pick<Window, "innerHeight" | "scrollTo">, style: CSSStyleDeclaration): () => void {
  const fit = () => {
    // Pinch zoom shrinks the visual viewport too; the layout must not follow that.
    const covered = viewport.scale === 1 && page.innerHeight - viewport.height > 1;
    if (covered) style.setProperty("--visible-height", `${viewport.height}px`);
    else style.removeProperty("--visible-height");
    // iOS scrolls the page to reveal the focused field; with the page fitted there is nothing to reveal.
    if (covered) page.scrollTo(0, 0);
  };
  for (const event of ["resize", "scroll"] as const) viewport.addEventListener(event, fit);
  fit();
  return () => {
    for (const event of ["resize", "scroll"] as const) viewport.removeEventListener(event, fit);
  };
}
