import { ArrowUp, Paperclip, RotateCcw, Square, X } from "lucide-react";
import { type ChangeEvent, type ClipboardEvent, type DragEvent, type KeyboardEvent, type ReactNode, type Ref, useRef, useState } from "react";

import { FileChip } from "@/components/message/attached-files";
import { useDroppedFiles } from "./dropped-files";
import { type EnterKey, isComposing, sends } from "./keys";
import { insertText, pastedFrom } from "./paste";
import { isTooLong, type TextLimits, TooLong } from "./too-long";
import { IconButton } from "@/components/ui/button";
import { cx } from "@/components/ui/cx";
import { visible } from "@/components/message/sanitize";

export interface Attached {
  readonly id: string;
  readonly name: string;
  readonly status: "uploading" | "ready" | "failed";
  /** URL of a thumbnail. */
  readonly picture?: string | null;
  /** Retries a failed upload. */
  readonly onRetry?: (() => void) | undefined;
}

export interface ComposerProps {
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly onSend: () => void;
  readonly onStop: () => void;
  /** Loads the last message into the field. */
  readonly onRecall: () => void;
  readonly running: boolean;
  /** What plain Enter does. */
  readonly enter?: EnterKey;
  /** Limits for the text. */
  readonly textLimits?: TextLimits | undefined;
  readonly attached: readonly Attached[];
  /** Absent if the server doesn't accept files. */
  readonly onFiles?: ((files: readonly File[]) => void) | undefined;
  readonly onDetach: (id: string) => void;
  /** The file limits as text. */
  readonly limits?: string;
  /** Why the message can't be sent, if it can't. */
  readonly blockedReason?: string | null;
  /** Model and effort pickers. */
  readonly controls: ReactNode;
  readonly field: Ref<HTMLTextAreaElement>;
}

export function Composer(props: ComposerProps) {
  const { text, running, onFiles, enter = "send", textLimits } = props;
  const [refused, setRefused] = useState<string | null>(null);
  const ready = isReady(props);
  useDroppedFiles(onFiles);
  const pasted = (event: ClipboardEvent<HTMLTextAreaElement>) => {
    const brought = pastedFrom(event.clipboardData);
    setRefused(null);
    if (brought.files.length > 0) onFiles?.(brought.files);
    if (isTooLong(brought.text, textLimits)) setRefused(brought.text);
    else if (brought.isPlain && brought.text !== "") return;
    else if (brought.text !== "") insertText(event.currentTarget, brought.text);
    else if (brought.files.length === 0) return;
    event.preventDefault();
  };
  const dropped = (event: DragEvent) => {
    const words = event.dataTransfer.getData("text/plain");
    if (event.dataTransfer.types.includes("Files") || !isTooLong(words, textLimits)) return;
    event.preventDefault();
    setRefused(words);
  };
  const pressed = (event: KeyboardEvent) => {
    if (isComposing(event.nativeEvent)) return;
    if (sends(event, enter)) {
      event.preventDefault();
      if (ready) props.onSend();
    } else if (event.key === "ArrowUp" && text === "") {
      event.preventDefault();
      props.onRecall();
    }
  };
  return (
    <form
      aria-label="Message"
      className="mx-auto w-full max-w-3xl rounded-2xl border border-line-strong bg-raised p-2 shadow-sm shadow-black/5 transition-colors focus-within:border-accent"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) props.onSend();
      }}
    >
      <AttachedFiles {...props} />
      <Refused {...props} refused={refused} onSettled={() => setRefused(null)} />
      <Field {...props} onKeyDown={pressed} onPaste={pasted} onDrop={dropped} />
      <div className="flex items-center gap-1">
        {onFiles ? <FilePicker onFiles={onFiles} limits={props.limits ?? ""} /> : null}
        <div className="flex min-w-0 flex-1 items-center gap-0.5">{props.controls}</div>
        <Buttons running={running} ready={ready} onStop={props.onStop} />
      </div>
    </form>
  );
}

/** A message needs text or files. Unfinished or rejected files block it. */
function isReady({ text, attached, blockedReason = null, textLimits }: ComposerProps): boolean {
  const says = text.trim() !== "" || attached.length > 0;
  return says && blockedReason === null && !isTooLong(text, textLimits) && attached.every((each) => each.status === "ready");
}

interface RefusedProps extends ComposerProps {
  /** The last pasted or dropped text that was too long to insert. */
  readonly refused: string | null;
  readonly onSettled: () => void;
}

