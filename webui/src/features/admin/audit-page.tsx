import { useEffect, useState } from "react";

import { visible } from "@/components/message/sanitize";
import { Button } from "@/components/ui/button";
import type { AuditEntry } from "@/session/access";

import { useServices } from "../services";
import { attempt } from "./attempt";
import { PageFrame } from "./page-frame";

interface Loaded {
  readonly entries: readonly AuditEntry[];
  readonly next: number | null;
}

/** Who changed keys, logged in, or was refused. */
export default function AuditPage({ onBack }: { readonly onBack: () => void }) {
  const { api } = useServices();
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    void attempt(async () => {
      const page = await api.audit();
      setLoaded({ entries: page.entries, next: page.next_before });
    }).then(setProblem);
  }, [api]);
  const more = async (before: number) => {
    const words = await attempt(async () => {
      const page = await api.audit(before);
      setLoaded((now) => ({ entries: [...(now?.entries ?? []), ...page.entries], next: page.next_before }));
    });
    setProblem(words);
  };
  return (
    <PageFrame title="Audit log" onBack={onBack} problem={problem}>
      {loaded === null ? null : loaded.entries.length === 0 ? (
        <p className="text-soft">No entries yet.</p>
      ) : (
        <ol aria-label="Entries, newest first" className="overflow-hidden rounded-xl border border-line bg-raised text-sm">
          {loaded.entries.map((entry, index) => (
            // Entries have no id, and are never reordered.
            // oxlint-disable-next-line react/no-array-index-key
            <Entry key={index} entry={entry} />
          ))}
        </ol>
      )}
      {loaded === null || loaded.next === null ? null : (
        <Button className="mt-3 w-full" onClick={() => void more(loaded.next ?? 0)}>
          Show more
        </Button>
      )}
    </PageFrame>
  );
}

const ACTS: Readonly<Record<string, string>> = {
  "key.created": "Key created",
  "key.changed": "Key changed",
  "key.rotated": "Key rotated",
  "key.revoked": "Key revoked",
  login: "Logged in",
  logout: "Logged out",
  refused: "Wrong keys refused",
  "policy.changed": "Policy changed",
  approval: "Approval",
};

function Entry({ entry }: { readonly entry: AuditEntry }) {
  const about = [entry.key_id === null ? "" : `key ${entry.key_id}`, entry.address === null ? "" : `from ${entry.address}`].filter(Boolean).join(", ");
  return (
    <li className="border-line px-4 py-2.5 not-first:border-t sm:flex sm:gap-4">
      <time dateTime={new Date(entry.at_ms).toISOString()} className="block shrink-0 text-faint tabular-nums sm:w-44">
        {new Date(entry.at_ms).toLocaleString()}
      </time>
      <div className="min-w-0 flex-1 wrap-anywhere">
        <p>
          <strong className="font-medium">{visible(ACTS[entry.act] ?? entry.act)}</strong>
          {entry.by === "" ? "" : ` by ${visible(entry.by)}`}
        </p>
        {about === "" && entry.detail === "" ? null : <p className="text-soft">{visible([about, entry.detail].filter(Boolean).join(" · "))}</p>}
      </div>
    </li>
  );
}
