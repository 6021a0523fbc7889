import type { Page } from "playwright-core";
import { expect } from "vitest";

import { inChromium, it } from "./fixtures";
import { say } from "./test-server";

const done = (page: Page) => page.getByRole("button", { name: "Copy answer" });
const field = (page: Page) => page.getByLabel("Your message");
const inField = (page: Page) => field(page).evaluate((element) => element === document.activeElement);

inChromium("where the page is", () => {
  it.afterEach(({ here }) => {
    expect(here.consoleLines).toEqual([]);
  });

  it("focuses the message field, and keeps it focused after the first message", async ({ here: { page } }) => {
    await expect.poll(() => inField(page)).toBe(true);
    await page.keyboard.type("quick one");
    await page.keyboard.press("Enter");
    await done(page).waitFor();
    await page.keyboard.type("quick two");
    await page.keyboard.press("Enter");
    await done(page).nth(1).waitFor();
    await page.getByRole("button", { name: "Regenerate" }).nth(1).click();
    await expect.poll(() => inField(page)).toBe(true);
    await page.getByRole("button", { name: "New chat" }).first().click();
    await expect.poll(() => inField(page)).toBe(true);
  });

  it("goes back and forward between conversations as the browser does", async ({ here: { page } }) => {
    await say(page, "quick one");
    await done(page).waitFor();
    await page.getByRole("button", { name: "New chat" }).first().click();
    await say(page, "quick two");
    await page.getByRole("log").getByText("quick two").waitFor();
    await page.goBack();
    await page.getByText("What shall we think about?").waitFor();
    await page.goBack();
    await page.getByRole("log").getByText("quick one").waitFor();
    await page.goForward();
    await page.goForward();
    await page.getByRole("log").getByText("quick two").waitFor();
  });

  it("shows that another tab deleted the conversation, and accepts no message for it", async ({ here: { page, context } }) => {
    await say(page, "quick, then gone");
    await done(page).waitFor();
    const other = await context.newPage();
    await other.goto(page.url());
    await other.getByRole("button", { name: "Options for quick, then gone" }).click();
    await other.getByRole("menuitem", { name: "Delete" }).click();
    await other.getByRole("button", { name: "Delete", exact: true }).click();
    await other.getByText("What shall we think about?").waitFor();
    await page.bringToFront();
    await page.getByText("Chat not found").waitFor();
    await page.getByRole("navigation").getByText("quick, then gone").waitFor({ state: "detached" });
    expect(await field(page).isVisible()).toBe(false);
    await page.getByRole("button", { name: "Start a new chat" }).click();
    await say(page, "quick again");
    await done(page).waitFor();
  });

  it("shows the same at the address of an unknown conversation", async ({ here: { page }, server }) => {
    await page.goto(`${server.address}/#/c/conv_nowhere`);
    await page.getByText("Chat not found").waitFor();
    expect(await field(page).isVisible()).toBe(false);
  });

  it("shows that an empty conversation has no messages", async ({ here: { page }, server }) => {
    const made = await page.request.post(`${server.address}/api/v1/conversations`, { data: { title: "Silence" } });
    const { conversation_id } = (await made.json()) as { conversation_id: string };
    await page.goto(`${server.address}/#/c/${conversation_id}`);
    await page.getByText("No messages yet.").waitFor();
    await say(page, "quick word");
    await done(page).waitFor();
    expect(await page.getByText("No messages yet.").count()).toBe(0);
  });

  it("lists very many conversations a page at a time, whatever they are called", async ({ here: { page }, server }) => {
    const titles = ["Pneumono".repeat(20), "\u202egnirts\u200b", ...Array.from({ length: 60 }, (_, number) => `Number ${number}`)];
    for (const title of titles.toReversed()) await page.request.post(`${server.address}/api/v1/conversations`, { data: { title } });
    await page.reload();
    const list = page.getByRole("navigation");
    await list.getByRole("listitem").nth(49).waitFor();
    expect(await list.evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0);
    await list.getByText("⟨U+202E⟩gnirts⟨U+200B⟩").waitFor();
    expect(await list.getByText("Number 59", { exact: true }).count()).toBe(0);
    await list.getByRole("button", { name: "Show more" }).click();
    await list.getByText("Number 59", { exact: true }).click();
    await page.getByRole("heading", { name: "Number 59", level: 1 }).waitFor();
  });

  it("returns the focus after a dialog", async ({ here: { page }, server }) => {
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.getAttribute("aria-label"));
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await expect.poll(focused).toBe("Settings");
    await page.request.post(`${server.address}/api/v1/conversations`, { data: { title: "Focus" } });
    await page.reload();
    await page.getByRole("button", { name: "Options for Focus" }).press("Enter");
    await page.getByRole("menuitem", { name: "Rename" }).press("Enter");
    await page.getByRole("textbox", { name: "Name" }).waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(focused).toBe("Options for Focus");
  });

  it("restores queued messages as a draft after the page was left", async ({ here: { page } }) => {
    await say(page, "long thoughts");
    await page.getByRole("button", { name: /Thinking…/ }).waitFor();
    await say(page, "And then this.");
    await page.getByText("Queued: sends when this answer finishes").waitFor();
    await field(page).fill("Half a");
    await page.reload();
    await page.getByRole("button", { name: /Thinking…/ }).waitFor();
    expect(await field(page).inputValue()).toBe("And then this.\n\nHalf a");
    await page.getByRole("button", { name: /Stop/ }).click();
    await page.getByText("You stopped this answer.").waitFor();
  });

  it("hides the scroll button while the newest message is in view", async ({ here: { page } }) => {
    await page.setViewportSize({ width: 900, height: 420 });
    await say(page, "quick one");
    await done(page).waitFor();
    await say(page, "quick two");
    await done(page).nth(1).waitFor();
    await page.getByRole("log").hover();
    await page.mouse.wheel(0, -5000);
    await page.getByRole("button", { name: "Scroll to bottom" }).waitFor();
    await page.setViewportSize({ width: 900, height: 1600 });
    await page.getByRole("button", { name: "Scroll to bottom" }).waitFor({ state: "detached" });
  });
});
