import { defineConfig } from "vitest/config";

/** The built page in Debian's Chromium against the real server: `npm run e2e`, and part of `npm test`. */
export default defineConfig({
  test: {
    environment: "node",
    include: ["e2e/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
