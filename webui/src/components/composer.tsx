import { ArrowUp, Paperclip, Square, X } from "lucide-react";
import { type ChangeEvent, type ClipboardEvent, type DragEvent, type KeyboardEvent, type ReactNode, type Ref, useRef } from "react";

import { IconButton } from "./ui/button";
import { cx } from "./ui/cx";
import { visible } from "./visible";

export interface Attached {
  readonly id: string;
  readonly name: string;
  readonly status: "uploading" | "ready" | "failed";
}

export interface ComposerProps {
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly onSend: () => void;
  readonly onStop: () => void;
  /** Put the last message back into the field. */
  readonly onRecall: () => void;
  readonly running: boolean;
  readonly attached: readonly Attached[];
  /** Absent where the server takes no files. */
  readonly onFiles?: ((files: readonly File[]) => void) | undefined;
  readonly onDetach: (id: string) => void;
  /** Model, effort: what stands beside the field. */
  readonly controls: ReactNode;
  readonly field: Ref<HTMLTextAreaElement>;
}

export function Composer(props: ComposerProps) {
  const { text, running, attached, onFiles } = props;
  const ready = text.trim() !== "" && attached.every((each) => each.status === "ready");
  const take = (list: FileList | undefined, event: ClipboardEvent | DragEvent) => {
    if (!onFiles || !list || list.length === 0) return;
    event.preventDefault();
    onFiles([...list]);
  };
  const pressed = (event: KeyboardEvent) => {
    // Enter ends a word that an input method composes; only another one sends.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (ready) props.onSend();
    } else if (event.key === "ArrowUp" && text === "") {
      event.preventDefault();
      props.onRecall();
    }
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- files may be dropped anywhere on it
    <form
      aria-label="Message"
      className="mx-auto w-full max-w-3xl rounded-2xl border border-line-strong bg-raised p-2 shadow-sm shadow-black/5 transition-colors focus-within:border-accent"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) props.onSend();
      }}
      onDragOver={(event) => {
        if (onFiles) event.preventDefault();
      }}
      onDrop={(event) => take(event.dataTransfer.files, event)}
    >
      <AttachedFiles attached={attached} onDetach={props.onDetach} />
      <Field {...props} onKeyDown={pressed} onPaste={(event) => take(event.clipboardData.files, event)} />
      <div className="flex items-center gap-1">
        {onFiles ? <FilePicker onFiles={onFiles} /> : null}
        <div className="flex min-w-0 flex-1 items-center gap-0.5">{props.controls}</div>
        {running ? (
          <IconButton label="Stop (Escape)" look="plain" round onClick={props.onStop}>
            <Square size={13} fill="currentColor" aria-hidden />
          </IconButton>
        ) : null}
        {running && !ready ? null : (
          <IconButton type="submit" label={running ? "Send when this answer is done" : "Send"} look="primary" round disabled={!ready}>
            <ArrowUp size={18} aria-hidden />
          </IconButton>
        )}
      </div>
    </form>
  );
}

interface FieldProps extends ComposerProps {
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onPaste: (event: ClipboardEvent) => void;
}

function Field({ text, onText, field, running, onKeyDown, onPaste }: FieldProps) {
  const shape = "col-start-1 row-start-1 max-h-60 min-h-10 w-full px-2.5 py-2 leading-6 [overflow-wrap:anywhere] whitespace-pre-wrap";
  return (
    <div className="grid">
      {/* Lies under the field with the same text, so that both are as high as the text is. */}
      <div aria-hidden className={cx(shape, "invisible overflow-hidden")}>
        {text}{" "}
      </div>
      <textarea
        ref={field}
        rows={1}
        dir="auto"
        value={text}
        aria-label="Your message"
        aria-keyshortcuts="/"
        placeholder={running ? "Say what comes next…" : "Ask anything…"}
        className={cx(shape, "resize-none bg-transparent outline-none placeholder:text-faint")}
        onChange={(event: ChangeEvent<HTMLTextAreaElement>) => onText(event.target.value)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
    </div>
  );
}

function FilePicker({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton label="Attach files" onClick={() => input.current?.click()}>
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

const UPLOAD_WORDS: Readonly<Record<Attached["status"], string>> = { uploading: "uploading…", ready: "", failed: "not uploaded" };

function AttachedFiles({ attached, onDetach }: { readonly attached: readonly Attached[]; readonly onDetach: (id: string) => void }) {
  if (attached.length === 0) return null;
  return (
    <ul aria-label="Attached files" className="flex flex-wrap gap-1.5 px-1 pt-1">
      {attached.map((file) => (
        <li key={file.id} className="flex items-center gap-1.5 rounded-lg border border-line bg-sunken py-0.5 pr-0.5 pl-2.5 text-sm">
          <span className="max-w-48 truncate">{visible(file.name)}</span>
          <span className={file.status === "failed" ? "text-danger" : "text-faint"}>{UPLOAD_WORDS[file.status]}</span>
          <IconButton label={`Remove ${file.name}`} className="size-7" onClick={() => onDetach(file.id)}>
            <X size={14} aria-hidden />
          </IconButton>
        </li>
      ))}
    </ul>
  );
}
