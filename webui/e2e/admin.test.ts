import type { Page } from "playwright-core";
import { expect } from "vitest";

import { faults, loadAxe, seriousFaults } from "./faults";
import { inChromium, it as base } from "./fixtures";
import { serverWithKeys } from "./keys";

const it = base.extend("protected", { scope: "file" }, async ({}, { onCleanup }) => {
  const started = await serverWithKeys();
  onCleanup(() => started.server.remove());
  return started;
});

async function logIn(page: Page, key: string): Promise<void> {
  const field = page.getByLabel("API key", { exact: true });
  await field.fill(key);
  await page.keyboard.press("Enter");
  await field.waitFor({ state: "detached" });
}

async function open(page: Page, item: string): Promise<void> {
  await page.getByRole("button", { name: "Account of" }).click();
  await page.getByRole("menuitem", { name: item }).click();
}

const keyItem = (page: Page, name: string) => page.getByRole("list", { name: "Keys" }).getByRole("listitem").filter({ hasText: name });

async function choose(page: Page, name: string, task: string): Promise<void> {
  await page.getByRole("button", { name: `Options for ${name}` }).click();
  await page.getByRole("menuitem", { name: task }).click();
}

/** The new key that is shown once, after closing it. */
async function issued(page: Page): Promise<string> {
  // By role: the dialog that this one replaces has the same name.
  const field = page.getByRole("textbox", { name: "New key", exact: true });
  const value = await field.inputValue();
  await page.keyboard.press("Escape");
  expect(await field.count()).toBe(1);
  await page.getByRole("button", { name: "Done" }).click();
  await field.waitFor({ state: "detached" });
  return value;
}

