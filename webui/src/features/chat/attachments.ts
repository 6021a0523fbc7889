/** Uploads for the next message. */

import { useCallback, useMemo, useRef, useState } from "react";

import { formatBytes, isImage } from "@/components/message/attached-files";
import type { Attached } from "@/components/composer/composer";
import { type Api, ApiProblem, type FileLimits, type ModelChoice } from "@/session/api";
import type { MessageFile } from "@/session/transport";

interface Attachment extends Attached {
  /** The uploaded file, once the upload is done. */
  readonly file?: MessageFile;
  /** Whether it was uploaded for this message, so that it can be deleted with it. */
  readonly own: boolean;
}

export interface Attachments {
  readonly files: readonly Attached[];
  /** Finished uploads, in order. */
  readonly ready: readonly MessageFile[];
  readonly add: (files: readonly File[]) => void;
  readonly remove: (id: string) => void;
  /** Replaces all files by ones already on the server. */
  readonly put: (files: readonly MessageFile[]) => void;
}

let counter = 0;

const newId = () => `file-${(counter += 1)}`;

export function useAttachments(api: Api, limits: FileLimits | undefined, onProblem: (words: string | null) => void): Attachments {
  const [files, setFiles] = useState<readonly Attachment[]>([]);
  /** Files removed while uploading. */
  const removed = useRef(new Set<string>());
  const forget = (upload: string) => reportProblem(onProblem, "", () => api.deleteUpload(upload));
  const change = (id: string, part: Partial<Attachment>) => setFiles((all) => all.map((each) => (each.id === id ? { ...each, ...part } : each)));
  const send = async (id: string, file: File) => {
    const upload = await reportProblem(onProblem, `${file.name}: `, () => api.upload(file));
    if (upload && removed.current.has(id)) await forget(upload.id);
    change(id, upload ? { status: "ready", ...shownAs({ ...upload, address: api.uploadAddress(upload.id) }) } : { status: "failed", onRetry: () => retry(id, file) });
  };
  const retry = (id: string, file: File) => {
    onProblem(null);
    change(id, { status: "uploading", onRetry: undefined });
    void send(id, file);
  };
  const add = (added: readonly File[]) => {
    let there = files.length;
    for (const file of added) {
      const words = rejection(file, there, limits);
      if (words !== null) {
        onProblem(words);
        continue;
      }
      there += 1;
      const id = newId();
      setFiles((all) => [...all, { id, name: file.name, status: "uploading", own: true }]);
      void send(id, file);
    }
  };
  const remove = (id: string) => {
    const gone = files.find((each) => each.id === id);
    removed.current.add(id);
    if (gone?.own && gone.file) void forget(gone.file.id);
    setFiles((all) => all.filter((each) => each.id !== id));
  };
  const put = useCallback((given: readonly MessageFile[]) => setFiles(given.map(known)), []);
  const ready = useMemo(() => files.flatMap((each) => each.file ?? []), [files]);
  return { files, ready, add, remove, put };
}

function known(file: MessageFile): Attachment {
  return { id: newId(), status: "ready", own: false, ...shownAs(file) };
}

function shownAs(file: MessageFile): Pick<Attachment, "file" | "name" | "picture"> {
  return { file, name: file.name, picture: isImage(file) ? file.address : null };
}

async function reportProblem<T>(onProblem: (words: string | null) => void, before: string, step: () => Promise<T>): Promise<T | null> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    onProblem(before + error.message);
    return null;
  }
}

/** Why a file is rejected before upload; null if it isn't. */
function rejection(file: File, others: number, limits: FileLimits | undefined): string | null {
  if (!limits) return null;
  if (others >= limits.most) return `${file.name} wasn't added: a message can have up to ${limits.most} files.`;
  const picture = file.type.startsWith("image/");
  const most = picture ? limits.picture_bytes : limits.text_bytes;
  if (file.size <= most) return null;
  return `${file.name} is ${formatBytes(file.size)}. ${picture ? "Images" : "Text files"} can be up to ${formatBytes(most)}.`;
}

/** The file limits as text. */
export function limitsText(limits: FileLimits | undefined): string {
  if (!limits) return "";
  return `images up to ${formatBytes(limits.picture_bytes)}, text files up to ${formatBytes(limits.text_bytes)}, ${formatBytes(limits.together_bytes)} in total`;
}

/** Why these files can't be sent; null if they can. */
export function blockedReasonFor(files: readonly MessageFile[], model: ModelChoice | undefined, limits: FileLimits | undefined): string | null {
  const picture = files.find(isImage);
  if (picture && model?.images === false) return `${model.name || model.id} doesn't accept images. Remove ${picture.name} or choose another model.`;
  const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  if (!limits || bytes <= limits.together_bytes) return null;
  return `These files are ${formatBytes(bytes)} in total. A message can have up to ${formatBytes(limits.together_bytes)}.`;
}
