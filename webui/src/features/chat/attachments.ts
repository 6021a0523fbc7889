/** Files on their way to the server, for the next message. */

import { useState } from "react";

import type { Attached } from "@/components/composer";
import { type Api, ApiProblem, type Upload } from "@/session/api";
import type { MessageOptions } from "@/session/transport";

interface File_ extends Attached {
  readonly upload?: Upload;
}

export interface Attachments {
  readonly files: readonly Attached[];
  readonly add: (files: readonly File[]) => void;
  readonly remove: (id: string) => void;
  /** The options that carry them; afterwards none are left. */
  readonly take: () => Pick<MessageOptions, "context_files" | "image_path">;
}

let counter = 0;

export function useAttachments(api: Api, onProblem: (words: string) => void): Attachments {
  const [files, setFiles] = useState<readonly File_[]>([]);
  const change = (id: string, part: Partial<File_>) => setFiles((all) => all.map((each) => (each.id === id ? { ...each, ...part } : each)));
  const send = async (id: string, file: File) => {
    try {
      change(id, { status: "ready", upload: await api.upload(file) });
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      change(id, { status: "failed" });
      onProblem(`${file.name}: ${error.message}`);
    }
  };
  return {
    files,
    add: (added) => {
      for (const file of added) {
        counter += 1;
        const id = `file-${counter}`;
        setFiles((all) => [...all, { id, name: file.name, status: "uploading" }]);
        void send(id, file);
      }
    },
    remove: (id) => setFiles((all) => all.filter((each) => each.id !== id)),
    take: () => {
      const uploads = files.flatMap((each) => each.upload ?? []);
      setFiles([]);
      return named(uploads);
    },
  };
}

/** The first picture is the message's image; everything else is context. */
function named(uploads: readonly Upload[]): Pick<MessageOptions, "context_files" | "image_path"> {
  const image = uploads.find((each) => each.media_type.startsWith("image/"));
  const others = uploads.filter((each) => each !== image).map((each) => each.id);
  return { ...(image ? { image_path: image.id } : {}), ...(others.length > 0 ? { context_files: others } : {}) };
}