/** Text that is too long: rejected text, else the text in the field. */
function Refused({ text, onText, onFiles, textLimits, refused, onSettled }: RefusedProps) {
  const shown = refused ?? text;
  if (!isTooLong(shown, textLimits)) return null;
  const attach = (file: File) => {
    onFiles?.([file]);
    if (refused === null) onText("");
    onSettled();
  };
  return <TooLong text={shown} limits={textLimits} inserted={refused === null} onAttach={onFiles ? attach : undefined} onDismiss={refused === null ? undefined : onSettled} />;
}

interface ButtonsProps {
  readonly running: boolean;
  readonly ready: boolean;
  readonly onStop: () => void;
}

function Buttons({ running, ready, onStop }: ButtonsProps) {
  return (
    <>
      {running ? (
        <IconButton label="Stop (Esc)" look="plain" round onClick={onStop}>
          <Square size={13} fill="currentColor" aria-hidden />
        </IconButton>
      ) : null}
      {running && !ready ? null : (
        <IconButton type="submit" label={running ? "Send after this answer" : "Send"} look="primary" round disabled={!ready}>
          <ArrowUp size={18} aria-hidden />
        </IconButton>
      )}
    </>
  );
}

interface FieldProps extends ComposerProps {
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onPaste: (event: ClipboardEvent<HTMLTextAreaElement>) => void;
  readonly onDrop: (event: DragEvent) => void;
}

/** More characters than fit into the field at full height; the rest doesn't affect its height. */
const FILLS_FIELD = 4_000;

function Field({ text, onText, field, running, enter = "send", onKeyDown, onPaste, onDrop }: FieldProps) {
  const shape = "col-start-1 row-start-1 max-h-60 min-h-10 w-full px-2.5 py-2 leading-6 [overflow-wrap:anywhere] whitespace-pre-wrap";
  return (
    <div className="grid">
      {/* A hidden copy of the text makes the field as tall as its text. Laying out all of a long text would make every key slow. */}
      <div aria-hidden className={cx(shape, "invisible overflow-hidden")}>
        {text.slice(0, FILLS_FIELD)}{" "}
      </div>
      <textarea
        ref={field}
        rows={1}
        dir="auto"
        value={text}
        aria-label="Your message"
        aria-keyshortcuts="/"
        enterKeyHint={enter === "send" ? "send" : "enter"}
        placeholder={running ? "Queue a follow-up…" : "Ask anything…"}
        className={cx(shape, "resize-none bg-transparent outline-none placeholder:text-faint")}
        onChange={(event: ChangeEvent<HTMLTextAreaElement>) => onText(event.target.value)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
        onDrop={onDrop}
      />
    </div>
  );
}

interface FilePickerProps {
  readonly onFiles: (files: readonly File[]) => void;
  readonly limits: string;
}

function FilePicker({ onFiles, limits }: FilePickerProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton label="Attach files" title={limits === "" ? "Attach files" : `Attach files: ${limits}`} onClick={() => input.current?.click()}>
        <Paperclip size={17} aria-hidden />
      </IconButton>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files to attach"
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
    </>
  );
}

const UPLOAD_LABELS = { uploading: "uploading…", failed: "upload failed" } as const;

function AttachedFiles({ attached, onDetach, blockedReason = null }: ComposerProps) {
  if (attached.length === 0) return null;
  return (
    <>
      <ul aria-label="Attached files" className="flex max-h-40 flex-wrap gap-1.5 overflow-y-auto px-1 py-1">
        {attached.map((file) => (
          <li key={file.id} className="flex items-center gap-1.5 rounded-lg border border-line bg-sunken py-0.5 pr-0.5 pl-1.5 text-sm">
            <FileChip name={file.name} picture={file.picture ?? null}>
              {file.status === "ready" ? null : <span className={file.status === "failed" ? "text-danger" : "text-faint"}>{UPLOAD_LABELS[file.status]}</span>}
            </FileChip>
            {file.onRetry ? <RetryUpload name={file.name} onRetry={file.onRetry} /> : null}
            <IconButton label={`Remove ${visible(file.name)}`} className="size-7" onClick={() => onDetach(file.id)}>
              <X size={14} aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
      {blockedReason === null ? null : (
        <p role="alert" className="px-2 pt-1.5 text-sm text-danger">
          {blockedReason}
        </p>
      )}
    </>
  );
}

/** The button disappears when pressed, so focus moves to the message field. */
function RetryUpload({ name, onRetry }: { readonly name: string; readonly onRetry: () => void }) {
  return (
    <IconButton
      label={`Upload ${visible(name)} again`}
      className="size-7"
      onClick={(event) => {
        onRetry();
        event.currentTarget.form?.querySelector("textarea")?.focus();
      }}
    >
      <RotateCcw size={14} aria-hidden />
    </IconButton>
  );
}
