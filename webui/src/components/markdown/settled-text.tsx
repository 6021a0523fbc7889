import { Markdown } from "./markdown";

/** A text that grows no more, and may be very long: it becomes Markdown step by step, so that the page answers meanwhile. */
export function SettledText({ text }: { readonly text: string }) {
  return (
    <div className="space-y-[0.85em]">
      <Markdown text={text} growing={false} stepwise />
    </div>
  );
}
