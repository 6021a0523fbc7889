import { Buffer } from "node:buffer";

import type { Page } from "playwright-core";
import { expect } from "vitest";

import { loadAxe, seriousFaults } from "./faults";
import { inChromium, it } from "./fixtures";
import { say } from "./test-server";

/** Complete one-pixel images. */
const RED = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==", "base64");
const BLUE = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==", "base64");

const FILES = [
  { name: "red.png", mimeType: "image/png", buffer: RED },
  { name: "<b>word.txt", mimeType: "text/plain", buffer: Buffer.from("heliotrope") },
  { name: "blue.png", mimeType: "image/png", buffer: BLUE },
];

const done = (page: Page) => page.getByRole("button", { name: "Copy answer" });
const sent = (page: Page) => page.getByRole("log").getByRole("list", { name: "Attached files" });
const composed = (page: Page) => page.getByRole("form", { name: "Message" }).getByRole("list", { name: "Attached files" });

/** The names in a list, and how many thumbnails loaded. */
async function shown(list: ReturnType<typeof sent>): Promise<[string[], number]> {
  await list.locator("img").first().evaluate((picture: HTMLImageElement) => picture.decode());
  const drawn = await list.locator("img").evaluateAll((all) => all.filter((each) => (each as HTMLImageElement).naturalWidth > 0).length);
  return [await list.getByRole("listitem").allTextContents(), drawn];
}

const firstAddress = (page: Page) => sent(page).getByRole("link").first().getAttribute("href");

async function attach(page: Page, files = FILES): Promise<void> {
  await page.getByLabel("Files to attach").setInputFiles(files);
  await composed(page).getByText("uploading…").first().waitFor({ state: "detached" });
}

const NAMES = ["red.png", "_b_word.txt", "blue.png"];

inChromium("files in Chromium, against the real server", () => {
  it("sends two pictures and a text, and shows them by name: before, after, after a reload and in a second tab", async ({ here: { page, context, consoleLines } }) => {
    await attach(page);
    expect((await shown(composed(page)))[1]).toBe(2);
    await say(page, "read it");
    await page.getByText("heliotrope, pictures: 2").waitFor();
    await done(page).waitFor();
    expect(await composed(page).count()).toBe(0);
    expect(await shown(sent(page))).toEqual([NAMES, 2]);
    await page.reload();
    await done(page).waitFor();
    expect(await shown(sent(page))).toEqual([NAMES, 2]);
    const second = await context.newPage();
    await second.goto(page.url());
    await done(second).waitFor();
    expect(await shown(sent(second))).toEqual([NAMES, 2]);
    await loadAxe(context);
    await page.reload();
    await done(page).waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    expect(consoleLines).toEqual([]);
  });

  it("accepts files dropped anywhere on the page, without leaving it", async ({ here: { page } }) => {
    await page.getByRole("button", { name: "Attach files" }).waitFor();
    const left = await page.getByText("What shall we think about?").evaluate((place) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["heliotrope"], "dropped.txt", { type: "text/plain" }));
      // Without a handler the browser navigates to the file.
      return ["dragover", "drop"].map((type) => place.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer })));
    });
    expect(left).toEqual([false, false]);
    await composed(page).getByText("uploading…").waitFor({ state: "detached" });
    await say(page, "read it");
    await page.getByText("You attached dropped.txt: heliotrope").waitFor();
  });

  it("keeps the files when a message is edited or regenerated, and detaches one", async ({ here: { page } }) => {
    await attach(page);
    await say(page, "read it");
    await done(page).waitFor();
    await page.getByRole("button", { name: "Edit message" }).click();
    expect(await shown(composed(page))).toEqual([NAMES, 2]);
    await page.getByRole("button", { name: "Remove blue.png" }).click();
    await say(page, "read it again");
    await page.getByText("pictures: 1").waitFor();
    await done(page).waitFor();
    expect(await shown(sent(page))).toEqual([NAMES.slice(0, 2), 1]);
    const before = await firstAddress(page);
    await page.getByRole("button", { name: "Regenerate" }).click();
    await expect.poll(() => firstAddress(page)).not.toBe(before);
    await page.getByText("pictures: 1").waitFor();
    expect(await shown(sent(page))).toEqual([NAMES.slice(0, 2), 1]);
  });

  it("retries a failed upload, and removes the error", async ({ here: { page } }) => {
    await page.route("**/api/v1/upload", (route) => route.abort());
    await page.getByLabel("Files to attach").setInputFiles(FILES.slice(1, 2));
    await page.getByText("upload failed").waitFor();
    await page.unroute("**/api/v1/upload");
    await page.getByRole("button", { name: "Upload <b>word.txt again" }).press("Enter");
    await page.getByText("upload failed").waitFor({ state: "detached" });
    await page.getByRole("alert").waitFor({ state: "detached" });
    await page.keyboard.type("read it");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("You attached _b_word.txt: heliotrope").waitFor();
  });

  it("offers a text file as a download, whatever it contains", async ({ here: { page } }) => {
    const hostile = { name: "page.html", mimeType: "text/html", buffer: Buffer.from("<script>document.title = 'run'</script>") };
    await attach(page, [hostile]);
    await say(page, "read it");
    await done(page).waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), sent(page).getByRole("link").click()]);
    expect(download.suggestedFilename()).toBe("page.html");
    expect(await page.title()).not.toBe("run");
  });
});
