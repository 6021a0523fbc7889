import type { Page } from "playwright-core";
import { expect } from "vitest";

import { inChromium, it as base } from "./fixtures";

const RUNS = 70;

/** URL of a long conversation, created for this file. */
const it = base.extend("address", { scope: "file" }, async ({ server }) => {
  for (let number = 0; number < RUNS; number += 1) {
    const body = JSON.stringify({ text: `quick ${number}.`, conversation_id: "long" });
    await fetch(`${server.address}/api/v1/chat/message`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  }
  return `${server.address}/#/c/long`;
});

const log = (page: Page) => page.getByRole("log");
const rows = (page: Page) => page.getByRole("article");

/** Distance of a message's row from the top of the log. */
const placeOf = (page: Page, message: string) =>
  rows(page)
    .filter({ hasText: message })
    .evaluate((row) => row.getBoundingClientRect().top - (row.closest("[role=log]")?.getBoundingClientRect().top ?? 0));

inChromium("a long conversation", () => {
  it("opens at its end, and loads earlier messages on scrolling, without a jump", async ({ here: { page, consoleLines }, address }) => {
    await page.goto(address);
    await log(page).getByText("quick 69.").waitFor();
    expect(await rows(page).count()).toBe(20);
    // Somewhere above, and at the very top, where browsers don't anchor scrolling.
    for (const [top, oldest] of [[150, "quick 50."], [0, "quick 30."]] as const) {
      const before = await rows(page).count();
      await log(page).evaluate((box, to) => box.scrollTo(0, to), top);
      const place = await placeOf(page, oldest);
      await expect.poll(() => rows(page).count()).toBeGreaterThan(before);
      expect(Math.abs((await placeOf(page, oldest)) - place)).toBeLessThan(3);
    }
    await expect
      .poll(async () => {
        await log(page).press("Home");
        return log(page).getByText("quick 0.").count();
      })
      .toBe(1);
    expect(await rows(page).count()).toBe(RUNS);
    expect(await page.getByRole("button", { name: "Show earlier messages" }).count()).toBe(0);
    expect(consoleLines).toEqual([]);
  });

  it("loads earlier messages with a button too, and is at the end again after a reload", async ({ here: { page }, address }) => {
    await page.goto(address);
    await page.getByRole("button", { name: "Show earlier messages" }).press("Enter");
    await expect.poll(() => rows(page).count()).toBeGreaterThan(20);
    await page.reload();
    await log(page).getByText("quick 69.").waitFor();
    expect(await rows(page).count()).toBe(20);
  });
});
