import { fileURLToPath } from "node:url";

import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig(({ mode }) => {
  const gallery = mode === "gallery";
  return {
    base: "./",
    plugins: [react(), tailwindcss(), newestFontsOnly],
    resolve: { alias: { "@": here("src") } },
    build: {
      outDir: here(gallery ? "dist" : "../src/thinkaloud/webui"),
      emptyOutDir: true,
      target: ["chrome123", "firefox128", "safari17.5"],
      // Nothing as data: URLs, which the content security policy refuses for fonts and scripts.
      assetsInlineLimit: 0,
      // The notices of everything that the bundle contains, beside it.
      license: { fileName: "licenses.md" },
      modulePreload: { polyfill: false },
      rolldownOptions: { input: gallery ? [here("gallery.html"), here("markdown.html")] : here("index.html") },
    },
    server: { fs: { allow: [here("."), here("../tests/sessions")] }, proxy: proxied("/api", "/webui", "/ws") },
    test: {
      // On a busy machine, a test takes longer than the usual seconds.
      testTimeout: 60_000,
      projects: [
        {
          extends: true,
          test: {
            // Making a page takes longer than these tests do, and they need none.
            name: "logic",
            environment: "node",
            include: ["src/**/*.test.ts"],
            setupFiles: [here("src/app/console-guard.ts")],
          },
        },
        {
          extends: true,
          test: {
            name: "page",
            environment: "happy-dom",
            include: ["src/**/*.test.tsx"],
            expect: { poll: { timeout: 30_000 } },
            // Hooks after a test run in reverse order: components unmount before the console is checked.
            setupFiles: [here("src/app/console-guard.ts"), here("src/app/test-setup.ts")],
          },
        },
      ],
    },
  };
});

/** In development the pages come from Vite, and everything else from a server on the usual port. */
function proxied(...paths: string[]) {
  const target = "http://127.0.0.1:8484";
  return Object.fromEntries(paths.map((path) => [path, { target, ws: true, changeOrigin: true }]));
}

/** KaTeX brings its fonts in three formats; every browser that can run this page reads the smallest. */
const newestFontsOnly: Plugin = {
  name: "newest-fonts-only",
  enforce: "pre",
  transform(code, id) {
    if (!id.includes("katex") || !id.endsWith(".css")) return null;
    return code.replace(/,url\([^)]*\.(?:woff|ttf)\) format\("(?:woff|truetype)"\)/g, "");
  },
};
