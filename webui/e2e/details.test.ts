import type { Page } from "playwright-core";
import { expect } from "vitest";

import { loadAxe, seriousFaults } from "./faults";
import { inChromium, it } from "./fixtures";
import { say } from "./test-server";

const done = (page: Page) => page.getByRole("button", { name: "Copy answer" });
const list = (page: Page) => page.getByRole("navigation");

/** Have the server offer very many models of several providers. */
async function offerModels(page: Page): Promise<void> {
  const models = Array.from({ length: 320 }, (_, number) => {
    const provider = ["alpha", "beta", "gamma"][number % 3] ?? "";
    const reasoning = { supported: true, streams: true, efforts: [] };
    return { id: `${provider}/model-${number}`, name: `Model ${number}`, provider, current: number === 100, max_tokens: null, reasoning };
  });
  await page.route("**/api/v1/models", (route) => route.fulfill({ json: models }));
  await page.reload();
}

inChromium("details of the page in Chromium", () => {
  it("finds one of 320 models by typing, by keyboard alone, and keeps it for the next message", async ({ here: { page, context, consoleLines } }) => {
    await loadAxe(context);
    await offerModels(page);
    const picker = page.getByRole("button", { name: /^Model: / });
    await picker.focus();
    await page.keyboard.press("Enter");
    const search = page.getByRole("combobox", { name: "Search: Model" });
    await expect.poll(() => search.evaluate((field) => field === document.activeElement)).toBe(true);
    expect(await page.getByRole("group").evaluateAll((all) => all.map((each) => each.getAttribute("aria-label")))).toEqual(["alpha", "beta", "gamma"]);
    expect(await page.getByRole("option").count()).toBe(320);
    expect(await seriousFaults(page)).toEqual([]);
    await expect.poll(() => page.getByRole("option", { selected: true }).evaluate((option) => {
      const [own, box] = [option.getBoundingClientRect(), option.closest("[role=listbox]")?.getBoundingClientRect()];
      return box !== undefined && own.top >= box.top && own.bottom <= box.bottom;
    })).toBe(true);
    await page.keyboard.type("BETA 25");
    expect(await page.getByRole("option").allTextContents()).toEqual(expect.arrayContaining(["Model 25beta/model-25"]));
    await page.keyboard.press("ArrowDown");
    const active = await search.getAttribute("aria-activedescendant");
    const second = await page.getByRole("option").nth(1).getAttribute("id");
    expect(active).toBe(second);
    await search.fill("gamma/model-317");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Model: Model 317" }).waitFor();
    expect(await page.getByRole("option").count()).toBe(0);
    await expect.poll(() => page.getByRole("button", { name: "Model: Model 317" }).evaluate((button) => button === document.activeElement)).toBe(true);
    expect(consoleLines).toEqual([]);
  });

  it("shows when a search among models finds nothing, and Escape closes it without stopping an answer", async ({ here: { page } }) => {
    await offerModels(page);
    await say(page, "long thoughts");
    await page.getByText("Step 2: ").waitFor();
    await page.getByRole("button", { name: /^Model: / }).click();
    await page.getByRole("combobox").fill("no such model");
    await page.getByRole("status").getByText("No results.").waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("combobox").press("Escape");
    await page.getByRole("combobox").waitFor({ state: "detached" });
    await expect.poll(() => page.locator(".thought").textContent(), { timeout: 20_000 }).toContain("Step 200: ");
    expect(await page.getByText("You stopped this answer.").count()).toBe(0);
    await page.getByLabel("Your message").press("Escape");
    await page.getByText("You stopped this answer.").waitFor();
  });

  it("keeps the title of the conversation while the list shows others", async ({ here: { page }, server }) => {
    await say(page, "quick heliotropes");
    await done(page).waitFor();
    const title = page.getByRole("heading", { name: "quick heliotropes", level: 1 });
    await title.waitFor();
    await page.getByRole("searchbox", { name: "Search chats" }).fill("nothing like it");
    await page.getByText("No results.").waitFor();
    expect(await title.isVisible()).toBe(true);
    expect(await page.title()).toBe("quick heliotropes · thinkaloud");
    for (let number = 0; number < 60; number += 1) await page.request.post(`${server.address}/api/v1/conversations`, { data: { title: `Number ${number}` } });
    await page.reload();
    await list(page).getByRole("listitem").nth(49).waitFor();
    expect(await list(page).getByText("quick heliotropes").count()).toBe(0);
    await title.waitFor();
  });

  it("distinguishes conversations with the same title", async ({ here: { page }, server }) => {
    for (let number = 0; number < 3; number += 1) await page.request.post(`${server.address}/api/v1/conversations`, { data: { title: "The same" } });
    await page.reload();
    const same = list(page).getByRole("listitem").filter({ hasText: "The same" });
    await same.nth(2).waitFor();
    const shown = await same.allTextContents();
    expect(new Set(shown).size).toBe(3);
    for (const each of shown) expect(each).toMatch(/The same.*\d/);
  });

  it("asks before deleting, with Cancel focused, and renames with the name selected", async ({ here: { page } }) => {
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    await say(page, "quick goodbye");
    await done(page).waitFor();
    await page.getByRole("button", { name: "Options for quick goodbye" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await expect.poll(focused).toBe("Cancel");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Options for quick goodbye" }).click();
    await page.getByRole("menuitem", { name: "Rename" }).click();
    await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe("INPUT");
    await page.keyboard.type("Another name");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Another name", level: 1 }).waitFor();
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("dialog").waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).not.toBe("Close");
  });

  it.for(["light", "dark"] as const)("shows task lists and code of every kind accessibly in %s", async (colorScheme, { lookAt, server }) => {
    const { page, context } = await lookAt(server.address, { colorScheme, reducedMotion: "reduce" });
    await loadAxe(context);
    await page.reload();
    await say(page, "styles");
    await page.locator(".hljs-meta").first().waitFor();
    await page.getByRole("checkbox", { name: "Done" }).waitFor();
    expect(await page.getByRole("checkbox", { name: "To do" }).isDisabled()).toBe(true);
    await done(page).waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await seriousFaults(page)).toEqual([]);
  });

  it("moves no line when an open reasoning block is complete", async ({ here: { page } }) => {
    await page.evaluate(() => localStorage.setItem("thinkaloud.preferences", JSON.stringify({ thinking: "open" })));
    await page.reload();
    await say(page, "paced");
    await page.locator(".thought .chunk").first().waitFor();
    const [live, settled] = await page.evaluate(async () => {
      let last = 0;
      for (;;) {
        await new Promise(requestAnimationFrame);
        const thought = document.querySelector<HTMLElement>(".thought");
        if (thought?.querySelector(".markdown")) return [last, thought.offsetHeight];
        last = thought?.offsetHeight ?? last;
      }
    });
    expect(Math.abs((settled ?? 0) - (live ?? 0))).toBeLessThan(2);
  });

  it("keeps the selection in a growing paragraph", async ({ here: { page } }) => {
    await say(page, "talk");
    const paragraph = page.locator(".markdown p").first();
    await paragraph.getByText("Word after word, without a break. Word").waitFor();
    const letters = () => paragraph.evaluate((element) => element.textContent.length);
    const selected = () => page.evaluate(() => document.getSelection()?.toString());
    const box = await paragraph.boundingBox();
    if (!box) throw new Error("no paragraph");
    await page.mouse.move(box.x + 2, box.y + 10);
    await page.mouse.down();
    await page.mouse.move(box.x + 120, box.y + 10, { steps: 5 });
    await page.mouse.up();
    const chosen = await selected();
    expect(chosen?.length).toBeGreaterThan(8);
    const before = await letters();
    await expect.poll(letters).toBeGreaterThan(before + 300);
    expect(await selected()).toBe(chosen);
    await page.mouse.click(box.x + 300, box.y + 10);
    const later = await letters();
    await expect.poll(letters).toBeGreaterThan(later + 50);
    expect(await selected()).toBe("");
    await page.keyboard.press("Escape");
  });
});
