import { type ReactNode, useEffect } from "react";

import { visible } from "@/components/message/sanitize";
import { Dialog } from "@/components/ui/dialog";
import type { AppliedLimits, Me } from "@/session/access";

import { useServices } from "../services";
import { useStoreSelector } from "../use-store";

export interface AccountDialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

/** Who am I, and what may I do? */
export function AccountDialog({ open, onOpenChange }: AccountDialogProps) {
  const { server } = useServices();
  const me = useStoreSelector(server.state, (state) => state.me);
  useEffect(() => {
    if (open) void server.refreshMe();
  }, [server, open]);
  return (
    <Dialog open={open && me !== null} onOpenChange={onOpenChange} title="Account and limits">
      {me === null ? null : <Account me={me} />}
    </Dialog>
  );
}

const REASONING: Readonly<Record<Me["reasoning"], string>> = {
  allow: "Shown",
  redact: "Shown, with secrets removed",
  deny: "Hidden",
};

function Account({ me }: { readonly me: Me }) {
  return (
    <div className="space-y-6 text-sm">
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5">
        <Entry name="Owner">{visible(me.owner)}</Entry>
        <Entry name="Role">{me.role === "admin" ? "Admin" : "User"}</Entry>
        <Entry name="Logged in">{loginOf(me)}</Entry>
        {me.key_id === null ? null : <Entry name="Key expires">{me.expires_at_ms === null ? "Never" : new Date(me.expires_at_ms).toLocaleString()}</Entry>}
        <Entry name="Scopes">{me.scopes.join(", ")}</Entry>
        <Entry name="Models">{me.models.length === 0 ? "All" : visible(me.models.join(", "))}</Entry>
        <Entry name="Thinking effort">{me.max_effort === null ? "Any" : `Up to ${typeof me.max_effort === "number" ? `${me.max_effort.toLocaleString()} tokens` : me.max_effort}`}</Entry>
        <Entry name="Thinking">{REASONING[me.reasoning]}</Entry>
      </dl>
      <section aria-label="Limits">
        <h3 className="mb-2 font-medium">Limits</h3>
        <Limits limits={me.limits} />
      </section>
    </div>
  );
}

function loginOf(me: Me): string {
  if (me.key_id === null) return "Through a proxy";
  return `With the key ${visible(me.key_name ?? me.key_id)} (${me.key_id})`;
}

function Entry({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="contents">
      <dt className="text-soft">{name}</dt>
      <dd className="min-w-0 wrap-anywhere">{children}</dd>
    </div>
  );
}

const LIMITS = [
  ["requests_per_minute", "messages left this minute"],
  ["concurrent_runs", "more answers can run at the same time"],
  ["tokens_per_day", "tokens left today (UTC)"],
] as const;

const APPLIES_TO: Readonly<Record<AppliedLimits["applies_to"], string>> = { key: "this key", owner: "all of your keys", role: "your role" };

function Limits({ limits }: { readonly limits: readonly AppliedLimits[] }) {
  const lines = limits.flatMap((limit) =>
    LIMITS.flatMap(([name, text]) => {
      const most = limit[name];
      return most === null ? [] : [{ key: `${limit.applies_to}.${name}`, most, left: limit.remaining[name] ?? most, text, of: APPLIES_TO[limit.applies_to] }];
    }),
  );
  if (lines.length === 0) return <p className="text-soft">No limits.</p>;
  return (
    <ul className="space-y-3">
      {lines.map(({ key, most, left, text, of }) => (
        <li key={key}>
          <p>
            <strong className="font-medium tabular-nums">{left.toLocaleString()}</strong> of {most.toLocaleString()} {text} <span className="text-faint">({of})</span>
          </p>
          <div aria-hidden className="mt-1 h-1.5 overflow-hidden rounded-full bg-sunken">
            <div className="h-full rounded-full bg-accent" style={{ width: `${most === 0 ? 0 : (100 * left) / most}%` }} />
          </div>
        </li>
      ))}
    </ul>
  );
}
