import { writeFileSync } from "node:fs";

import type { Page } from "playwright-core";
import { expect } from "vitest";

import { loadAxe, seriousFaults } from "./faults";
import { inChromium, it } from "./fixtures";
import { say } from "./test-server";

const thinking = (page: Page) => page.getByRole("button", { name: /Thinking…/ });
const thought = (page: Page) => page.getByRole("button", { name: /^Thought for/ });
const body = (page: Page) => page.locator("section[aria-label=Thinking]");
const done = (page: Page) => page.getByRole("button", { name: "Copy answer" });

inChromium("the page in Chromium, against the real server", () => {
  it("shows reasoning live, then collapses it and answers", async ({ here: { page, consoleLines } }) => {
    await say(page, "Why?");
    await thinking(page).waitFor();
    expect(await thinking(page).getAttribute("aria-expanded")).toBe("true");
    await page.getByText("Thought number 2 leads").waitFor();
    expect(await page.locator(".shimmer").count()).toBe(1);
    await thought(page).waitFor();
    expect(await thought(page).getAttribute("aria-expanded")).toBe("false");
    await done(page).waitFor();
    expect(await page.getByText("The answer is 42.").isVisible()).toBe(true);
    await page.locator(".katex").waitFor();
    await page.locator(".hljs-built_in").waitFor();
    expect(consoleLines).toEqual([]);
  });

  it("keeps blocks open or closed as the user left them, even after a reload", async ({ here: { page } }) => {
    await say(page, "Why?");
    await thinking(page).click();
    await thought(page).waitFor();
    await done(page).waitFor();
    expect(await thought(page).getAttribute("aria-expanded")).toBe("false");
    await thought(page).click();
    await page.reload();
    await thought(page).waitFor();
    expect(await thought(page).getAttribute("aria-expanded")).toBe("true");
    expect(await body(page).textContent()).toContain("Thought number 12");
  });

  it("shows everything so far after a reload during reasoning and continues; a second tab shows the same", async ({ here: { page, context }, server }) => {
    await say(page, "Hold that thought");
    await page.getByText("Thought number 3 leads").waitFor();
    await page.reload();
    await thinking(page).waitFor();
    expect(await body(page).textContent()).toContain("Thought number 1 leads");
    const second = await context.newPage();
    await second.goto(page.url());
    await thinking(second).waitFor();
    writeFileSync(server.inData("go"), "");
    await Promise.all([done(page).waitFor(), done(second).waitFor()]);
    await thought(page).click();
    await thought(second).click();
    const [first, other] = await Promise.all([body(page).textContent(), body(second).textContent()]);
    expect(first).toBe(other);
    expect(first).toContain("Thought number 12 leads to the next one.");
  });

  it("stops with Escape and shows it, keeping the reasoning", async ({ here: { page } }) => {
    await say(page, "Why?");
    await page.getByText("Thought number 2 leads").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("You stopped this answer.").waitFor();
    expect(await page.getByRole("button", { name: /^Stopped while thinking, after/ }).getAttribute("aria-expanded")).toBe("true");
    expect(await body(page).textContent()).toContain("Thought number 1 leads");
  });

  it("queues a message until the current answer is complete", async ({ here: { page } }) => {
    await say(page, "Why?");
    await thinking(page).waitFor();
    await say(page, "quick, and now?");
    await say(page, "Never mind.");
    await page.getByText("Queued: sends when this answer finishes").nth(1).waitFor();
    await page.keyboard.press("ArrowUp");
    expect(await page.getByLabel("Your message").inputValue()).toBe("Never mind.");
    await page.getByLabel("Your message").fill("");
    await done(page).nth(1).waitFor();
    expect(await page.getByText("Queued: sends when this answer finishes").count()).toBe(0);
    expect(await page.getByRole("article").count()).toBe(2);
  });

  it("explains a run with only reasoning and a failed one, with a solution", async ({ here: { page } }) => {
    await say(page, "only think");
    await page.getByText("The model used all of its output for thinking").waitFor();
    expect(await page.getByRole("button", { name: "Continue" }).isVisible()).toBe(true);
    await say(page, "fail now");
    await page.getByText("The provider is overloaded.", { exact: true }).waitFor();
    expect(await page.getByRole("button", { name: "Try again" }).isVisible()).toBe(true);
  });

  it("stops following when the user scrolls up, and follows again at the bottom", async ({ here: { page } }) => {
    await page.setViewportSize({ width: 900, height: 420 });
    await say(page, "long thoughts");
    const log = page.getByRole("log");
    await expect.poll(() => log.evaluate((box) => box.scrollHeight - box.clientHeight), { timeout: 20_000 }).toBeGreaterThan(400);
    await log.hover();
    await page.mouse.wheel(0, -200);
    await page.getByRole("button", { name: "Scroll to bottom" }).waitFor();
    const at = await log.evaluate((box) => box.scrollTop);
    const before = await log.evaluate((box) => box.scrollHeight);
    await expect.poll(() => log.evaluate((box) => box.scrollHeight)).toBeGreaterThan(before + 200);
    expect(Math.abs((await log.evaluate((box) => box.scrollTop)) - at)).toBeLessThan(2);
    await page.getByRole("button", { name: "Scroll to bottom" }).click();
    const below = () => log.evaluate((box) => box.scrollHeight - box.clientHeight - box.scrollTop);
    await expect.poll(below).toBeLessThan(40);
    for (const toBottom of [() => page.mouse.wheel(0, 100_000), () => log.press("End")]) {
      await log.hover();
      await page.mouse.wheel(0, -300);
      await expect.poll(below).toBeGreaterThan(200);
      await toBottom();
      await page.getByRole("button", { name: "Scroll to bottom" }).waitFor({ state: "detached" });
      await expect.poll(below).toBeLessThan(40);
    }
    await page.keyboard.press("Escape");
    await page.getByText("You stopped this answer.").waitFor();
  });

  it("can be used by keyboard: the field by a slash, the last message by an arrow", async ({ here: { page } }) => {
    await say(page, "quick question");
    await done(page).waitFor();
    await page.locator("body").click({ position: { x: 600, y: 300 } });
    await page.keyboard.press("/");
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("TEXTAREA");
    await page.keyboard.press("ArrowUp");
    expect(await page.getByLabel("Your message").inputValue()).toBe("quick question");
  });

  it("regenerates an answer and edits a message as new versions", async ({ here: { page } }) => {
    await say(page, "quick question");
    await done(page).waitFor();
    await page.getByRole("button", { name: "Regenerate" }).click();
    await page.getByText("Version 2 of 2").first().waitFor({ state: "attached" });
    await done(page).waitFor();
    await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe("TEXTAREA");
    await page.keyboard.press("ArrowUp");
    const changing = page.getByText("Sending creates a new version of this message");
    await changing.waitFor();
    await page.keyboard.press("Escape");
    await changing.waitFor({ state: "detached" });
    expect(await page.getByLabel("Your message").inputValue()).toBe("");
    await page.keyboard.press("ArrowUp");
    await changing.waitFor();
    await say(page, "quick and edited");
    await page.getByRole("log").getByText("quick and edited").waitFor();
    await done(page).waitFor();
    await page.reload();
    await done(page).waitFor();
    expect(await page.getByRole("article").count()).toBe(1);
    expect(await page.getByRole("log").getByText("quick question").count()).toBe(0);
    await page.getByText("Version 3 of 3").first().waitFor({ state: "attached" });
    await page.getByRole("button", { name: "Previous version" }).first().click();
    await page.getByRole("log").getByText("quick question").waitFor();
  });

  it("shows search results in versions that aren't selected", async ({ here: { page } }) => {
    await say(page, "quick xylophone");
    await done(page).waitFor();
    await page.getByRole("button", { name: "Edit message" }).click();
    await say(page, "quick marimba");
    await page.getByText("Version 2 of 2").first().waitFor({ state: "attached" });
    await done(page).waitFor();
    await page.getByRole("button", { name: "New chat" }).first().click();
    const searched = page.waitForResponse(/search=xylophone/);
    await page.getByLabel(/Search/).fill("xylophone");
    await searched;
    await page.getByRole("navigation").getByRole("listitem").getByRole("button").first().click();
    await page.getByRole("log").getByText("quick xylophone").waitFor();
  });

  it("loses nothing when an early answer is regenerated: later messages come back, by keyboard, in every tab", async ({ here: { page, context } }) => {
    for (const [index, text] of ["quick one", "quick two", "quick three"].entries()) {
      await say(page, text);
      await done(page).nth(index).waitFor();
    }
    const second = await context.newPage();
    await second.goto(page.url());
    await done(second).nth(2).waitFor();
    await page.bringToFront();
    // A background page renders no frames.
    const shows = async (articles: number) => {
      for (const each of [second, page]) {
        await each.bringToFront();
        await expect.poll(() => each.getByRole("article").count()).toBe(articles);
      }
    };
    await page.getByRole("button", { name: "Regenerate" }).first().click();
    await page.getByText("Version 2 of 2").first().waitFor({ state: "attached" });
    await done(page).waitFor();
    await shows(1);
    expect(await page.getByRole("log").getByText("quick three").count()).toBe(0);

    const previous = page.getByRole("group", { name: "Versions of the answer" }).getByRole("button", { name: "Previous version" });
    await previous.focus();
    await page.keyboard.press("Enter");
    await shows(3);
    // Focus stays, so that going back is one key press.
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Previous version");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await shows(1);
    await page.reload();
    await done(page).waitFor();
    expect(await page.getByRole("article").count()).toBe(1);
    await page.getByRole("group", { name: "Versions of the message" }).getByRole("button", { name: "Previous version" }).click();
    await page.getByRole("log").getByText("quick three").waitFor();
  });

  it("branches a conversation and leaves the original unchanged", async ({ here: { page } }) => {
    await say(page, "quick first");
    await done(page).waitFor();
    await say(page, "quick second");
    await done(page).nth(1).waitFor();
    const old = page.url();
    const first = await page.getByRole("article").first().elementHandle();
    await page.getByRole("button", { name: "Branch from here" }).first().click();
    await first?.waitForElementState("hidden");
    await done(page).waitFor();
    expect(page.url()).not.toBe(old);
    expect(await page.getByRole("article").count()).toBe(1);
    await page.goto(old);
    await done(page).nth(1).waitFor();
  });

  it("finds a conversation by its text", async ({ here: { page } }) => {
    await say(page, "quick\n\nabout a heliotrope");
    await done(page).waitFor();
    await page.getByRole("searchbox", { name: "Search chats" }).fill("heliotrope");
    await expect.poll(() => page.getByRole("navigation").getByRole("listitem").count()).toBe(1);
    await page.getByRole("searchbox", { name: "Search chats" }).fill("nothing like it");
    await page.getByText("No results.").waitFor();
  });

  it("sends a file along with a message", async ({ here: { page } }) => {
    const file = { name: "word.txt", mimeType: "text/plain", buffer: Buffer.from("heliotrope") };
    await page.getByLabel("Files to attach").setInputFiles(file);
    await page.getByRole("list", { name: "Attached files" }).getByText("word.txt").waitFor();
    await page.getByText("uploading…").waitFor({ state: "detached" });
    await say(page, "read it");
    await page.getByText("You attached word.txt: heliotrope").waitFor();
    expect(await page.getByRole("button", { name: "Remove word.txt" }).count()).toBe(0);
  });

  it("explains why a file is rejected", async ({ here: { page } }) => {
    const file = { name: "all.zip", mimeType: "application/zip", buffer: Buffer.from([0x50, 0x4b, 3, 4, 0xff]) };
    await page.getByLabel("Files to attach").setInputFiles(file);
    await page.getByText("upload failed").waitFor();
    await page.getByText(/all\.zip: Unsupported file\. Use PNG, JPEG, GIF, WebP/).waitFor();
  });

  it("keeps a temporary conversation out of the list", async ({ here: { page }, server }) => {
    await page.request.post(`${server.address}/api/v1/conversations`, { data: { title: "Kept" } });
    await page.getByRole("checkbox", { name: /Temporary/ }).check();
    await say(page, "quick secret");
    await done(page).waitFor();
    await page.reload();
    await done(page).waitFor();
    await page.getByRole("navigation").getByText("Today").waitFor();
    expect(await page.getByRole("navigation").getByText("quick secret").count()).toBe(0);
    const marked = () => page.getByText("Temporary chat: not saved").isVisible();
    expect(await marked()).toBe(true);
    await page.getByRole("heading", { name: "Temporary chat", level: 1 }).waitFor();
    const first = await page.getByRole("article").elementHandle();
    await page.getByRole("button", { name: "Branch from here" }).click();
    await first?.waitForElementState("hidden");
    await done(page).waitFor();
    expect(await marked()).toBe(true);
    expect(await page.getByRole("navigation").getByText("quick secret").count()).toBe(0);
    await page.getByRole("button", { name: "Kept", exact: true }).click();
    await page.getByRole("heading", { name: "Temporary chat", level: 1 }).waitFor({ state: "detached" });
    expect(await marked()).toBe(false);
  });

  it("renames and deletes a conversation", async ({ here: { page } }) => {
    await say(page, "quick, call me anything");
    await done(page).waitFor();
    await page.getByRole("button", { name: "Options for quick, call me anything" }).click();
    await page.getByRole("menuitem", { name: "Rename" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("Renamed");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Renamed", level: 1 }).waitFor();
    await page.getByRole("button", { name: "Options for Renamed" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("What shall we think about?").waitFor();
    await page.getByRole("button", { name: "Renamed", exact: true }).waitFor({ state: "detached" });
  });

  it.for(["light", "dark"] as const)("is accessible in %s, with a thought open, a dialog, and on a phone", async (colorScheme, { lookAt, server }) => {
    const { page, context } = await lookAt(server.address, { colorScheme, reducedMotion: "reduce" });
    await loadAxe(context);
    await page.reload();
    const faults = () => seriousFaults(page);
    expect(await faults()).toEqual([]);
    await say(page, "quick question");
    await done(page).waitFor();
    await thought(page).click();
    await page.locator(".hljs-built_in").waitFor();
    expect(await faults()).toEqual([]);
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await faults()).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("dialog").waitFor();
    expect(await faults()).toEqual([]);
  });

  it("doesn't animate if reduced motion is preferred", async ({ lookAt, server }) => {
    const { page } = await lookAt(server.address, { reducedMotion: "reduce" });
    await say(page, "Why?");
    await page.getByText("Thought number 2 leads").waitFor();
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
    await done(page).waitFor();
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
  });
});
