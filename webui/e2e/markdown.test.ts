import type { Page } from "playwright-core";
import { expect } from "vitest";

import { inChromium, it } from "./fixtures";
import { say } from "./test-server";

const answered = (page: Page) => page.getByRole("button", { name: "Copy answer" }).waitFor();

inChromium("Markdown of a model", () => {
  it.for([
    ["quotations", "> ".repeat(3_000)],
    ["lists", "- ".repeat(3_000)],
    ["links", "[a](".repeat(10_000)],
    ["templates", `\`\`\`js\n${"`${".repeat(3_000)}\n\`\`\``],
    ["groups of a formula", `$$${"{".repeat(3_000)}x${"}".repeat(3_000)}$$`],
  ] as const)("that nests %s leaves the page alive, also after a reload", async ([, attack], { here: { page, consoleLines } }) => {
    await say(page, `say before\n\n${attack}\nend\n\n**behind**`);
    await answered(page);
    for (const again of [false, true]) {
      if (again) await page.reload();
      await page.locator("strong", { hasText: "behind" }).waitFor();
    }
    await say(page, "quick");
    await page.getByText("Or as a formula").waitFor();
    expect(consoleLines).toEqual([]);
  });

  it("copies the source of an answer, of its code and of a selection", async ({ lookAt, server }) => {
    const { page, context } = await lookAt(server.address);
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    const answer = "So \\(x^2\\) and $y_1$:\n\n```tex\n\\(a\\) $b$\n```\n\n3~5 **end**";
    await say(page, `say ${answer}`);
    await answered(page);
    await page.locator(".katex").first().waitFor();
    await page.getByRole("button", { name: "Copy answer" }).click();
    await expect.poll(copied).toBe(answer);
    await page.getByRole("button", { name: "Copy code" }).click();
    await expect.poll(copied).toBe("\\(a\\) $b$");
    await page.evaluate(() => getSelection()?.selectAllChildren(document.querySelector(".markdown p") ?? document.body));
    await page.keyboard.press("Control+C");
    await expect.poll(copied).toBe("So \\(x^2\\) and $y_1$:");
  });

  it("shows list numbers on the side where the text begins", async ({ here: { page } }) => {
    await say(page, "say 1. الأول\n2. الثاني\n\nand\n\n1. first");
    await answered(page);
    const space = (list: number) =>
      page.locator(".markdown ol").nth(list).evaluate((element) => {
        const [item, outer] = [element.querySelector("li")?.getBoundingClientRect(), element.getBoundingClientRect()];
        return { left: Math.round((item?.left ?? 0) - outer.left), right: Math.round(outer.right - (item?.right ?? 0)) };
      });
    expect(await space(0)).toEqual({ left: 0, right: 24 });
    expect(await space(1)).toEqual({ left: 24, right: 0 });
    expect(await page.locator(".markdown li").first().evaluate((item) => getComputedStyle(item).direction)).toBe("rtl");
  });
});
