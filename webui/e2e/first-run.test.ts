import { expect } from "vitest";

import { inChromium, it } from "./fixtures";
import { freePort, say, TestServer } from "./test-server";

inChromium("a first run", () => {
  it("opens with the demo model, says so, shows its reasoning, and explains how to connect a real one", async ({ lookAt }) => {
    const port = await freePort();
    const server = new TestServer(port, ["thinkaloud", "serve", "--port", String(port), "--model", "demo/thinkaloud"]);
    try {
      await server.start();
      const { page, consoleLines } = await lookAt(server.address);
      await page.getByText("No model is configured, so you're using the demo model.").waitFor();
      await say(page, "What is 6 * 7?");
      await page.getByRole("button", { name: /Thinking…/ }).first().waitFor();
      await page.getByRole("button", { name: /calculate/ }).waitFor();
      await page.getByRole("button", { name: "Copy answer" }).waitFor();
      await page.getByRole("link", { name: /Demo model/ }).click();
      await page.getByRole("heading", { name: "Connect a model" }).waitFor();
      expect(await page.getByText("ANTHROPIC_API_KEY").count()).toBeGreaterThan(0);
      expect(consoleLines).toEqual([]);
    } finally {
      await server.remove();
    }
  });

  it("loads less than 260 kB at first, and code highlighting and formulas on demand", async ({ lookAt, server }) => {
    const { page, context } = await lookAt("about:blank");
    const loaded = new Map<string, number>();
    context.on("response", (response) => {
      const { pathname } = new URL(response.url());
      if (pathname === "/" || pathname.includes("/assets/")) loaded.set(pathname, Number(response.headers()["content-length"]));
    });
    const names = () => [...loaded.keys()].join(" ");
    await page.goto(server.address, { waitUntil: "networkidle" });
    expect(names()).toContain("rendered-markdown");
    expect(names()).not.toMatch(/highlighted-|katex-/);
    expect([...loaded.values()].reduce((sum, bytes) => sum + bytes)).toBeLessThan(260_000);
    await say(page, "quick");
    await page.locator(".katex").waitFor();
    await page.locator(".hljs-built_in").waitFor();
    expect(names()).toMatch(/highlighted-/);
    expect(names()).toMatch(/katex-/);
  });
});
