/** Test fixtures: a server and a browser per file, and pages that are closed after each test. */

import { existsSync } from "node:fs";

import type { BrowserContextOptions } from "playwright-core";
import { describe, test } from "vitest";

import { CHROMIUM, launch } from "./browser.mjs";
import { freePort, TestServer, type Visit, visit } from "./test-server";

/** A group of tests that needs Chromium. */
export const inChromium = describe.skipIf(!existsSync(CHROMIUM));

/** Open an address in a separate browser context, closed at the end of the test. */
export type LookAt = (address: string, options?: BrowserContextOptions) => Promise<Visit>;

export const it = test
  .extend("browser", { scope: "file" }, async ({}, { onCleanup }) => {
    const browser = await launch();
    onCleanup(() => browser.close());
    return browser;
  })
  .extend("server", { scope: "file" }, async ({}, { onCleanup }) => {
    const server = new TestServer(await freePort());
    onCleanup(() => server.remove());
    await server.start();
    return server;
  })
  .extend("lookAt", ({ browser }, { onCleanup }): LookAt => {
    const open: Visit[] = [];
    onCleanup(async () => {
      for (const { context } of open) await context.close();
    });
    return async (address, options) => {
      const visited = await visit(browser, address, options);
      open.push(visited);
      return visited;
    };
  })
  .extend("here", ({ lookAt, server }) => lookAt(server.address));
