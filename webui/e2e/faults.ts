/** Serious accessibility violations found by axe. */

import { createRequire } from "node:module";

import type { BrowserContext, Page } from "playwright-core";

interface Axe {
  run(): Promise<{ readonly violations: readonly { readonly id: string; readonly impact: string; readonly nodes: readonly { readonly html: string }[] }[] }>;
}

/** Inject axe into every page from the next load on; a script tag would violate the page's CSP. */
export async function loadAxe(context: BrowserContext): Promise<void> {
  await context.addInitScript({ path: createRequire(import.meta.url).resolve("axe-core/axe.min.js") });
}

/** The violated rules of serious or critical impact, each with the first offending element. */
export async function seriousFaults(page: Page): Promise<(string | undefined)[][]> {
  return faults(page, ["serious", "critical"]);
}

/** The violated rules of these impacts, each with the first offending element. */
export async function faults(page: Page, impacts: readonly string[] = ["minor", "moderate", "serious", "critical"]): Promise<(string | undefined)[][]> {
  // Text that is fading in has little contrast.
  await page.evaluate(async () => {
    const finite = document.getAnimations().filter((each) => each.effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
    await Promise.allSettled(finite.map((each) => each.finished));
  });
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run());
  return violations.filter((fault) => impacts.includes(fault.impact)).map((fault) => [fault.id, fault.nodes[0]?.html]);
}
