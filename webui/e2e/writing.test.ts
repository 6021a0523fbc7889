import type { Page } from "playwright-core";
import { expect } from "vitest";

import { inChromium, it } from "./fixtures";
import { say } from "./test-server";

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

const field = (page: Page) => page.getByLabel("Your message");
const stopped = (page: Page) => page.getByText("You stopped this answer.");
const attached = (page: Page) => page.getByRole("form", { name: "Message" }).getByRole("list", { name: "Attached files" });

/** Copy something, as another program does, and paste it into the field. */
async function paste(page: Page, text: string, picture = false): Promise<void> {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.evaluate(
    async ([words, pixel]) => {
      const item: Record<string, Blob> = { "text/plain": new Blob([words], { type: "text/plain" }) };
      if (pixel !== "") {
        item["text/html"] = new Blob([`<table><tr><td>${words}</td></tr></table>`], { type: "text/html" });
        item["image/png"] = new Blob([Uint8Array.from(atob(pixel), (letter) => letter.charCodeAt(0))], { type: "image/png" });
      }
      await navigator.clipboard.write([new ClipboardItem(item)]);
    },
    [text, picture ? PIXEL : ""] as const,
  );
  await field(page).focus();
  await page.keyboard.press("Control+V");
}

inChromium("writing a message in Chromium", () => {
  it("keeps answering when Escape clears the search or ends a composition, and stops in the field", async ({ here: { page } }) => {
    await say(page, "Why?");
    await page.getByText("Thought number 2 leads").waitFor();
    const search = page.getByRole("searchbox", { name: "Search chats" });
    await search.fill("heliotrope");
    await search.press("Escape");
    expect(await search.inputValue()).toBe("");
    await search.press("Escape");
    await field(page).focus();
    const composer = await page.context().newCDPSession(page);
    await composer.send("Input.imeSetComposition", { text: "かん", selectionStart: 2, selectionEnd: 2 });
    for (const key of ["Escape", "Enter"]) {
      await composer.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key, windowsVirtualKeyCode: 229 });
    }
    await page.getByText("Thought number 5 leads").waitFor();
    expect(await stopped(page).count()).toBe(0);
    await field(page).fill("");
    await field(page).press("Escape");
    await stopped(page).waitFor();
  });

  it("starts a new line with Enter on a phone, and sends with the button, or with Enter if configured", async ({ lookAt, server }) => {
    const { page } = await lookAt(server.address, { viewport: { width: 390, height: 720 }, hasTouch: true, isMobile: true });
    await field(page).tap();
    await page.keyboard.type("quick");
    await page.keyboard.press("Enter");
    await page.keyboard.type("second line");
    expect(await field(page).inputValue()).toBe("quick\nsecond line");
    expect(await field(page).getAttribute("enterkeyhint")).toBe("enter");
    await page.getByRole("button", { name: "Send" }).tap();
    await page.getByRole("button", { name: "Copy answer" }).waitFor();
    await page.getByRole("button", { name: "Open sidebar" }).first().tap();
    await page.getByRole("button", { name: "Settings" }).tap();
    await page.getByRole("group", { name: "Enter key" }).getByText("Shift + Enter starts a new line").tap();
    await page.getByRole("button", { name: "Close" }).tap();
    await page.reload();
    expect(await field(page).getAttribute("enterkeyhint")).toBe("send");
    await say(page, "quick again");
    await page.getByRole("article").nth(1).waitFor();
  });

  it("pastes cells as text, not as a picture, and undoes it in one step", async ({ here: { page } }) => {
    await page.getByRole("button", { name: "Attach files" }).waitFor();
    await field(page).pressSequentially("Sum: ");
    await paste(page, "1\t2", true);
    await expect.poll(() => field(page).inputValue()).toBe("Sum: 1\t2");
    expect(await attached(page).count()).toBe(0);
    await page.keyboard.press("Control+Z");
    await expect.poll(() => field(page).inputValue()).toBe("Sum: ");
  });

  it("explains what happened to six million pasted characters, and keeps the question", async ({ here: { page, consoleLines } }) => {
    await page.getByRole("button", { name: "Attach files" }).waitFor();
    await field(page).pressSequentially("What is this?");
    await paste(page, "word ".repeat(1_200_000));
    await page.getByText(/^That text has 6,000,000 characters; the limit for a message is 400,000/).waitFor();
    expect(await field(page).inputValue()).toBe("What is this?");
    expect(consoleLines).toEqual([]);
  });

  it("attaches a pasted text that is too long for a message, and the model reads it", async ({ here: { page } }) => {
    await page.getByRole("button", { name: "Attach files" }).waitFor();
    await paste(page, "heliotrope ".repeat(40_000));
    await page.getByRole("button", { name: "Attach as a text file" }).click();
    await attached(page).getByText("pasted.txt").waitFor();
    await page.getByText("uploading…").waitFor({ state: "detached" });
    await say(page, "read it");
    await page.getByText("You attached pasted.txt: heliotrope").first().waitFor();
  });

  it("keeps a long draft across a reload, and asks before discarding one that is too long to store", async ({ here: { page } }) => {
    await paste(page, "line\n".repeat(9_000));
    await expect.poll(async () => (await field(page).inputValue()).length).toBe(45_000);
    await page.keyboard.type("x");
    await page.reload();
    expect((await field(page).inputValue()).length).toBe(45_001);
    // Other things leave no room.
    await page.evaluate(() => {
      for (let size = 4_000_000; size > 0; size = Math.floor(size / 2)) {
        for (let full = false; !full; ) {
          try {
            sessionStorage.setItem(`other-${sessionStorage.length}`, "x".repeat(size));
          } catch {
            full = true;
          }
        }
      }
    });
    await paste(page, "line\n".repeat(1_000));
    await expect.poll(async () => (await field(page).inputValue()).length).toBe(50_001);
    const asked: string[] = [];
    page.on("dialog", (dialog) => {
      asked.push(dialog.type());
      void dialog.dismiss();
    });
    await page.evaluate(() => window.location.reload());
    await expect.poll(() => asked).toEqual(["beforeunload"]);
    expect((await field(page).inputValue()).length).toBe(50_001);
    await field(page).press("Control+A");
    await field(page).press("Delete");
  });

  it("inserts text that is dropped on the field", async ({ here: { page } }) => {
    await field(page).fill("");
    await page.getByText("What is 17 × 23, and how do you get there?").waitFor();
    const heading = page.getByRole("heading", { name: "What shall we think about?" });
    await heading.selectText();
    await heading.dragTo(field(page));
    await expect.poll(() => field(page).inputValue()).toContain("What shall we think about?");
  });
});
