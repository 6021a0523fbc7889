import { KeyRound, LogOut, ScrollText, UserRound } from "lucide-react";
import { useState } from "react";

import { visible } from "@/components/message/sanitize";
import { Button } from "@/components/ui/button";
import { Menu, MenuItem } from "@/components/ui/menu";
import { ApiProblem } from "@/session/api";

import { useServices } from "../services";
import { useStoreSelector } from "../use-store";

export interface AccountMenuProps {
  readonly onAccount: () => void;
  /** For admins. */
  readonly onKeys: () => void;
  readonly onAudit: () => void;
  /** Called after logging out. */
  readonly onLoggedOut: () => void;
}

/** Who is logged in. Absent if the server needs no login. */
export function AccountMenu({ onAccount, onKeys, onAudit, onLoggedOut }: AccountMenuProps) {
  const { api, server } = useServices();
  const me = useStoreSelector(server.state, (state) => state.me);
  const [problem, setProblem] = useState<string | null>(null);
  if (me === null) return null;
  const logOut = async () => {
    try {
      await api.logOut();
      onLoggedOut();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      // The login has already ended.
      if (error.status === 401) onLoggedOut();
      else setProblem(error.message);
    }
  };
  return (
    <>
      <Menu
        side="top"
        trigger={
          <Button look="quiet" className="w-full justify-start" aria-label={`Account of ${visible(me.owner)}`}>
            <UserRound size={16} className="shrink-0" aria-hidden /> <span className="truncate">{visible(me.owner)}</span>
          </Button>
        }
      >
        <MenuItem icon={<UserRound size={16} aria-hidden />} onSelect={onAccount}>
          Account and limits
        </MenuItem>
        {me.scopes.includes("admin") ? (
          <>
            <MenuItem icon={<KeyRound size={16} aria-hidden />} onSelect={onKeys}>
              API keys
            </MenuItem>
            <MenuItem icon={<ScrollText size={16} aria-hidden />} onSelect={onAudit}>
              Audit log
            </MenuItem>
          </>
        ) : null}
        {me.session ? (
          <MenuItem icon={<LogOut size={16} aria-hidden />} onSelect={() => void logOut()}>
            Log out
          </MenuItem>
        ) : null}
      </Menu>
      {problem === null ? null : (
        <p role="alert" className="px-3 py-1 text-sm text-danger">
          {problem}
        </p>
      )}
    </>
  );
}
