import { Ellipsis } from "lucide-react";

import { visible } from "@/components/message/sanitize";
import { IconButton } from "@/components/ui/button";
import { cx } from "@/components/ui/cx";
import { Menu, MenuItem } from "@/components/ui/menu";
import type { ApiKey } from "@/session/access";

export type KeyTask = "edit" | "rotate" | "revoke";

export interface KeyItemProps {
  readonly item: ApiKey;
  readonly onTask: (task: KeyTask) => void;
}

/** A key and what can be done with it. */
export function KeyItem({ item, onTask }: KeyItemProps) {
  return (
    <li className="flex items-start gap-3 border-line px-4 py-3 text-sm not-first:border-t">
      <div className="min-w-0 flex-1 wrap-anywhere">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <strong className="text-base font-medium">{visible(item.name)}</strong>
          {item.role === "admin" ? <Badge tone="accent">Admin</Badge> : null}
          {item.status === "live" ? null : <Badge tone="warn">{item.status === "expired" ? "Expired" : "Revoked"}</Badge>}
        </p>
        <p className="text-soft">
          Owner {visible(item.owner)} · <span className="font-mono text-[0.92em]">{item.id}</span>
        </p>
        <p className="text-faint">{visible([usedAt(item), expiresAt(item), ...restrictionsOf(item)].join(" · "))}</p>
      </div>
      {item.status === "revoked" ? null : (
        <Menu
          align="end"
          trigger={
            <IconButton label={`Options for ${visible(item.name)}`}>
              <Ellipsis size={18} aria-hidden />
            </IconButton>
          }
        >
          <MenuItem onSelect={() => onTask("edit")}>Edit</MenuItem>
          <MenuItem onSelect={() => onTask("rotate")}>Rotate</MenuItem>
          <MenuItem danger onSelect={() => onTask("revoke")}>
            Revoke
          </MenuItem>
        </Menu>
      )}
    </li>
  );
}

function Badge({ tone, children }: { readonly tone: "accent" | "warn"; readonly children: string }) {
  return <span className={cx("rounded-full px-2 text-xs font-medium", tone === "accent" ? "bg-accent-soft text-accent" : "bg-warn-soft text-warn")}>{children}</span>;
}

function usedAt(item: ApiKey): string {
  return item.last_used_ms === null ? "Never used" : `Last used ${new Date(item.last_used_ms).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}`;
}

function expiresAt(item: ApiKey): string {
  if (item.expires_at_ms === null) return "doesn't expire";
  const date = new Date(item.expires_at_ms).toLocaleDateString([], { dateStyle: "medium" });
  return item.status === "expired" ? `expired ${date}` : `expires ${date}`;
}

function restrictionsOf(item: ApiKey): string[] {
  const numbers = [
    [item.requests_per_minute, "messages a minute"],
    [item.concurrent_runs, "answers at once"],
    [item.tokens_per_day, "tokens a day"],
  ] as const;
  return [
    item.scopes.join(", "),
    ...(item.models.length === 0 ? [] : [item.models.join(" ")]),
    ...(item.max_effort === null ? [] : [`effort up to ${item.max_effort}`]),
    ...(item.reasoning === "allow" ? [] : [item.reasoning === "deny" ? "thinking hidden" : "thinking redacted"]),
    ...numbers.flatMap(([most, words]) => (most === null ? [] : [`${most.toLocaleString()} ${words}`])),
  ];
}
