import { Markdown } from "./markdown";

/** A finished, possibly very long text, rendered incrementally so that the page stays responsive. */
export function SettledText({ text }: { readonly text: string }) {
  return (
    <div className="space-y-[0.85em]">
      <Markdown text={text} growing={false} inSteps />
    </div>
  );
}
