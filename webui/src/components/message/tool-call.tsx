import { ChevronRight, CircleAlert, CircleCheck, CircleSlash, Loader } from "lucide-react";
import { memo, type ReactNode, useId } from "react";

import { beginning } from "@/events/text-slices";
import type { ToolBlock } from "@/events/types.gen";

import { CopyButton } from "@/components/copy-button";
import { ApprovalCard, decisionText } from "@/components/approval/approval-card";
import { formatDuration } from "./duration";
import { useToggle } from "@/components/view-options";
import { cx } from "@/components/ui/cx";
import { visible } from "./sanitize";

type Status = ToolBlock["status"];

const WORDS: Readonly<Record<Status, string>> = {
  waiting: "waits for you",
  running: "running…",
  requested: "left to the client",
  ok: "done",
  error: "failed",
  timeout: "timed out",
  cancelled: "cancelled",
  unknown_tool: "unknown tool",
  invalid_arguments: "invalid arguments",
  denied: "denied",
  expired: "expired",
  interrupted: "interrupted",
};

const CALM: ReadonlySet<Status> = new Set(["ok", "waiting", "running", "requested", "denied", "expired"]);

const HAS_NO_RESULT: ReadonlySet<Status> = new Set(["waiting", "running", "requested"]);

const BAD: ReactNode = <CircleAlert size={15} className="text-danger" aria-hidden />;

const ICONS: Readonly<Record<Status, ReactNode>> = {
  waiting: <Loader size={15} className="text-accent" aria-hidden />,
  requested: <CircleCheck size={15} className="text-faint" aria-hidden />,
  running: <Loader size={15} className="animate-spin text-accent" aria-hidden />,
  ok: <CircleCheck size={15} className="text-accent" aria-hidden />,
  error: BAD,
  timeout: BAD,
  cancelled: <CircleSlash size={15} className="text-faint" aria-hidden />,
  unknown_tool: BAD,
  invalid_arguments: BAD,
  denied: <CircleSlash size={15} className="text-faint" aria-hidden />,
  expired: <CircleSlash size={15} className="text-faint" aria-hidden />,
  interrupted: BAD,
};

/** A tool call: one line that expands to arguments and result. */
export const ToolCall = memo(function ToolCall({ block }: { readonly block: ToolBlock }) {
  const { approval } = block;
  return block.status === "waiting" && approval?.decision === null ? <ApprovalCard block={block} approval={approval} /> : <Call block={block} />;
});

function Call({ block }: { readonly block: ToolBlock }) {
  const [open, setOpen] = useToggle(`tool:${block.tool_call_id}:${block.iteration}`, false);
  const body = useId();
  return (
    <section aria-label={`Tool ${block.name}`} className="rounded-xl border border-line bg-raised text-sm">
      <button
        type="button"
        aria-expanded={open}
        aria-controls={body}
        className="flex min-h-10 w-full items-center gap-2 rounded-xl px-3 text-start hover:bg-sunken"
        onClick={() => setOpen(!open)}
      >
        {ICONS[block.status]}
        <span className="truncate font-mono text-[0.84rem]">{visible(block.name)}</span>
        <span className="min-w-0 flex-1 truncate text-faint">{open ? "" : visible(summary(block.arguments))}</span>
        <span className={cx("shrink-0 text-xs", CALM.has(block.status) ? "text-faint" : "text-danger")}>
          {outcome(block)}
        </span>
        <ChevronRight size={15} aria-hidden className={cx("shrink-0 text-faint transition-transform duration-150", open && "rotate-90")} />
      </button>
      <div id={body}>
        {open ? (
          <div className="unfold space-y-3 border-t border-line px-3 py-3">
            <Field name="Arguments" text={pretty(block.arguments)} />
            {HAS_NO_RESULT.has(block.status) ? null : <Field name={block.truncated ? "Result (truncated)" : "Result"} text={block.result} />}
          </div>
        ) : null}
      </div>
    </section>
  );
}

/** How the call was decided, how it ended, and how long it took. */
function outcome(block: ToolBlock): string {
  const decided = decisionText(block.approval);
  const words = [decided, WORDS[block.status]].filter((word, index, all) => word !== "" && all.indexOf(word) === index);
  if (block.duration_ms !== null && block.duration_ms >= 1000) words.push(formatDuration(block.duration_ms));
  return words.join(", ");
}

function Field({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    <div>
      <div className="flex items-center justify-between">
        <h4 className="text-xs font-medium text-faint">{name}</h4>
        <CopyButton label={`Copy ${name.toLowerCase()}`} text={() => text} className="size-7" />
      </div>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls, by keyboard too */}
      <pre dir="ltr" tabIndex={0} aria-label={name} className="max-h-72 overflow-auto rounded-lg bg-sunken px-3 py-2 font-mono text-[0.8rem] leading-relaxed whitespace-pre-wrap [overflow-wrap:anywhere]">
        {text === "" ? <span className="text-faint">empty</span> : visible(text)}
      </pre>
    </div>
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

function pretty(text: string): string {
  const value = parsed(text);
  return typeof value === "string" ? text : (written(value, 2) ?? text);
}

/** A value as JSON; undefined if it is nested too deeply. */
function written(value: unknown, indent?: number): string | undefined {
  try {
    return JSON.stringify(value, null, indent);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The argument values on one line. */
function summary(text: string): string {
  const value = parsed(text);
  if (typeof value !== "object" || value === null) return beginning(text, 120);
  const values = Object.values(value).map((each) => (typeof each === "string" ? each : (written(each) ?? "…")));
  return beginning(values.join(", ").replaceAll("\n", " "), 120);
}
