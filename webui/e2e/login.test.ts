import type { Page } from "playwright-core";
import { expect } from "vitest";

import { inChromium, it as base } from "./fixtures";
import { serverWithKeys } from "./keys";
import { say } from "./test-server";

const it = base.extend("protected", { scope: "file" }, async ({}, { onCleanup }) => {
  const started = await serverWithKeys();
  onCleanup(() => started.server.remove());
  return started;
});

const field = (page: Page) => page.getByLabel("API key", { exact: true });
const done = (page: Page) => page.getByRole("button", { name: "Copy answer" });

async function logIn(page: Page, key: string): Promise<void> {
  await field(page).fill(key);
  await page.keyboard.press("Enter");
  await field(page).waitFor({ state: "detached" });
}

async function choose(page: Page, owner: string, item: string): Promise<void> {
  await page.getByRole("button", { name: `Account of ${owner}` }).click();
  await page.getByRole("menuitem", { name: item }).click();
}

inChromium("a server that needs API keys", () => {
  it("asks for a key, stores it nowhere, and stays logged in after a reload", async ({ lookAt, protected: { server, keys } }) => {
    const { key } = await keys.create("ada");
    const { page, context } = await lookAt(server.address);
    await field(page).fill("ta_wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("This key isn't valid.").waitFor();
    await logIn(page, key);
    await say(page, "quick");
    await done(page).waitFor();
    await page.reload();
    await done(page).waitFor();
    expect(await field(page).count()).toBe(0);
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
    expect(kept).not.toContain(key.split("_").at(-1));
    const cookies = await context.cookies();
    expect(cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([{ httpOnly: true, sameSite: "Strict" }]);
    expect(JSON.stringify(cookies)).not.toContain(key);
  });

  it("asks again when the key is revoked, and keeps the draft and its files", async ({ lookAt, protected: { server, keys } }) => {
    const [first, second] = [await keys.create("bob"), await keys.create("bob")];
    const { page } = await lookAt(server.address);
    await logIn(page, first.key);
    await say(page, "quick");
    await done(page).waitFor();
    await page.locator("input[type=file]").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("note") });
    await page.getByLabel("Your message").fill("not sent yet");
    await keys.revoke(first.id);
    await page.getByText("Your login has ended").waitFor();
    await logIn(page, second.key);
    expect(await page.getByLabel("Your message").inputValue()).toBe("not sent yet");
    await page.getByText("notes.txt").waitFor();
    await page.getByLabel("Your message").press("Enter");
    await done(page).nth(1).waitFor();
  });

  it("logs out, and leaves no data of the previous owner", async ({ lookAt, protected: { server, keys } }) => {
    const [cleo, dan] = [await keys.create("cleo"), await keys.create("dan")];
    const { page } = await lookAt(server.address);
    await logIn(page, cleo.key);
    await say(page, "say secret plans");
    await done(page).waitFor();
    await page.getByLabel("Your message").fill("a secret draft");
    await choose(page, "cleo", "Log out");
    await page.getByText("This server needs an API key.").waitFor();
    await logIn(page, dan.key);
    await page.getByRole("button", { name: "Account of dan" }).waitFor();
    await page.getByText("No chats yet.").waitFor();
    expect(await page.getByLabel("Your message").inputValue()).toBe("");
    expect(await page.locator("body").textContent()).not.toContain("secret");
    expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage }))).not.toContain("secret");
  });

  it("sends nothing of one owner as another who logs in after the key was revoked", async ({ lookAt, protected: { server, keys } }) => {
    const [eve, finn] = [await keys.create("eve"), await keys.create("finn")];
    const { page } = await lookAt(server.address);
    await logIn(page, eve.key);
    await say(page, "quick");
    await done(page).waitFor();
    await page.getByLabel("Your message").fill("eve's draft");
    await keys.revoke(eve.id);
    await page.getByText("Your login has ended").waitFor();
    await logIn(page, finn.key);
    await page.getByRole("button", { name: "Account of finn" }).waitFor();
    await page.getByText("No chats yet.").waitFor();
    expect(await page.getByLabel("Your message").inputValue()).toBe("");
  });

  it("shows a key's permissions and remaining limits", async ({ lookAt, protected: { server, keys } }) => {
    const { key } = await keys.create("gil", { max_effort: "low", reasoning: "redact", requests_per_minute: 1, expires: "30d" });
    const { page } = await lookAt(server.address);
    await logIn(page, key);
    await page.getByRole("button", { name: "Thinking effort" }).click();
    expect(await page.getByRole("menuitemradio").allTextContents()).toEqual(["Default", "No thinking", "Minimal", "Low"]);
    await page.keyboard.press("Escape");
    await page.getByRole("menu").waitFor({ state: "detached" });
    await say(page, "quick");
    await done(page).waitFor();
    await choose(page, "gil", "Account and limits");
    const account = page.getByRole("dialog", { name: "Account and limits" });
    await account.getByText("0 of 1 messages left this minute (this key)").waitFor();
    await account.getByText("Up to low").waitFor();
    await account.getByText("Shown, with secrets removed").waitFor();
    await page.keyboard.press("Escape");
    await account.waitFor({ state: "detached" });
    await say(page, "one too many");
    await page.getByText(/The limit of this key is 1 requests? per minute\. You can try again in \d+ seconds?\./).waitFor();
  });
});
