/** The files of a message, with names and thumbnails. */

import { Paperclip } from "lucide-react";
import { createContext, type ReactNode, useState } from "react";

import type { AttachedFile, RunView } from "@/events/types.gen";

import { cx } from "@/components/ui/cx";
import { visible } from "./sanitize";

/** A file and the URL of its contents; null if there is none. */
export interface ShownFile extends AttachedFile {
  readonly address: string | null;
}

/** URL of a run's file; `number` counts from 1. Null without a server. */
export type FileAddress = (runId: string, number: number) => string | null;

export const FileAddressContext = createContext<FileAddress>(() => null);

/** The files of a run's message. For old runs only their names are known. */
export function filesOf(run: RunView, addressOf: FileAddress): ShownFile[] {
  const { context_files = [], image_path } = run.input;
  const names = image_path ? [...context_files, image_path] : context_files;
  return names.map((id, index) => {
    const { name, media_type, bytes } = run.attachments[index] ?? { name: id, media_type: "", bytes: null };
    return { id, name, media_type, bytes, address: addressOf(run.run_id, index + 1) };
  });
}

export function isImage({ media_type }: { readonly media_type: string }): boolean {
  return media_type.startsWith("image/");
}

/** Format a size in bytes. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [size, unit] = bytes < 1024 * 1024 ? [bytes / 1024, "kB"] : [bytes / 1024 / 1024, "MB"];
  return `${size < 10 ? Math.round(size * 10) / 10 : Math.round(size)} ${unit}`;
}

export interface FileChipProps {
  readonly name: string;
  readonly picture: string | null;
  /** Status, if any. */
  readonly children?: ReactNode;
}

/** A file name with an icon or thumbnail. */
export function FileChip({ name, picture, children }: FileChipProps) {
  return (
    <>
      {picture === null ? <Paperclip size={13} className="shrink-0" aria-hidden /> : <Thumbnail key={picture} address={picture} />}
      <span className="min-w-0 max-w-48 truncate">{visible(name)}</span>
      {children}
    </>
  );
}

/** No alt text: the name is next to it. */
function Thumbnail({ address }: { readonly address: string }) {
  const [gone, setGone] = useState(false);
  if (gone) return <Paperclip size={13} className="shrink-0" aria-hidden />;
  return <img src={address} alt="" className="size-10 shrink-0 rounded-md bg-sunken object-cover" onError={() => setGone(true)} />;
}

/** The files attached to a sent message. */
export function SentFiles({ files }: { readonly files: readonly ShownFile[] }) {
  if (files.length === 0) return null;
  const shape = "flex h-full items-center gap-2 rounded-lg border border-line bg-raised text-xs text-soft";
  return (
    <ul aria-label="Attached files" className="flex flex-wrap justify-end gap-1.5">
      {files.map((file, index) => {
        const picture = isImage(file) ? file.address : null;
        const inside = cx(shape, picture === null ? "px-2.5 py-1" : "p-1 pr-2.5");
        const about = file.bytes === null ? visible(file.name) : `${visible(file.name)}, ${formatBytes(file.bytes)}`;
        return (
          // oxlint-disable-next-line react/no-array-index-key -- the same file may go along twice; the list never changes
          <li key={index} className="max-w-full">
            {file.address === null ? (
              <span className={inside} title={about}>
                <FileChip name={file.name} picture={picture} />
              </span>
            ) : (
              <a href={file.address} {...(picture === null ? { download: "" } : { target: "_blank", rel: "noopener noreferrer" })} className={cx(inside, "hover:border-line-strong")} title={about}>
                <FileChip name={file.name} picture={picture} />
              </a>
            )}
          </li>
        );
      })}
    </ul>
  );
}
