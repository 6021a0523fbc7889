/** Handles files dropped anywhere on the page. */

import { useEffect } from "react";

/** Passes dropped files on. Without a handler the drop is still cancelled, or the browser would navigate to the file. */
export function useDroppedFiles(onFiles: ((files: readonly File[]) => void) | undefined): void {
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = onFiles ? "copy" : "none";
    };
    const dropped = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      onFiles?.([...event.dataTransfer.files]);
    };
    document.addEventListener("dragover", over);
    document.addEventListener("drop", dropped);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("drop", dropped);
    };
  }, [onFiles]);
}

function hasFiles(event: DragEvent): event is DragEvent & { readonly dataTransfer: DataTransfer } {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
