/**
 * In the place of `rehype-raw`, which the renderer would bring along although this page turns no HTML of a model
 * into elements: a third of its code. See `resolve.alias` in vite.config.ts.
 */

/** Never called: `rendered-markdown.tsx` names its plugins itself. Throws if that changes. */
export default function noHtml(): never {
  throw new Error("HTML in Markdown is shown as the text it is.");
}
