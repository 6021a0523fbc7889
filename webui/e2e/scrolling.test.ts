import type { Page } from "playwright-core";
import { expect } from "vitest";

import { inChromium, it } from "./fixtures";
import { say } from "./test-server";

const done = (page: Page) => page.getByRole("button", { name: "Copy answer" });

/** How far the page itself could scroll, and has; nothing where all is well. */
const pageScroll = (page: Page) =>
  page.evaluate(() => {
    const { scrollHeight, scrollTop, clientHeight } = document.documentElement;
    return [scrollHeight - window.innerHeight, document.body.scrollHeight - clientHeight, scrollTop, document.body.scrollTop, document.getElementById("root")?.scrollTop];
  });
const STILL = [0, 0, 0, 0, 0];

/** Whether the header and the field are where they belong. */
const framed = async (page: Page) => {
  const [header, field] = await Promise.all([page.locator("main > header").boundingBox(), page.getByRole("form", { name: "Message" }).boundingBox()]);
  return header?.y === 0 && field !== null && field.y + field.height <= (page.viewportSize()?.height ?? 0);
};

const log = (page: Page) => page.getByRole("log");
const top = (page: Page) => log(page).evaluate((box) => box.scrollTop);
const below = (page: Page) => log(page).evaluate((box) => box.scrollHeight - box.clientHeight - box.scrollTop);

const SIZES = [
  ["desktop", { width: 1280, height: 800 }],
  ["phone", { width: 390, height: 720 }],
  ["phone with the keyboard open", { width: 390, height: 380 }],
] as const;

inChromium("the page in its window", () => {
  it.for(SIZES)("never scrolls away under a long answer, by no key, focus or jump: %s", async ([, viewport], { lookAt, server }) => {
    const { page } = await lookAt(server.address, { viewport });
    await say(page, "book please");
    await page.getByRole("heading", { name: "Section 1", exact: true }).waitFor();
    expect(await pageScroll(page)).toEqual(STILL);
    await done(page).waitFor();
    expect(await pageScroll(page)).toEqual(STILL);
    for (const key of ["End", "Home", "PageDown", "PageUp", "Space", "Shift+Space", "ArrowDown"]) {
      await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
      await page.keyboard.press(key);
      expect([key, await pageScroll(page), await framed(page)]).toEqual([key, STILL, true]);
    }
    await page.evaluate(() => {
      const last = [...document.querySelectorAll("h2")].at(-1);
      if (last) last.id = "far";
      window.location.hash = "far";
      last?.scrollIntoView({ block: "start" });
      for (const each of document.querySelectorAll<HTMLElement>("pre, .sr-only, button")) {
        each.focus();
        each.scrollIntoView();
      }
      window.scrollTo(0, 10_000);
    });
    expect(await pageScroll(page)).toEqual(STILL);
  });

  it("finds text far down in an answer without hiding the header", async ({ here: { page } }) => {
    await say(page, "book please");
    await done(page).waitFor();
    const find = () => page.evaluate(() => (window as unknown as { find: (text: string, exact: boolean, back: boolean, wrap: boolean) => boolean }).find("section_31", false, true, true));
    // A long answer may still be on its way to the page.
    await expect.poll(find, { timeout: 10_000 }).toBe(true);
    expect(await pageScroll(page)).toEqual(STILL);
    expect(await framed(page)).toBe(true);
  });

  it("scrolls the conversation by keyboard from anywhere on the page, and follows again at its end", async ({ here: { page } }) => {
    await say(page, "book please");
    await done(page).waitFor();
    const press = async (key: string) => {
      await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
      await page.keyboard.press(key);
    };
    // A long answer may still be on its way to the page, which follows it to its end.
    await expect.poll(() => top(page), { timeout: 10_000 }).toBeGreaterThan(20_000);
    await press("Home");
    await expect.poll(() => top(page)).toBe(0);
    await press("Space");
    await expect.poll(() => top(page)).toBeGreaterThan(300);
    await press("Shift+Space");
    await expect.poll(() => top(page)).toBe(0);
    await press("PageDown");
    await expect.poll(() => top(page)).toBeGreaterThan(300);
    await press("End");
    await expect.poll(() => below(page)).toBeLessThan(2);
    await page.getByRole("button", { name: "Scroll to bottom" }).waitFor({ state: "detached" });
  });

  it("does not scroll with many conversations, in the list, its search and its menus", async ({ here: { page }, server }) => {
    for (let number = 0; number < 60; number += 1) await page.request.post(`${server.address}/api/v1/conversations`, { data: { title: `Number ${number}` } });
    await page.reload();
    await page.getByRole("navigation").getByRole("listitem").nth(49).waitFor();
    expect(await pageScroll(page)).toEqual(STILL);
    await page.getByRole("button", { name: "Options for Number 10" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name: "Delete" }).waitFor();
    expect(await pageScroll(page)).toEqual(STILL);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("dialog").waitFor();
    await page.setViewportSize({ width: 1280, height: 300 });
    expect(await pageScroll(page)).toEqual(STILL);
  });
});
