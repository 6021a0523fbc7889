/**
 * npm run pictures: takes the screenshots in docs/pictures again, of the built page on the real server with the demo model.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { launch } from "./browser.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PORT = "8496";
const QUESTION = "What is 17 × 23, and how do you get there?";

const data = mkdtempSync(join(tmpdir(), "thinkaloud-pictures-"));
const server = spawn(join(ROOT, ".venv/bin/thinkaloud"), ["serve", "--port", PORT, "--model", "demo/thinkaloud"], {
  cwd: data,
  env: { ...process.env, THINKALOUD_DATA_DIR: data },
});
await once(server.stdout, "data");
const browser = await launch();

async function picture(name, colorScheme, viewport, until) {
  const page = await browser.newPage({ viewport, colorScheme, reducedMotion: "reduce" });
  await page.goto(`http://127.0.0.1:${PORT}`);
  await page.getByLabel("Your message").fill(QUESTION);
  await page.keyboard.press("Enter");
  await until(page);
  await page.screenshot({ path: join(ROOT, "docs/pictures", `${name}.png`) });
  await page.close();
}

const words = (page) => page.getByText("I won't do that in my head").waitFor();
const answer = (page) => page.getByRole("button", { name: "Copy answer" }).waitFor();
await picture("web-thinking", "light", { width: 1120, height: 640 }, words);
await picture("web-answer", "dark", { width: 1120, height: 640 }, answer);
await picture("web-phone", "light", { width: 390, height: 720 }, answer);
await browser.close();
server.kill();
rmSync(data, { recursive: true, force: true });
