import { fireEvent, render, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { createRef, useState } from "react";
import { expect, it } from "vitest";

import { Composer, type ComposerProps } from "./composer";

const file = (name: string) => new File(["x"], name, { type: "text/plain" });

function staged(part: Partial<ComposerProps> = {}) {
  const did: string[] = [];
  function Staged() {
    const [text, setText] = useState("");
    return (
      <Composer
        text={text}
        onText={setText}
        onSend={() => did.push(`send ${text}`)}
        onStop={() => did.push("stop")}
        onRecall={() => did.push("recall")}
        running={false}
        attached={[]}
        onDetach={(id) => did.push(`detach ${id}`)}
        controls={null}
        field={createRef()}
        {...part}
      />
    );
  }
  render(<Staged />);
  return { did, field: screen.getByLabelText("Your message"), user: userEvent.setup() };
}

it("sends with Enter and breaks the line with Shift and Enter", async () => {
  const { did, field, user } = staged();
  await user.type(field, "one{Shift>}{Enter}{/Shift}two{Enter}");
  expect(did).toEqual(["send one\ntwo"]);
});

it("does not send while an input method composes a word", () => {
  const { did, field } = staged();
  fireEvent.change(field, { target: { value: "かな" } });
  fireEvent.keyDown(field, { key: "Enter", isComposing: true });
  expect(did).toEqual([]);
  fireEvent.keyDown(field, { key: "Enter" });
  expect(did).toEqual(["send かな"]);
});

it("sends nothing that is empty", async () => {
  const { did, field, user } = staged();
  await user.type(field, "  {Enter}");
  expect(did).toEqual([]);
  expect(screen.getByRole("button", { name: "Send" })).toHaveProperty("disabled", true);
});

it("recalls the last message with the arrow, only in an empty field", async () => {
  const { did, field, user } = staged();
  await user.type(field, "{ArrowUp}x{ArrowUp}");
  expect(did).toEqual(["recall"]);
});

it("stops while a run goes on, and offers to send what is typed meanwhile", async () => {
  const { did, field, user } = staged({ running: true });
  await user.click(screen.getByRole("button", { name: "Stop (Escape)" }));
  expect(screen.queryByRole("button", { name: /^Send/ })).toBeNull();
  await user.type(field, "next");
  await user.click(screen.getByRole("button", { name: "Send when this answer is done" }));
  expect(did).toEqual(["stop", "send next"]);
});

it("takes files that are pasted, picked or dropped anywhere, where the server does", async () => {
  const taken: string[] = [];
  const { field, user } = staged({ onFiles: (files) => taken.push(...files.map((each) => each.name)) });
  await user.upload(screen.getByLabelText("Files to attach"), file("picked.txt"));
  fireEvent.paste(field, { clipboardData: { files: [file("pasted.txt")] } });
  fireEvent.drop(document.body, { dataTransfer: { types: ["Files"], files: [file("dropped.txt")] } });
  expect(taken).toEqual(["picked.txt", "pasted.txt", "dropped.txt"]);
});

it("offers no files where the server takes none", () => {
  staged();
  expect(screen.queryByLabelText("Files to attach")).toBeNull();
  expect(fireEvent.drop(document.body, { dataTransfer: { types: ["Files"], files: [file("a.txt")] } })).toBe(false);
});

it("waits for files on their way, and lets one go", async () => {
  const { did, field, user } = staged({ attached: [{ id: "f1", name: "a.txt", status: "uploading" }] });
  await user.type(field, "with a file{Enter}");
  expect(did).toEqual([]);
  await user.click(screen.getByRole("button", { name: "Remove a.txt" }));
  expect(did).toEqual(["detach f1"]);
});

it("offers to upload again what failed to, and only that", async () => {
  const did: string[] = [];
  const { field, user } = staged({
    attached: [
      { id: "f1", name: "a.txt", status: "failed", onAgain: () => did.push("again") },
      { id: "f2", name: "b.txt", status: "ready" },
    ],
  });
  await user.type(field, "with a file{Enter}");
  expect(screen.getAllByRole("button", { name: /^Upload/ }).map((each) => each.getAttribute("aria-label"))).toEqual(["Upload a.txt again"]);
  await user.click(screen.getByRole("button", { name: "Upload a.txt again" }));
  expect(did).toEqual(["again"]);
  expect(document.activeElement).toBe(field);
});

it("shows a picture small, and sends files without a word", async () => {
  const { did, field, user } = staged({ attached: [{ id: "f1", name: "cat.png", status: "ready", picture: "/cat" }] });
  const list = screen.getByRole("list", { name: "Attached files" });
  expect(list.querySelector("img")?.getAttribute("src")).toBe("/cat");
  await user.type(field, "{Enter}");
  expect(did).toEqual(["send "]);
});

it("says why files cannot go along, and does not send them", async () => {
  const { did, field, user } = staged({ attached: [{ id: "f1", name: "cat.png", status: "ready" }], hindrance: "It takes no pictures." });
  expect(screen.getByRole("alert").textContent).toBe("It takes no pictures.");
  await user.type(field, "Look{Enter}");
  expect(did).toEqual([]);
});
