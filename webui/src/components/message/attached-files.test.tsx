import { fireEvent, render, screen } from "@testing-library/react";
import { expect, it } from "vitest";

import { GOLDEN_VIEWS } from "@/events/golden";
import type { ConversationView, RunView } from "@/events/types.gen";

import { filesOf, formatBytes, SentFiles } from "./attached-files";

const addressOf = (runId: string, number: number) => `/${runId}/${number}`;

function golden(name: string): RunView {
  const [run] = (JSON.parse(GOLDEN_VIEWS[name] ?? "") as ConversationView).runs;
  if (!run) throw new Error(`${name} has no run`);
  return run;
}

it("shows each file by its name, and a picture as one", () => {
  render(<SentFiles files={filesOf(golden("attachments"), addressOf)} />);
  expect(screen.getAllByRole("listitem").map((each) => each.textContent)).toEqual(["calendar-40.png", "Notes <b>of</b> 2028 & more.txt", "calendar-200.png"]);
  const links = screen.getAllByRole("link");
  expect(links.map((each) => each.getAttribute("href"))).toEqual(["/run_1/1", "/run_1/2", "/run_1/3"]);
  expect(links.map((each) => each.querySelector("img")?.getAttribute("src"))).toEqual(["/run_1/1", undefined, "/run_1/3"]);
});

it("shows the name of a picture that can't be loaded", () => {
  const { container } = render(<SentFiles files={filesOf(golden("attachments"), addressOf).slice(0, 1)} />);
  const picture = container.querySelector("img");
  if (picture) fireEvent.error(picture);
  expect(container.querySelector("img")).toBeNull();
  expect(screen.getByText("calendar-40.png")).toBeTruthy();
});

it("shows hidden characters in a name", () => {
  const file = { id: "x", name: "exe\u202etxt.png", media_type: "text/plain", bytes: null, address: null };
  render(<SentFiles files={[file]} />);
  expect(screen.getByText("exe⟨U+202E⟩txt.png")).toBeTruthy();
});

it("shows a file's name from the message if nothing else was stored", () => {
  const run = { ...golden("answer-only"), input: { text: "Hi", context_files: ["a.txt"], image_path: "p.png" } };
  expect(filesOf(run, addressOf)).toEqual([
    { id: "a.txt", name: "a.txt", media_type: "", bytes: null, address: "/run_1/1" },
    { id: "p.png", name: "p.png", media_type: "", bytes: null, address: "/run_1/2" },
  ]);
});

it.each([
  [17, "17 B"],
  [1536, "1.5 kB"],
  [512 * 1024, "512 kB"],
  [8 * 1024 * 1024, "8 MB"],
])("formats %i bytes as %s", (bytes, words) => {
  expect(formatBytes(bytes)).toBe(words);
});
