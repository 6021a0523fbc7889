import { Pencil } from "lucide-react";
import type { ReactNode } from "react";

import { SentFiles, type ShownFile } from "./attached-files";
import { IconButton } from "@/components/ui/button";
import { visible } from "./sanitize";

export interface UserMessageProps {
  readonly text: string;
  readonly files?: readonly ShownFile[];
  /** Status below the message. */
  readonly children?: ReactNode;
  /** Edits and resends the message. Absent if the server doesn't support it. */
  readonly onEdit?: (() => void) | undefined;
}

const NO_FILES: readonly ShownFile[] = [];

export function UserMessage({ text, files = NO_FILES, children, onEdit }: UserMessageProps) {
  return (
    <div className="group flex flex-col items-end gap-1.5">
      <SentFiles files={files} />
      <div className="flex w-full items-center justify-end gap-1">
        {onEdit ? (
          <IconButton label="Edit message" className="size-8 opacity-0 group-hover:opacity-100 focus-visible:opacity-100 pointer-coarse:opacity-100" onClick={onEdit}>
            <Pencil size={15} aria-hidden />
          </IconButton>
        ) : null}
        {text === "" ? null : (
          <div className="max-w-[min(36rem,88%)] rounded-bubble rounded-br-md bg-accent-soft px-4 py-2.5 whitespace-pre-wrap [overflow-wrap:anywhere] [unicode-bidi:plaintext]">
            <span className="sr-only">You said: </span>
            {visible(text)}
          </div>
        )}
      </div>
      {children}
    </div>
  );
}
