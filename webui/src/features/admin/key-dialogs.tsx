import { useState } from "react";

import { CopyButton } from "@/components/copy-button";
import { visible } from "@/components/message/sanitize";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import type { ApiKey } from "@/session/access";

import { useServices } from "../services";
import { useStoreSelector } from "../use-store";

/** The only time that a key's value is shown. Only its button closes it, so that it isn't lost by accident. */
export function IssuedKey({ name, value, onClose }: { readonly name: string; readonly value: string; readonly onClose: () => void }) {
  return (
    <Dialog open title={`Key “${visible(name)}”`} description="Copy the key now. It isn't stored, and you can't see it again.">
      <div className="flex items-center gap-1 rounded-lg border border-line-strong bg-raised pr-1">
        <input readOnly data-initial-focus aria-label="New key" value={value} className="min-h-11 min-w-0 flex-1 bg-transparent px-3 font-mono text-sm outline-none" onFocus={(event) => event.currentTarget.select()} />
        <CopyButton label="Copy key" text={() => value} />
      </div>
      <div className="mt-4 flex justify-end">
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </Dialog>
  );
}

const GRACES = [
  ["0s", "Ends at once"],
  ["1h", "Valid for another hour"],
  ["24h", "Valid for another day"],
  ["7d", "Valid for another week"],
] as const;

export interface RotateKeyProps {
  readonly item: ApiKey;
  readonly onClose: () => void;
  /** Returns what went wrong. */
  readonly onRotate: (grace: string) => Promise<string | null>;
}

export function RotateKey({ item, onClose, onRotate }: RotateKeyProps) {
  const [grace, setGrace] = useState("24h");
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <Dialog open onOpenChange={onClose} title="Rotate key" description={`“${visible(item.name)}” gets a new secret. Everything else stays the same.`}>
      <label className="block text-sm">
        <span className="mb-1.5 block font-medium">The old secret</span>
        <select value={grace} data-initial-focus className="min-h-10 w-full rounded-lg border border-line-strong bg-raised px-3" onChange={(event) => setGrace(event.target.value)}>
          {GRACES.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <Problem words={problem} />
      <div className="mt-4 flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" onClick={async () => setProblem(await onRotate(grace))}>
          Rotate
        </Button>
      </div>
    </Dialog>
  );
}

export interface RevokeKeyProps {
  readonly item: ApiKey;
  readonly onClose: () => void;
  /** Returns what went wrong. */
  readonly onRevoke: () => Promise<string | null>;
}

export function RevokeKey({ item, onClose, onRevoke }: RevokeKeyProps) {
  const { server } = useServices();
  const own = useStoreSelector(server.state, (state) => state.me?.key_id === item.id);
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <Dialog open onOpenChange={onClose} title="Revoke key?" description={`“${visible(item.name)}” stops working: its logins end, and its answers in progress stop. You can't undo this.`}>
      {own ? <p className="rounded-lg bg-warn-soft px-3 py-2 text-sm text-warn">You're logged in with this key.</p> : null}
      <Problem words={problem} />
      <div className="mt-4 flex justify-end gap-2">
        <Button data-initial-focus onClick={onClose}>
          Cancel
        </Button>
        <Button look="danger" onClick={async () => setProblem(await onRevoke())}>
          Revoke
        </Button>
      </div>
    </Dialog>
  );
}

function Problem({ words }: { readonly words: string | null }) {
  if (words === null) return null;
  return (
    <p role="alert" className="mt-3 rounded-lg bg-danger-soft px-3 py-2 text-sm text-danger">
      {words}
    </p>
  );
}
