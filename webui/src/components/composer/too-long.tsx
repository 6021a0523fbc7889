import { useMemo } from "react";

import { formatBytes } from "@/components/message/attached-files";
import { formatCount } from "@/components/message/duration";
import { Button } from "@/components/ui/button";

/** Maximum text length, as a message and as a file. */
export interface TextLimits {
  readonly chars: number;
  readonly fileBytes: number;
}

/** Counts code points, as the server does. */
export function isTooLong(text: string, limits: TextLimits | undefined): limits is TextLimits {
  if (limits === undefined || text.length <= limits.chars) return false;
  let count = 0;
  for (const _ of text) count += 1;
  return count > limits.chars;
}

export interface TooLongProps {
  readonly text: string;
  readonly limits: TextLimits;
  /** Whether it is in the field; otherwise it was pasted or dropped and rejected. */
  readonly inserted: boolean;
  /** Absent if the server doesn't accept files. */
  readonly onAttach?: ((file: File) => void) | undefined;
  /** Absent if the text itself must change. */
  readonly onDismiss?: (() => void) | undefined;
}

/** Tells the user that text is too long for a message, and offers to attach it as a file. */
export function TooLong({ text, limits, inserted, onAttach, onDismiss }: TooLongProps) {
  const file = useMemo(() => new File([text], inserted ? "message.txt" : "pasted.txt", { type: "text/plain" }), [text, inserted]);
  const fits = file.size <= limits.fileBytes;
  const subject = inserted ? "This text" : "That text";
  return (
    <div role="alert" className="flex flex-wrap items-center gap-2 px-2 pt-1.5 text-sm text-danger">
      <p className="min-w-48 flex-1">
        {subject} has {formatCount(text.length, "character")}; the limit for a message is {formatCount(limits.chars, "character")}.
        {onAttach && !fits ? ` As a file it is ${formatBytes(file.size)}. Text files can be up to ${formatBytes(limits.fileBytes)}.` : ""}
        {inserted ? "" : " It wasn't inserted; you still have it where you copied it from."}
      </p>
      {onAttach && fits ? <Button onClick={() => onAttach(file)}>Attach as a text file</Button> : null}
      {onDismiss ? (
        <Button look="quiet" onClick={onDismiss}>
          Dismiss
        </Button>
      ) : null}
    </div>
  );
}
