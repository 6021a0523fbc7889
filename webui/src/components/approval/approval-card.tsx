import { ShieldQuestion } from "lucide-react";
import { createContext, useContext, useId, useState } from "react";

import { Button } from "@/components/ui/button";
import type { Decision } from "@/events/decisions";
import type { ToolApproval, ToolBlock } from "@/events/types.gen";

import { visible } from "@/components/message/sanitize";

export type Remember = "run" | "conversation" | "always";

/** Sends a decision. Returns false if there is no connection. */
export type Decide = (approvalId: string, decision: Decision) => boolean;

export const DecideContext = createContext<Decide | null>(null);

const SCOPES: Readonly<Record<Remember, string>> = {
  run: "For this answer",
  conversation: "For this conversation",
  always: "Always",
};

/** Asks whether a tool call may run, with the arguments to check or change. */
export function ApprovalCard({ block, approval }: { readonly block: ToolBlock; readonly approval: ToolApproval }) {
  const decide = useContext(DecideContext);
  const [text, setText] = useState(() => pretty(block.arguments));
  const [reason, setReason] = useState("");
  const [sent, setSent] = useState(false);
  const problem = useId();
  const changed = text !== pretty(block.arguments);
  const given = changed ? objectOf(text) : undefined;
  const invalid = changed && given === undefined;
  const send = (decision: Decision) => setSent(decide?.(approval.approval_id, decision) ?? false);
  const approve = (remember?: Remember) => send({ decision: "approve", ...(given ? { arguments: given } : {}), ...(remember ? { remember } : {}) });
  const deny = () => send({ decision: "deny", ...(reason.trim() === "" ? {} : { reason: reason.trim() }) });
  return (
    <section aria-label={`Run ${visible(approval.title)}?`} className="space-y-3 rounded-xl border border-line-strong bg-raised px-4 py-3 text-sm">
      <h3 className="flex items-center gap-2 font-medium">
        <ShieldQuestion size={17} className="shrink-0 text-accent" aria-hidden />
        <span className="[overflow-wrap:anywhere]">
          Run <span className="font-mono">{visible(approval.title)}</span>?
        </span>
      </h3>
      <p className="text-soft [overflow-wrap:anywhere]">
        {visible(approval.reason)}
        {approval.server === null ? "" : ` It belongs to the server ${visible(approval.server)}.`}
      </p>
      <label className="block space-y-1">
        <span className="text-xs font-medium text-faint">{approval.editable ? "Arguments (you can change them)" : "Arguments"}</span>
        <textarea
          dir="ltr"
          value={text}
          readOnly={!approval.editable}
          rows={Math.min(12, text.split("\n").length)}
          spellCheck={false}
          aria-invalid={invalid}
          aria-describedby={invalid ? problem : undefined}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !invalid && !sent) approve();
          }}
          className="w-full rounded-lg border border-line bg-sunken px-3 py-2 font-mono text-[0.8rem] leading-relaxed"
        />
      </label>
      {invalid ? (
        <p id={problem} className="text-danger">
          The arguments must be a JSON object.
        </p>
      ) : null}
      <label className="block space-y-1">
        <span className="text-xs font-medium text-faint">If you deny it, you can tell the model why</span>
        <input
          type="text"
          value={reason}
          maxLength={2000}
          onChange={(event) => setReason(event.target.value)}
          className="w-full rounded-lg border border-line bg-sunken px-3 py-2"
        />
      </label>
      <div role="group" aria-label="Decision" className="flex flex-wrap gap-2">
        <Button look="primary" disabled={invalid || sent || decide === null} onClick={() => approve()}>
          Approve once
        </Button>
        <Button disabled={sent || decide === null} onClick={deny}>
          Deny
        </Button>
        {approval.allowed_remember.map((scope) => (
          <Button key={scope} look="quiet" disabled={invalid || sent || decide === null} onClick={() => approve(scope)}>
            {SCOPES[scope]}
          </Button>
        ))}
      </div>
    </section>
  );
}

/** What was decided about a call, in a few words; empty if nobody had to decide. */
export function decisionText(approval: ToolApproval | null): string {
  switch (approval?.decision ?? null) {
    case "approved":
      return approval?.edited ? "approved with changes" : "approved";
    case "denied":
      return "denied";
    case "expired":
      return "nobody decided in time";
    default:
      return "";
  }
}

function pretty(text: string): string {
  const value = objectOf(text);
  return value ? JSON.stringify(value, null, 2) : text;
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}
