/** Clipboard contents: office programs add an image of the selection to the text. */

export interface Pasted {
  readonly files: readonly File[];
  readonly text: string;
  /** Whether the browser inserts the text itself. */
  readonly isPlain: boolean;
}

/** Text takes precedence over images of it; other files are attached too. */
export function pastedFrom(data: DataTransfer): Pasted {
  const files = [...data.files];
  const plain = data.getData("text/plain");
  if (files.length === 0) return { files, text: plain, isPlain: true };
  if (plain.trim() === "") {
    const text = textOfHtml(data.getData("text/html"));
    return { files: text === "" ? files : withoutPictures(files), text, isPlain: false };
  }
  // File managers add the file names as text.
  if (areNamesOf(plain, files)) return { files, text: "", isPlain: true };
  return { files: withoutPictures(files), text: plain, isPlain: true };
}

function withoutPictures(files: readonly File[]): File[] {
  return files.filter((file) => !file.type.startsWith("image/"));
}

function textOfHtml(html: string): string {
  if (html === "") return "";
  return new DOMParser().parseFromString(html, "text/html").body.textContent.trim();
}

function areNamesOf(text: string, files: readonly File[]): boolean {
  const names = new Set(files.map((file) => file.name));
  const lines = text.split(/[\r\n]+/).filter((line) => line !== "");
  return lines.every((line) => names.has(lastSegment(line)));
}

function lastSegment(path: string): string {
  const name = path.split(/[/\\]/).at(-1) ?? path;
  try {
    return path.startsWith("file:") ? decodeURIComponent(name) : name;
  } catch (error) {
    if (error instanceof URIError) return name;
    throw error;
  }
}

/** Insert text at the cursor as a single undo step. */
export function insertText(field: HTMLTextAreaElement, text: string): void {
  field.focus();
  // The only API that keeps the field's undo history.
  document.execCommand("insertText", false, text);
}
