import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "vite";
import { expect, vi } from "vitest";

import { STATES } from "../src/gallery/states";
import { serve } from "./browser.mjs";
import { loadAxe, seriousFaults } from "./faults";
import { inChromium, it as base } from "./fixtures";

const WEBUI = fileURLToPath(new URL("..", import.meta.url));
const PICTURES = join(WEBUI, "dist/pictures");

/** URL of the gallery, built for this file. */
const it = base.extend("gallery", { scope: "file" }, async ({}, { onCleanup }) => {
  vi.stubEnv("NODE_ENV", "production");
  const folder = mkdtempSync(join(tmpdir(), "thinkaloud-gallery-"));
  await build({ root: WEBUI, mode: "gallery", logLevel: "silent", build: { outDir: folder } });
  const server = await serve(folder);
  onCleanup(() => {
    server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return `${server.address}/gallery.html`;
});

/** Saves a screenshot of every state in webui/dist/pictures for review. */
inChromium("the gallery of every state", () => {
  it.for([
    ["light", 1280],
    ["dark", 1280],
    ["light", 390],
    ["dark", 390],
  ] as const)("shows each in %s at %i pixels, quietly, accessibly and inside the screen", async ([theme, width], { gallery, lookAt }) => {
    const options = { viewport: { width, height: 900 }, reducedMotion: "reduce" } as const;
    const { page, context, consoleLines } = await lookAt(`${gallery}?theme=${theme}`, options);
    await loadAxe(context);
    await page.reload();
    await page.waitForLoadState("networkidle");
    const shown = await page.locator("[data-picture]").evaluateAll((all) => all.map((each) => each.getAttribute("data-picture")));
    expect(shown).toEqual(STATES.map((state) => state.name));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    await page.screenshot({ path: join(PICTURES, `gallery-${theme}-${width}.png`), fullPage: true });
    expect(consoleLines).toEqual([]);
    expect(await seriousFaults(page)).toEqual([]);
  });

  it("executes nothing from hostile text, under the server's content security policy", async ({ gallery, lookAt }) => {
    const { page, consoleLines } = await lookAt(`${gallery}?state=Hostile+text`);
    await page.waitForLoadState("networkidle");
    expect(await page.locator("[data-picture] :is(script, iframe, img, form, details)").count()).toBe(0);
    const links = await page.locator("a[href]").evaluateAll((all) => all.map((each) => each.getAttribute("href")));
    expect(new Set(links)).toEqual(new Set(["https://example.com/page", "https://tracker.example/pixel.png"]));
    expect(consoleLines).toEqual([]);
  });
});
