import { defineConfig } from "vitest/config";

/** The built page in Debian's Chromium against the real server: `npm run e2e`, and part of `npm test`. */
export default defineConfig({
  test: {
    environment: "node",
    include: ["e2e/**/*.test.ts"],
    // Each file has a browser and a server of its own. More of them at once only wait for each other.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // On a busy machine, a page takes longer than the usual second.
    expect: { poll: { timeout: 30_000 } },
  },
});
