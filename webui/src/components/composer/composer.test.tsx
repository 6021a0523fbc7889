import { fireEvent, render, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { createRef, useState } from "react";
import { expect, it } from "vitest";

import { Composer, type ComposerProps } from "./composer";

const file = (name: string, type = "text/plain") => new File(["x"], name, { type });

/** What a paste brings. */
const clipboard = (files: readonly File[], text = "", html = "") => ({
  clipboardData: { files, getData: (type: string) => ({ "text/plain": text, "text/html": html })[type] ?? "" },
});

function setup(part: Partial<ComposerProps> = {}) {
  const did: string[] = [];
  function ControlledComposer() {
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
  render(<ControlledComposer />);
  return { did, field: screen.getByLabelText("Your message"), user: userEvent.setup() };
}

it("sends with Enter and starts a new line with Shift and Enter", async () => {
  const { did, field, user } = setup();
  await user.type(field, "one{Shift>}{Enter}{/Shift}two{Enter}");
  expect(did).toEqual(["send one\ntwo"]);
});

it("does not send while an input method composes a word", () => {
  const { did, field } = setup();
  fireEvent.change(field, { target: { value: "かな" } });
  fireEvent.keyDown(field, { key: "Enter", isComposing: true });
  expect(did).toEqual([]);
  fireEvent.keyDown(field, { key: "Enter" });
  expect(did).toEqual(["send かな"]);
});

it("does not send with the Enter that ends a composition in Safari", () => {
  const { did, field } = setup();
  fireEvent.change(field, { target: { value: "日本" } });
  fireEvent.keyDown(field, { key: "Enter", keyCode: 229, isComposing: false });
  expect(did).toEqual([]);
});

it.each(["ArrowUp", "Tab", "Escape"])("leaves %s to an input method that composes", (key) => {
  const { did, field } = setup();
  expect(fireEvent.keyDown(field, { key, isComposing: true })).toBe(true);
  expect(fireEvent.keyDown(field, { key, keyCode: 229 })).toBe(true);
  expect(did).toEqual([]);
});

it("starts a new line with Enter if configured, and sends with Ctrl and Enter or the button", async () => {
  const { did, field, user } = setup({ enter: "newline" });
  await user.type(field, "one{Enter}two");
  expect(did).toEqual([]);
  await user.keyboard("{Control>}{Enter}{/Control}");
  await user.click(screen.getByRole("button", { name: "Send" }));
  expect(did).toEqual(["send one\ntwo", "send one\ntwo"]);
});

it("doesn't send empty messages", async () => {
  const { did, field, user } = setup();
  await user.type(field, "  {Enter}");
  expect(did).toEqual([]);
  expect(screen.getByRole("button", { name: "Send" })).toHaveProperty("disabled", true);
});

it("recalls the last message with the arrow, only in an empty field", async () => {
  const { did, field, user } = setup();
  await user.type(field, "{ArrowUp}x{ArrowUp}");
  expect(did).toEqual(["recall"]);
});

it("stops an active run, and offers to queue what is typed during it", async () => {
  const { did, field, user } = setup({ running: true });
  await user.click(screen.getByRole("button", { name: "Stop (Esc)" }));
  expect(screen.queryByRole("button", { name: /^Send/ })).toBeNull();
  await user.type(field, "next");
  await user.click(screen.getByRole("button", { name: "Send after this answer" }));
  expect(did).toEqual(["stop", "send next"]);
});

it("accepts files that are pasted, picked or dropped anywhere, if the server does", async () => {
  const taken: string[] = [];
  const { field, user } = setup({ onFiles: (files) => taken.push(...files.map((each) => each.name)) });
  await user.upload(screen.getByLabelText("Files to attach"), file("picked.txt"));
  fireEvent.paste(field, clipboard([file("pasted.txt")]));
  fireEvent.drop(document.body, { dataTransfer: { types: ["Files"], files: [file("dropped.txt")] } });
  expect(taken).toEqual(["picked.txt", "pasted.txt", "dropped.txt"]);
});

it.each([
  ["cells of a table", clipboard([file("image.png", "image/png")], "a\tb\nc\td", "<table><td>a</table>"), true, []],
  ["words of a document", clipboard([file("image.png", "image/png")], "Some words"), true, []],
  ["a picture from a page", clipboard([file("image.png", "image/png")], "", '<meta charset="utf-8"><img src="https://example.com/a.png">'), false, ["image.png"]],
  ["a screenshot", clipboard([file("image.png", "image/png")]), false, ["image.png"]],
  ["files from a file manager", clipboard([file("a b.txt"), file("cat.png", "image/png")], "file:///home/me/a%20b.txt\ncat.png"), false, ["a b.txt", "cat.png"]],
  ["text beside a document", clipboard([file("notes.pdf", "application/pdf"), file("image.png", "image/png")], "Some words"), true, ["notes.pdf"]],
] as const)("pastes %s as what it is", (_, given, insertsText, attached) => {
  const taken: string[] = [];
  const { field } = setup({ onFiles: (files) => taken.push(...files.map((each) => each.name)) });
  // What nobody prevents, the browser inserts as text.
  expect(fireEvent.paste(field, given)).toBe(insertsText);
  expect(taken).toEqual(attached);
});

it("explains that a pasted text is too long, and attaches it as a file instead", async () => {
  const taken: File[] = [];
  const { did, field, user } = setup({ textLimits: { chars: 10, fileBytes: 20 }, onFiles: (files) => taken.push(...files) });
  await user.type(field, "What?");
  expect(fireEvent.paste(field, clipboard([], "fifteen letters"))).toBe(false);
  expect(screen.getByRole("alert").textContent).toContain("That text has 15 characters; the limit for a message is 10 characters.");
  await user.click(screen.getByRole("button", { name: "Attach as a text file" }));
  expect(await taken[0]?.text()).toBe("fifteen letters");
  expect(screen.queryByRole("alert")).toBeNull();
  await user.type(field, "{Enter}");
  expect(did).toEqual(["send What?"]);
});

it("does not insert a dropped text that is too long, either", () => {
  const { field } = setup({ textLimits: { chars: 10, fileBytes: 20 } });
  const dropped = { dataTransfer: { ...clipboard([], "fifteen letters").clipboardData, types: ["text/plain"] } };
  expect(fireEvent.drop(field, dropped)).toBe(false);
  expect(screen.getByRole("alert").textContent).toContain("That text has 15 characters");
  expect(fireEvent.drop(field, { dataTransfer: { ...clipboard([], "short").clipboardData, types: ["text/plain"] } })).toBe(true);
});

it("renders only the visible part of a very long draft", () => {
  const { field } = setup();
  fireEvent.change(field, { target: { value: "A line of a log.\n".repeat(9_000) } });
  expect(field.previousElementSibling?.textContent.length).toBeLessThan(5_000);
});

it("reports the limit and where the text is when a pasted text is too long even for a file", () => {
  const { field } = setup({ textLimits: { chars: 10, fileBytes: 12 }, onFiles: () => undefined });
  fireEvent.paste(field, clipboard([], "fifteen letters"));
  expect(screen.getByRole("alert").textContent).toMatch(/Text files can be up to 12 B\..*wasn.t inserted/);
  expect(screen.queryByRole("button", { name: "Attach as a text file" })).toBeNull();
});

it("doesn't send a typed or dropped text that is too long, and moves it into a file", async () => {
  const taken: File[] = [];
  const { did, field, user } = setup({ textLimits: { chars: 3, fileBytes: 20 }, onFiles: (files) => taken.push(...files) });
  fireEvent.change(field, { target: { value: "four" } });
  await user.type(field, "{Enter}");
  expect(did).toEqual([]);
  await user.click(screen.getByRole("button", { name: "Attach as a text file" }));
  expect(await taken[0]?.text()).toBe("four");
  expect((field as HTMLTextAreaElement).value).toBe("");
});

it("counts an emoji as one character, as the server does", async () => {
  const { did, field, user } = setup({ textLimits: { chars: 3, fileBytes: 20 } });
  fireEvent.change(field, { target: { value: "😀😀😀" } });
  await user.type(field, "{Enter}");
  expect(did).toEqual(["send 😀😀😀"]);
});

it("offers no attachments if the server accepts none", () => {
  setup();
  expect(screen.queryByLabelText("Files to attach")).toBeNull();
  expect(fireEvent.drop(document.body, { dataTransfer: { types: ["Files"], files: [file("a.txt")] } })).toBe(false);
});

it("waits for uploads in progress, and removes one", async () => {
  const { did, field, user } = setup({ attached: [{ id: "f1", name: "a.txt", status: "uploading" }] });
  await user.type(field, "with a file{Enter}");
  expect(did).toEqual([]);
  await user.click(screen.getByRole("button", { name: "Remove a.txt" }));
  expect(did).toEqual(["detach f1"]);
});

it("offers to retry failed uploads only", async () => {
  const did: string[] = [];
  const { field, user } = setup({
    attached: [
      { id: "f1", name: "a.txt", status: "failed", onRetry: () => did.push("again") },
      { id: "f2", name: "b.txt", status: "ready" },
    ],
  });
  await user.type(field, "with a file{Enter}");
  expect(screen.getAllByRole("button", { name: /^Upload/ }).map((each) => each.getAttribute("aria-label"))).toEqual(["Upload a.txt again"]);
  await user.click(screen.getByRole("button", { name: "Upload a.txt again" }));
  expect(did).toEqual(["again"]);
  expect(document.activeElement).toBe(field);
});

it("shows a thumbnail, and sends files without text", async () => {
  const { did, field, user } = setup({ attached: [{ id: "f1", name: "cat.png", status: "ready", picture: "/cat" }] });
  const list = screen.getByRole("list", { name: "Attached files" });
  expect(list.querySelector("img")?.getAttribute("src")).toBe("/cat");
  await user.type(field, "{Enter}");
  expect(did).toEqual(["send "]);
});

it("explains why files cannot be sent, and does not send them", async () => {
  const { did, field, user } = setup({ attached: [{ id: "f1", name: "cat.png", status: "ready" }], blockedReason: "It takes no pictures." });
  expect(screen.getByRole("alert").textContent).toBe("It takes no pictures.");
  await user.type(field, "Look{Enter}");
  expect(did).toEqual([]);
});
