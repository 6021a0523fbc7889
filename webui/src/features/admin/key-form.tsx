import { type FormEvent, type ReactNode, useId, useState } from "react";

import { Button } from "@/components/ui/button";
import { type ApiKey, EFFORTS, type KeyFields, POLICIES, type ReasoningPolicy, ROLES, type Role, SCOPES, type Scope } from "@/session/access";

const POLICY_LABELS: Readonly<Record<ReasoningPolicy, string>> = { allow: "Show it", redact: "Show it, without secrets", deny: "Hide it" };
const ROLE_LABELS: Readonly<Record<Role, string>> = { user: "User", admin: "Admin" };
const SCOPE_LABELS: Readonly<Record<Scope, string>> = { chat: "Chat", read: "Read", metrics: "Metrics", admin: "Manage keys and settings" };

/** Called with the fields; returns what is wrong with them. */
export type SubmitKey = (fields: KeyFields) => Promise<string | null>;

export interface KeyFormProps {
  /** The key to change. Absent: a new one. */
  readonly current?: ApiKey | undefined;
  readonly onSubmit: SubmitKey;
  readonly onCancel: () => void;
}

const NEW: Pick<ApiKey, "role" | "scopes"> = { role: "user", scopes: ["chat", "read"] };

const FIELD = "min-h-10 w-full rounded-lg border border-line-strong bg-raised px-3 text-ink placeholder:text-faint";

