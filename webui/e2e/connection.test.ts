import type { Page } from "playwright-core";
import { expect } from "vitest";

import { inChromium, it } from "./fixtures";
import { freePort, say, SilentProxy } from "./test-server";

const thought = (page: Page) => page.getByRole("button", { name: /^Thought for/ });
const body = (page: Page) => page.locator("section[aria-label=Thinking]");
const log = (page: Page) => page.getByRole("log");
const waiting = (page: Page) => page.getByText(/Queued: (sends|answered) when this answer finishes/);
const done = (page: Page) => page.getByRole("button", { name: "Copy answer" });

/** The first elapsed time that a thought shows. */
async function secondsOf(page: Page): Promise<number> {
  const label = await page.getByRole("button", { name: /Thinking…/ }).getByText(/^\d+ s$/).textContent();
  return Number.parseInt(label ?? "", 10);
}

/** The API URL for the conversation at a page URL. */
const messagesOf = (address: string) => address.replace("/#/c/", "/api/v1/conversations/") + "/messages";

inChromium("a connection that is lost", () => {
  it("detects a silently dead connection, and loses nothing that was streamed in between", async ({ lookAt, server }) => {
    const way = new SilentProxy(await freePort(), server.port);
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

  it("recovers without a reload when the server is killed during reasoning and restarted", async ({ here: { page }, server }) => {
    await say(page, "Why?");
    await page.getByText("Thought number 2 leads").waitFor();
    await server.end("SIGKILL");
    await page.getByText(/Reconnecting…/).waitFor();
    await server.start();
    await page.getByText(/Reconnecting…/).waitFor({ state: "detached", timeout: 20_000 });
    await page.getByText("The server is back").waitFor();
    expect(await body(page).textContent()).toContain("Thought number 1 leads");
    expect(await page.getByRole("button", { name: "Continue" }).count()).toBe(0);
    await page.reload();
    await page.getByText("The server is back").waitFor();
    expect(await body(page).textContent()).toContain("Thought number 1 leads");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("The answer is 42.").waitFor();
    expect(await page.getByRole("article").count()).toBe(1);
  });

  it("keeps the partial answer of a killed server, and continues from it", async ({ here: { page }, server }) => {
    await say(page, "essay, please");
    await page.getByRole("heading", { name: "Section 2" }).waitFor();
    await server.end("SIGKILL");
    await server.start();
    await page.getByText("The server is back").waitFor({ timeout: 20_000 });
    await page.getByRole("heading", { name: "Section 1", exact: true }).waitFor();
    await page.getByRole("button", { name: "Continue" }).click();
    await log(page).getByText("Please continue.").waitFor();
    await page.getByRole("article").nth(1).getByRole("button", { name: "Copy answer" }).waitFor();
    expect(await page.getByRole("article").count()).toBe(2);
  });

  it("sends messages written while the server was unreachable, once", async ({ here: { page }, server }) => {
    await say(page, "quick one");
    await done(page).waitFor();
    await server.end();
    await page.getByText(/Reconnecting…/).waitFor();
    await say(page, "quick two");
    await page.getByText("Queued: sends when you're back online").waitFor();
    await server.start();
    await done(page).nth(1).waitFor({ timeout: 20_000 });
    expect(await page.getByRole("article").count()).toBe(2);
    expect(await log(page).getByText("quick two").count()).toBe(1);
  });

  it("answers simultaneous messages of two tabs one after the other, and stops from either", async ({ here: { page, context } }) => {
    await say(page, "quick");
    await done(page).waitFor();
    const other = await context.newPage();
    await other.goto(page.url());
    await done(other).waitFor();
    await Promise.all([say(page, "Why here?"), say(other, "Why there?")]);
    // The later message waits: here if this tab already knew of the other one, else on the server.
    await Promise.any([page, other].map((tab) => waiting(tab).waitFor()));
    for (const each of [page, other]) await done(each).nth(2).waitFor();
    const [first, second] = await Promise.all([page, other].map((each) => log(each).getByText(/Why t?here/).allTextContents()));
    expect(first).toHaveLength(2);
    expect(first).toEqual(second);
    await say(page, "long thoughts");
    await other.getByRole("button", { name: /Thinking…/ }).waitFor();
    await other.getByRole("button", { name: "Stop (Esc)" }).click();
    await page.getByText("You stopped this answer.").waitFor();
  });

  it("counts from the real start of the reasoning after a reload", async ({ here: { page } }) => {
    await say(page, "long thoughts");
    await expect.poll(() => secondsOf(page), { timeout: 20_000 }).toBeGreaterThanOrEqual(3);
    await page.reload();
    expect(await secondsOf(page)).toBeGreaterThanOrEqual(3);
    expect(await body(page).textContent()).toContain("Step 1: 1 squared");
    await page.keyboard.press("Escape");
    await page.getByText("You stopped this answer.").waitFor();
  });

  it("shows reasoning that was streamed while the page was frozen, as during a laptop's sleep", async ({ here: { page, context } }) => {
    const devtools = await context.newCDPSession(page);
    await say(page, "Why?");
    await page.getByText("Thought number 2 leads").waitFor();
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    const answered = async () => JSON.stringify(await (await page.request.get(messagesOf(page.url()))).json()).includes('"status":"completed"');
    await expect.poll(answered, { timeout: 20_000 }).toBe(true);
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await done(page).waitFor();
    await thought(page).click();
    expect(await body(page).textContent()).toContain("Thought number 12 leads to the next one.");
  });
});
