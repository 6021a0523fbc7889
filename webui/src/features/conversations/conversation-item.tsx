import { Download, Ellipsis, Pencil, Trash2 } from "lucide-react";
import { type FormEvent, memo, type RefObject, useRef, useState } from "react";

import { Button, IconButton } from "@/components/ui/button";
import { cx } from "@/components/ui/cx";
import { Dialog } from "@/components/ui/dialog";
import { Menu, MenuItem } from "@/components/ui/menu";
import { visible } from "@/components/message/sanitize";

/** Actions on a conversation. */
export interface ConversationActions {
  readonly onOpen: (id: string) => void;
  /** URL of the export, with or without thinking. Absent if the server doesn't support exports. */
  readonly exportAddress?: ((id: string, thinking: boolean) => string) | undefined;
  readonly onRename: (id: string, title: string) => void;
  readonly onDelete: (id: string) => void;
}

export interface ConversationItemProps {
  readonly id: string;
  readonly name: string;
  /** Its time, if others have the same name. */
  readonly time?: string | undefined;
  readonly current: boolean;
  /** Shared by all items, so that an item re-renders only when it changes itself. */
  readonly actions: ConversationActions;
}

/** One of many: its dialogs are created on demand. */
export const ConversationItem = memo(function ConversationItem({ id, name, time, current, actions }: ConversationItemProps) {
  const [asked, setAsked] = useState<"rename" | "delete" | null>(null);
  const more = useRef<HTMLButtonElement>(null);
  const { exportAddress } = actions;
  return (
    <li className={cx("group relative flex items-center rounded-lg", current ? "bg-accent-soft" : "hover:bg-sunken")}>
      <button
        type="button"
        aria-current={current ? "page" : undefined}
        className="flex min-h-9 min-w-0 flex-1 items-center gap-2 rounded-lg py-1 pr-2.5 pl-2.5 group-focus-within:pr-9 group-hover:pr-9 pointer-coarse:pr-9 text-start text-sm [unicode-bidi:plaintext]"
        onClick={() => actions.onOpen(id)}
      >
        <span className="min-w-0 truncate">{visible(name)}</span>
        {time === undefined ? null : <span className="shrink-0 text-xs text-soft tabular-nums">{time}</span>}
      </button>
      <div className="absolute right-0.5 opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 has-data-[state=open]:opacity-100 pointer-coarse:opacity-100">
        <Menu
          align="end"
          trigger={
            <IconButton ref={more} label={time === undefined ? `Options for ${visible(name)}` : `Options for ${visible(name)}, ${time}`} className="size-8">
              <Ellipsis size={16} aria-hidden />
            </IconButton>
          }
        >
          <MenuItem icon={<Pencil size={15} aria-hidden />} onSelect={() => setAsked("rename")}>
            Rename
          </MenuItem>
          {exportAddress ? (
            <>
              <MenuItem icon={<Download size={15} aria-hidden />} onSelect={() => download(exportAddress(id, false))}>
                Export
              </MenuItem>
              <MenuItem icon={<Download size={15} aria-hidden />} onSelect={() => download(exportAddress(id, true))}>
                Export with thinking
              </MenuItem>
            </>
          ) : null}
          <MenuItem danger icon={<Trash2 size={15} aria-hidden />} onSelect={() => setAsked("delete")}>
            Delete
          </MenuItem>
        </Menu>
      </div>
      {asked === "rename" ? (
        <Rename name={name} returnTo={more} onClose={() => setAsked(null)} onRename={(title) => actions.onRename(id, title)} />
      ) : asked === "delete" ? (
        <Delete name={name} returnTo={more} onClose={() => setAsked(null)} onDelete={() => actions.onDelete(id)} />
      ) : null}
    </li>
  );
});

/** The server sets the file name. */
function download(address: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = "";
  link.click();
}

interface AskedProps {
  readonly name: string;
  readonly returnTo: RefObject<HTMLElement | null>;
  readonly onClose: () => void;
}

function Rename({ name, returnTo, onClose, onRename }: AskedProps & { readonly onRename: (title: string) => void }) {
  const [title, setTitle] = useState(name);
  const done = (event: FormEvent) => {
    event.preventDefault();
    onClose();
    const wanted = title.trim() || name;
    if (wanted !== name) onRename(wanted);
  };
  return (
    <Dialog open onOpenChange={onClose} returnTo={returnTo} title="Rename chat">
      <form onSubmit={done}>
        <label className="block text-sm">
          <span className="mb-1 block text-soft">Name</span>
          <input
            value={title}
            maxLength={200}
            data-initial-focus
            onFocus={(event) => event.currentTarget.select()}
            className="min-h-10 w-full rounded-lg border border-line-strong bg-raised px-3 outline-none focus:border-accent"
            onChange={(event) => setTitle(event.target.value)}
          />
        </label>
        <div className="mt-4 flex justify-end">
          <Button look="primary" type="submit">
            Rename
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Delete({ name, returnTo, onClose, onDelete }: AskedProps & { readonly onDelete: () => void }) {
  const done = () => {
    onClose();
    onDelete();
  };
  return (
    <Dialog open onOpenChange={onClose} returnTo={returnTo} title="Delete chat?" description={`This deletes “${visible(name)}” and everything in it. You can't undo this.`}>
      <div className="flex justify-end gap-2">
        <Button data-initial-focus onClick={onClose}>
          Cancel
        </Button>
        <Button look="danger" onClick={done}>
          Delete
        </Button>
      </div>
    </Dialog>
  );
}