inChromium("keys and the audit log, for admins", () => {
  it("creates a key with every option, shows it once, edits, rotates and revokes it", async ({ lookAt, protected: { server, keys } }) => {
    const { page } = await lookAt(server.address);
    const works = async (key: string) => (await fetch(`${server.address}/api/v1/me`, { headers: { Authorization: `Bearer ${key}` } })).ok;
    await logIn(page, keys.admin);
    await open(page, "API keys");
    await page.getByRole("button", { name: "New key" }).click();
    const form = page.getByRole("dialog");
    await form.getByLabel("Name", { exact: true }).fill("phone");
    await form.getByLabel("Owner").fill("ada");
    await form.getByLabel("Valid for").fill("30d");
    await form.getByLabel("Metrics").check();
    await form.getByLabel("Models").fill("scripted/* ollama/*");
    await form.getByLabel("Highest thinking effort").selectOption("medium");
    await form.getByLabel("The model's thinking").selectOption("redact");
    await form.getByLabel("Messages per minute").fill("10");
    await form.getByLabel("Answers at the same time").fill("2");
    await form.getByLabel("Tokens per day").fill("5000");
    await form.getByRole("button", { name: "Create key" }).click();
    const first = await issued(page);
    const me = (await (await fetch(`${server.address}/api/v1/me`, { headers: { Authorization: `Bearer ${first}` } })).json()) as object;
    expect(me).toMatchObject({
      owner: "ada",
      role: "user",
      scopes: ["chat", "metrics", "read"],
      models: ["scripted/*", "ollama/*"],
      max_effort: "medium",
      reasoning: "redact",
      limits: [{ requests_per_minute: 10, concurrent_runs: 2, tokens_per_day: 5000 }],
    });
    expect(await page.content()).not.toContain(first);
    await choose(page, "phone", "Edit");
    await form.getByLabel("Tokens per day").fill("");
    await form.getByLabel("Valid for").fill("never");
    await form.getByRole("button", { name: "Save" }).click();
    await keyItem(page, "phone").getByText("doesn't expire").waitFor();
    expect(await keyItem(page, "phone").textContent()).not.toContain("tokens a day");
    await choose(page, "phone", "Rotate");
    await form.getByLabel("The old secret").selectOption("Ends at once");
    await form.getByRole("button", { name: "Rotate" }).click();
    const second = await issued(page);
    expect([await works(first), await works(second)]).toEqual([false, true]);
    await choose(page, "phone", "Revoke");
    await form.getByRole("button", { name: "Revoke" }).click();
    // The list has no role while the dialog is open.
    await form.waitFor({ state: "detached" });
    await keyItem(page, "phone").waitFor({ state: "detached" });
    expect(await works(second)).toBe(false);
    await page.getByRole("button", { name: "Show 1 expired or revoked" }).click();
    await keyItem(page, "phone").getByText("Revoked").waitFor();
  });

  it("reports invalid fields of a key, and keeps the form's values", async ({ lookAt, protected: { server, keys } }) => {
    const { page } = await lookAt(server.address);
    await logIn(page, keys.admin);
    await open(page, "API keys");
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByLabel("Name", { exact: true }).fill("größe");
    await page.getByRole("button", { name: "Create key" }).click();
    await page.getByRole("dialog").getByRole("alert").waitFor();
    expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("größe");
    await page.getByRole("button", { name: "Cancel" }).click();
    await choose(page, "admin", "Revoke");
    await page.getByText("You're logged in with this key.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("dialog").getByRole("alert").waitFor();
  });

  it("paginates the audit log, and hides both pages from other users", async ({ lookAt, protected: { server, keys } }) => {
    const { page } = await lookAt(server.address);
    const { key } = await keys.create("nobody");
    for (let number = 0; number < 55; number += 1) await keys.create(`many-${number}`);
    await logIn(page, keys.admin);
    await open(page, "Audit log");
    const entries = page.getByRole("list", { name: "Entries, newest first" }).getByRole("listitem");
    await entries.first().getByText("Logged in").waitFor();
    expect(await entries.count()).toBe(50);
    await page.getByRole("button", { name: "Show more" }).click();
    await entries.nth(50).waitFor();
    await page.getByRole("button", { name: "Show more" }).waitFor({ state: "detached" });
    const other = await lookAt(`${server.address}/#/keys`);
    await logIn(other.page, key);
    await other.page.getByRole("alert").waitFor();
    await other.page.getByRole("button", { name: "Account of nobody" }).click();
    expect(await other.page.getByRole("menuitem").allTextContents()).toEqual(["Account and limits", "Log out"]);
  });

  it.for(["light", "dark"] as const)("is accessible in every view, from the login to the audit log, in the %s theme", async (colorScheme, { lookAt, protected: { server, keys } }) => {
    const { page, context } = await lookAt(server.address, { colorScheme });
    await loadAxe(context);
    await page.reload();
    const field = page.getByLabel("API key", { exact: true });
    await field.waitFor();
    const found: Record<string, unknown> = { login: await faults(page) };
    await field.fill("ta_wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    found["wrong key"] = await faults(page);
    await logIn(page, keys.admin);
    await open(page, "Account and limits");
    await page.getByRole("dialog", { name: "Account and limits" }).waitFor();
    found["account"] = await faults(page);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await open(page, "API keys");
    await page.getByRole("list", { name: "Keys" }).waitFor();
    found["keys"] = await faults(page);
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByLabel("Name", { exact: true }).fill(`seen in ${colorScheme}`);
    found["new key"] = await faults(page);
    await page.getByRole("button", { name: "Create key" }).click();
    await page.getByRole("textbox", { name: "New key", exact: true }).waitFor();
    found["issued key"] = await faults(page);
    await issued(page);
    await page.getByRole("button", { name: `Options for seen in ${colorScheme}` }).click();
    // Radix renders an open menu outside of the landmarks, which axe calls moderate.
    found["options"] = await seriousFaults(page);
    await page.getByRole("menuitem", { name: "Revoke" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).waitFor();
    found["revoke"] = await faults(page);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await open(page, "Audit log");
    await page.getByRole("list", { name: "Entries, newest first" }).waitFor();
    found["audit"] = await faults(page);
    expect(Object.entries(found).filter(([, each]) => (each as unknown[]).length > 0)).toEqual([]);
  });
});
