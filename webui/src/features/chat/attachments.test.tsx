import { act, renderHook } from "@testing-library/react";
import { expect, it } from "vitest";

import { type Api, ApiProblem, type Upload } from "@/session/api";

import { blockedReasonFor, limitsText, useAttachments } from "./attachments";

const LIMITS = { most: 3, text_bytes: 10, picture_bytes: 1024 * 1024, together_bytes: 2 * 1024 * 1024 };
const MODEL = { id: "lab/blind", name: "Blind", provider: "lab", current: true, max_tokens: null, reasoning: { supported: false, streams: false, efforts: [] } };

const text = (name: string, words = "x") => new File([words], name, { type: "text/plain" });
const sent = (name: string, media_type: string, bytes: number) => ({ id: `upl_${name}`, name, media_type, bytes, address: `/${name}` });

/** A server whose uploads finish when the test decides. */
function setup() {
  const notices: (string | null)[] = [];
  const fails = new Set(["bad.zip"]);
  const waiting: (() => void)[] = [];
  const api = {
    upload: (file: File) =>
      new Promise<Upload>((resolve, reject) => {
        waiting.push(() =>
          fails.has(file.name)
            ? reject(new ApiProblem(415, "unsupported_media_type", "Unsupported file. Use PNG."))
            : resolve({ id: `upl_${file.name}`, name: file.name, media_type: file.name.endsWith(".png") ? "image/png" : "text/plain", bytes: file.size }),
        );
      }),
    deleteUpload: (id: string) => Promise.resolve(notices.push(`delete ${id}`)),
    uploadAddress: (id: string) => `/uploads/${id}`,
  } as Pick<Api, "upload" | "deleteUpload" | "uploadAddress"> as Api;
  const { result } = renderHook(() => useAttachments(api, LIMITS, (words) => notices.push(words)));
  const arrive = () => act(async () => waiting.splice(0).forEach((each) => each()));
  return { result, notices, arrive, fails };
}

it("adds several files, in order, with thumbnails of pictures", async () => {
  const { result, arrive } = setup();
  act(() => result.current.add([text("a.txt"), text("b.png"), text("c.txt")]));
  expect(result.current.files.map((each) => each.status)).toEqual(["uploading", "uploading", "uploading"]);
  expect(result.current.ready).toEqual([]);
  await arrive();
  expect(result.current.ready.map((each) => each.id)).toEqual(["upl_a.txt", "upl_b.png", "upl_c.txt"]);
  expect(result.current.files.map((each) => each.picture)).toEqual([null, "/uploads/upl_b.png", null]);
});

it("names the file that is too large or one too many, and accepts the others", async () => {
  const { result, notices, arrive } = setup();
  act(() => result.current.add([text("big.txt", "x".repeat(11)), text("a.txt"), text("b.txt"), text("c.txt")]));
  act(() => result.current.add([text("d.txt")]));
  await arrive();
  expect(result.current.files.map((each) => each.name)).toEqual(["a.txt", "b.txt", "c.txt"]);
  expect(notices).toEqual(["big.txt is 11 B. Text files can be up to 10 B.", "d.txt wasn't added: a message can have up to 3 files."]);
});

it("retries a failed upload, and removes the error", async () => {
  const { result, notices, arrive, fails } = setup();
  fails.add("a.txt");
  act(() => result.current.add([text("a.txt"), text("b.txt")]));
  await arrive();
  expect(result.current.files.map((each) => each.status)).toEqual(["failed", "ready"]);
  fails.clear();
  act(() => result.current.files[0]?.onRetry?.());
  expect(result.current.files.map((each) => [each.status, each.onRetry])).toEqual([["uploading", undefined], ["ready", undefined]]);
  await arrive();
  expect(result.current.ready.map((each) => each.id)).toEqual(["upl_a.txt", "upl_b.txt"]);
  expect(notices).toEqual(["a.txt: Unsupported file. Use PNG.", null]);
});

it("shows a rejected file until it is removed", async () => {
  const { result, notices, arrive } = setup();
  act(() => result.current.add([text("bad.zip")]));
  await arrive();
  expect(result.current.files.map((each) => each.status)).toEqual(["failed"]);
  expect(notices).toEqual(["bad.zip: Unsupported file. Use PNG."]);
  act(() => result.current.remove(result.current.files[0]?.id ?? ""));
  expect(result.current.files).toEqual([]);
});

it("deletes removed files from the server, even during their upload", async () => {
  const { result, notices, arrive } = setup();
  act(() => result.current.add([text("a.txt")]));
  await arrive();
  act(() => result.current.remove(result.current.files[0]?.id ?? ""));
  act(() => result.current.add([text("b.txt")]));
  act(() => result.current.remove(result.current.files[0]?.id ?? ""));
  await arrive();
  expect(result.current.files).toEqual([]);
  expect(notices).toEqual(["delete upl_a.txt", "delete upl_b.txt"]);
});

it("restores the files of an earlier message, and detaches one without deleting it", () => {
  const { result, notices } = setup();
  act(() => result.current.put([sent("p.png", "image/png", 5), sent("a.txt", "text/plain", 5)]));
  expect(result.current.files.map((each) => each.picture)).toEqual(["/p.png", null]);
  act(() => result.current.remove(result.current.files[0]?.id ?? ""));
  expect(result.current.ready).toEqual([sent("a.txt", "text/plain", 5)]);
  expect(notices).toEqual([]);
});

it("explains why files cannot be sent with this message", () => {
  const files = [sent("a.txt", "text/plain", 1024 * 1024), sent("p.png", "image/png", 1024 * 1024)];
  expect(blockedReasonFor(files, { ...MODEL, images: true }, LIMITS)).toBeNull();
  expect(blockedReasonFor(files, { ...MODEL, images: false }, LIMITS)).toBe("Blind doesn't accept images. Remove p.png or choose another model.");
  expect(blockedReasonFor([...files, ...files], { ...MODEL, images: true }, LIMITS)).toBe("These files are 4 MB in total. A message can have up to 2 MB.");
  expect(limitsText(LIMITS)).toBe("images up to 1 MB, text files up to 10 B, 2 MB in total");
});
