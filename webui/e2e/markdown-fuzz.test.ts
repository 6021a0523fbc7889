/** Fuzzes Markdown in Chromium with hostile and multilingual text: briefly in each test run, longer in `make soak`. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Page } from "playwright-core";
import { build } from "vite";
import { expect, vi } from "vitest";

import { hostile, madeUp, MULTILINGUAL, randomFrom, USUAL } from "../src/fuzz/corpus";
import { visible } from "../src/components/message/sanitize";
import { serve } from "./browser.mjs";
import { inChromium, it as base } from "./fixtures";
import type { Visit } from "./test-server";

const WEBUI = fileURLToPath(new URL("..", import.meta.url));
/** How many texts to generate, and the first seed. */
const ROUNDS = Number(process.env["MARKDOWN_FUZZ_ROUNDS"] ?? 20);
const SEED = Number(process.env["MARKDOWN_FUZZ_SEED"] ?? 1);
/** Size of the hostile texts. */
const SIZE = Number(process.env["MARKDOWN_FUZZ_SIZE"] ?? 1_000);
const PATIENCE = { timeout: 120_000 + ROUNDS * 5_000 };

const it = base.extend("address", { scope: "file" }, async ({}, { onCleanup }) => {
  vi.stubEnv("NODE_ENV", "production");
  const folder = mkdtempSync(join(tmpdir(), "thinkaloud-markdown-"));
  await build({ root: WEBUI, mode: "gallery", logLevel: "silent", build: { outDir: folder } });
  const server = await serve(folder);
  onCleanup(() => {
    server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return `${server.address}/markdown.html`;
});

/** Show each text in turn and wait for paint, in a single call to avoid round trips. */
async function show(page: Page, steps: readonly string[], growing: boolean, thought = false): Promise<void> {
  await page.evaluate(
    async ([texts, grows, isThought]) => {
      for (const text of texts) {
        window.showMarkdown(text, grows, isThought);
        await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
      }
    },
    [steps, growing, thought] as const,
  );
}

/** The visible content once rendering and highlighting have finished. */
async function seen(page: Page): Promise<string> {
  return page.evaluate(async () => {
    let before = "";
    for (let same = 0; same < 4; ) {
      await new Promise((painted) => requestAnimationFrame(painted));
      const now = document.querySelector("[data-shown]")?.innerHTML ?? "";
      same = now === before ? same + 1 : 0;
      before = now;
    }
    const copy = document.createElement("div");
    copy.innerHTML = before;
    // Attribute order isn't visible.
    for (const element of copy.querySelectorAll("*")) {
      const attributes = [...element.attributes].toSorted((one, other) => one.name.localeCompare(other.name));
      for (const { name } of attributes) element.removeAttribute(name);
      for (const { name, value } of attributes) element.setAttribute(name, value);
    }
    return copy.innerHTML;
  });
}

function inPieces(text: string, seed: number): string[] {
  const random = randomFrom(seed);
  const steps: string[] = [];
  for (let end = 1; end < text.length; end += 1 + Math.floor(random() * Math.max(20, text.length / 15))) steps.push(text.slice(0, end));
  return [...steps, text];
}

/** What no text may cause. */
async function expectUnharmed({ page, consoleLines }: Visit, name: string): Promise<void> {
  const harm = await page.evaluate(() => {
    const elements = [...document.querySelectorAll("[data-shown] *")];
    return {
      elements: elements.filter((each) => /^(?:script|iframe|form|object|embed|style|link|base|meta|details|dialog|video|audio)$/i.test(each.localName)).map((each) => each.localName),
      handlers: elements.flatMap((each) => [...each.attributes].map(({ name: attribute }) => attribute).filter((attribute) => attribute.startsWith("on"))),
      links: elements.flatMap((each) => (each instanceof HTMLAnchorElement && !/^(?:https?:|mailto:)/.test(each.href) ? [each.href] : [])),
      pictures: document.images.length,
      address: window.location.pathname,
      wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    };
  });
  expect(harm, name).toEqual({ elements: [], handlers: [], links: [], pictures: 0, address: "/markdown.html", wide: false });
  // KaTeX warns about characters without metrics and substitutes others.
  expect(consoleLines.filter((line) => !line.startsWith("warning: No character metrics for")), name).toEqual([]);
}

inChromium("Markdown in the page", () => {
  it("shows hostile texts safely, and everything after them", PATIENCE, async ({ address, lookAt }) => {
    const visited = await lookAt(address);
    const { page } = visited;
    for (const [index, attack] of hostile(SIZE).entries()) {
      const name = `hostile text ${index}: ${JSON.stringify(attack.slice(0, 40))}`;
      // Fences close whatever the attack left open, so that the last words are plain text.
      await show(page, [`${attack}\n\n\`\`\`\n\`\`\`\n\n~~~\n~~~\n\n-->\n\n?>\n\n]]>\n\n**Still** here.`], false);
      expect(await seen(page), name).toMatch(/Still|here\./);
      await expectUnharmed(visited, name);
    }
  });

  it("keeps up with hostile texts while they grow", PATIENCE, async ({ address, lookAt }) => {
    const visited = await lookAt(address);
    for (const [index, attack] of hostile(Math.min(SIZE, 1_000)).entries()) {
      await show(visited.page, [0.3, 0.6, 0.9, 1].map((part) => attack.slice(0, attack.length * part)), true);
      await expectUnharmed(visited, `hostile text ${index}: ${JSON.stringify(attack.slice(0, 40))}`);
    }
  });

  it("renders the same text however it was streamed", PATIENCE, async ({ address, lookAt }) => {
    const visited = await lookAt(address);
    const { page } = visited;
    // Highlighting and formulas are loaded when they are first needed. Otherwise, it would show the same only later.
    await show(page, ["```python\nprint(1)\n```\n\n$$x$$"], false);
    for (const loaded of [".hljs-built_in", ".katex"]) await page.locator(loaded).first().waitFor();
    const texts = [...USUAL, ...MULTILINGUAL, ...Array.from({ length: ROUNDS }, (_, index) => madeUp(SEED + index))];
    for (const [index, text] of texts.entries()) {
      const name = `text ${index}, seed ${SEED}: ${JSON.stringify(text)}`;
      await page.evaluate(() => window.clearMarkdown());
      await show(page, inPieces(text, index), true);
      await show(page, [text], false);
      const live = await seen(page);
      await page.evaluate(() => window.clearMarkdown());
      await show(page, [text], false);
      expect(live, name).toBe(await seen(page));
      await expectUnharmed(visited, name);
    }
  });

  it("shows code byte for byte, live and settled, in answers and thoughts", PATIENCE, async ({ address, lookAt }) => {
    const { page } = await lookAt(address);
    const shown = () => page.evaluate(() => [...document.querySelectorAll("[data-shown] pre code")].map((code) => code.textContent));
    for (let seed = SEED; seed < SEED + ROUNDS; seed += 1) {
      // Hidden characters are shown as placeholders, so they are excluded here.
      const code = visible(madeUp(seed).replaceAll(/[`~]{3,}/g, "x")).trim();
      const text = `${MULTILINGUAL[seed % MULTILINGUAL.length] ?? ""}\n\n\`\`\`\`made-up\n${code}\n\`\`\`\`\n\nThe end \\(x\\).`;
      const own = async () => (await shown()).at(-1);
      await page.evaluate(() => window.clearMarkdown());
      await show(page, inPieces(text, seed), true);
      expect(await own(), `live, seed ${seed}`).toBe(code);
      await show(page, [text], false);
      expect(await own(), `settled, seed ${seed}`).toBe(code);
      await show(page, [text], false, true);
      await seen(page);
      expect(await own(), `thought, seed ${seed}`).toBe(code);
    }
  });
});