/** Everything that can be set about a key. */
export function KeyForm({ current, onSubmit, onCancel }: KeyFormProps) {
  const before = current ?? NEW;
  const [role, setRole] = useState<Role>(before.role);
  const [scopes, setScopes] = useState<readonly Scope[]>(before.scopes);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const chooseRole = (chosen: Role) => {
    setRole(chosen);
    setScopes(chosen === "admin" ? SCOPES : ["chat", "read"]);
  };
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(await onSubmit(fieldsOf(form, role, scopes, current)));
    setBusy(false);
  };
  return (
    <form className="space-y-4 text-sm" onSubmit={(event) => void submit(event)}>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Name">
          {() => (
            <input name="name" required maxLength={64} defaultValue={current?.name} data-initial-focus autoComplete="off" className={FIELD} />
          )}
        </Field>
        <Field label="Owner" note={current ? "Can't be changed." : "Whose conversations it uses. Empty: same as the name."}>
          {(noteId) => (
            <input aria-describedby={noteId} name="owner" disabled={current !== undefined} defaultValue={current?.owner} autoComplete="off" className={`${FIELD} disabled:opacity-60`} />
          )}
        </Field>
        <Field label="Role">
          {() => (
            <select value={role} className={FIELD} onChange={(event) => chooseRole(ROLES.find((each) => each === event.target.value) ?? "user")}>
              {ROLES.map((each) => (
                <option key={each} value={each}>
                  {ROLE_LABELS[each]}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label="Valid for" note={expiryNote(current)}>
          {(noteId) => (
            <input aria-describedby={noteId} name="expires" defaultValue="" placeholder="30d" autoComplete="off" pattern="never|\d+[smhdw]" title="For example 12h or 30d, or never" className={FIELD} />
          )}
        </Field>
      </div>
      <Scopes role={role} chosen={scopes} onChange={setScopes} />
      <Restrictions current={current} />
      {problem === null ? null : (
        <p role="alert" className="rounded-lg bg-danger-soft px-3 py-2 text-danger">
          {problem}
        </p>
      )}
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" look="primary" disabled={busy || scopes.length === 0}>
          {current ? "Save" : "Create key"}
        </Button>
      </div>
    </form>
  );
}

interface ScopesProps {
  readonly role: Role;
  readonly chosen: readonly Scope[];
  readonly onChange: (chosen: readonly Scope[]) => void;
}

function Scopes({ role, chosen, onChange }: ScopesProps) {
  return (
    <fieldset>
      <legend className="mb-1.5 font-medium">Scopes</legend>
      <div className="flex flex-wrap gap-x-5 gap-y-2">
        {SCOPES.map((scope) => (
          <label key={scope} className="flex items-center gap-2">
            <input
              type="checkbox"
              className="accent-accent"
              checked={chosen.includes(scope)}
              disabled={scope === "admin" && role !== "admin"}
              onChange={(event) => onChange(event.target.checked ? [...chosen, scope] : chosen.filter((each) => each !== scope))}
            />
            {SCOPE_LABELS[scope]}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

const LIMITS = [
  ["requests_per_minute", "Messages per minute"],
  ["concurrent_runs", "Answers at the same time"],
  ["tokens_per_day", "Tokens per day"],
] as const;

function Restrictions({ current }: { readonly current: ApiKey | undefined }) {
  return (
    <>
      <Field label="Models" note="Separated by spaces; * stands for anything. Empty: all models.">
        {(noteId) => (
          <input aria-describedby={noteId} name="models" defaultValue={current?.models.join(" ")} placeholder="ollama/* openai/gpt-5-mini" autoComplete="off" spellCheck={false} className={`${FIELD} font-mono`} />
        )}
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Highest thinking effort">
          {() => (
            <select name="max_effort" defaultValue={current?.max_effort ?? ""} className={FIELD}>
              <option value="">Any</option>
              {EFFORTS.map((effort) => (
                <option key={effort} value={effort}>
                  {effort}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label="The model's thinking">
          {() => (
            <select name="reasoning" defaultValue={current?.reasoning ?? "allow"} className={FIELD}>
              {POLICIES.map((policy) => (
                <option key={policy} value={policy}>
                  {POLICY_LABELS[policy]}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <div className="grid items-end gap-4 sm:grid-cols-3">
        {LIMITS.map(([name, label]) => (
          <Field key={name} label={label}>
            {() => (
              <input name={name} type="number" min={0} step={1} inputMode="numeric" placeholder="No limit" defaultValue={current?.[name] ?? ""} className={FIELD} />
            )}
          </Field>
        ))}
      </div>
    </>
  );
}

interface FieldProps {
  readonly label: string;
  readonly note?: string;
  /** Gets the id of the note. */
  readonly children: (noteId: string | undefined) => ReactNode;
}

function Field({ label, note, children }: FieldProps) {
  const id = useId();
  return (
    <div>
      <label className="block">
        <span className="mb-1.5 block font-medium">{label}</span>
        {children(note ? id : undefined)}
      </label>
      {note ? (
        <p id={id} className="mt-1 text-xs text-faint">
          {note}
        </p>
      ) : null}
    </div>
  );
}

function expiryNote(current: ApiKey | undefined): string {
  if (!current) return "For example 12h or 30d. Empty: until you revoke it.";
  const now = current.expires_at_ms === null ? "never expires" : `expires on ${new Date(current.expires_at_ms).toLocaleString()}`;
  return `From now on, for example 30d, or never. Empty: no change (${now}).`;
}

function fieldsOf(form: FormData, role: Role, scopes: readonly Scope[], current: ApiKey | undefined): KeyFields {
  const text = (name: string) => String(form.get(name) ?? "").trim();
  const limit = (name: string) => (text(name) === "" ? null : Number(text(name)));
  const [owner, expires] = [text("owner"), text("expires")];
  return {
    name: text("name"),
    ...(current || owner === "" ? {} : { owner }),
    role,
    scopes,
    ...(expires === "" ? {} : { expires: expires === "never" ? null : expires }),
    models: text("models").split(/[\s,]+/).filter((each) => each !== ""),
    max_effort: text("max_effort") || null,
    reasoning: POLICIES.find((each) => each === text("reasoning")) ?? "allow",
    requests_per_minute: limit("requests_per_minute"),
    concurrent_runs: limit("concurrent_runs"),
    tokens_per_day: limit("tokens_per_day"),
  };
}
