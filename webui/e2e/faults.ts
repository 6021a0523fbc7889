/** What axe finds serious on a page. */

import { createRequire } from "node:module";

import type { BrowserContext, Page } from "playwright-core";

interface Axe {
  run(): Promise<{ readonly violations: readonly { readonly id: string; readonly impact: string; readonly nodes: readonly { readonly html: string }[] }[] }>;
}

/** Bring axe along on every page from the next load on; a script tag would break the page's policy. */
export async function bringAxe(context: BrowserContext): Promise<void> {
  await context.addInitScript({ path: createRequire(import.meta.url).resolve("axe-core/axe.min.js") });
}

/** The rules that are broken, each with the first element that breaks it. */
export async function seriousFaults(page: Page): Promise<(string | undefined)[][]> {
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run());
  const serious = violations.filter((fault) => ["serious", "critical"].includes(fault.impact));
  return serious.map((fault) => [fault.id, fault.nodes[0]?.html]);
}
