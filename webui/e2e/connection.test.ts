import { existsSync } from "node:fs";

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { CHROMIUM, launch } from "./browser.mjs";
import { freePort, say, SilentWay, StagedServer, visit } from "./stage";

let server: StagedServer;
let browser: Browser;

const thought = (page: Page) => page.getByRole("button", { name: /^Thought for/ });
const body = (page: Page) => page.locator("section[aria-label=Thinking]");
const done = (page: Page) => page.getByRole("button", { name: "Copy the answer" });

describe.skipIf(!existsSync(CHROMIUM))("a connection that is lost", () => {
  beforeAll(async () => {
    server = new StagedServer(await freePort());
    browser = await launch();
    await server.start();
  });

  afterAll(async () => {
    await browser.close();
    await server.remove();
  });

  it("notices a connection that died without a sign, and loses nothing of what was thought or said meanwhile", async () => {
    const way = new SilentWay(await freePort(), server.port);
    await way.start();
    const { page, context } = await visit(browser, way.address);
    await say(page, "Why?");
    await page.getByText("Thought number 2 leads").waitFor();
    way.forget();
    await say(page, "quick, and then?");
    // The network is back after a sleep.
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await done(page).nth(1).waitFor();
    await thought(page).first().click();
    expect(await body(page).first().textContent()).toContain("Thought number 12 leads to the next one.");
    way.forget();
    await say(page, "quick, and now?");
    await done(page).nth(2).waitFor();
    expect(await page.getByRole("article").count()).toBe(3);
    await context.close();
    way.remove();
  });

  it("heals without a reload when the server is killed in mid-thought and started again", async () => {
    const { page, context } = await visit(browser, server.address);
    await say(page, "Why?");
    await page.getByText("Thought number 2 leads").waitFor();
    await server.end("SIGKILL");
    await page.getByText(/Reconnecting…/).waitFor();
    await server.start();
    await page.getByText(/Reconnecting…/).waitFor({ state: "detached", timeout: 20_000 });
    await page.getByText("It is back now").waitFor();
    expect(await body(page).textContent()).toContain("Thought number 1 leads");
    await say(page, "quick, go on");
    await done(page).last().waitFor();
    expect(await page.getByText("The answer is 42.").count()).toBe(1);
    await context.close();
  });
});
