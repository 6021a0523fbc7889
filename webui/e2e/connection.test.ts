import type { Page } from "playwright-core";
import { expect } from "vitest";

import { inChromium, it } from "./fixtures";
import { freePort, say, SilentWay } from "./stage";

const thought = (page: Page) => page.getByRole("button", { name: /^Thought for/ });
const body = (page: Page) => page.locator("section[aria-label=Thinking]");
const done = (page: Page) => page.getByRole("button", { name: "Copy the answer" });

inChromium("a connection that is lost", () => {
  it("notices a connection that died without a sign, and loses nothing of what was thought or said meanwhile", async ({ lookAt, server }) => {
    const way = new SilentWay(await freePort(), server.port);
    await way.start();
    const { page } = await lookAt(way.address);
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
    way.remove();
  });

  it("heals without a reload when the server is killed in mid-thought and started again", async ({ here: { page }, server }) => {
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
  });
});
