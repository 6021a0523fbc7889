/**
 * npm run pictures: takes the screenshots in docs/pictures again, of the built page on the real server with the demo model.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { launch } from "./browser.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PORT = "8496";
const QUESTION = "What is 17 × 23, and how do you get there?";

/** Start a server on new data, with these environment variables. */
async function serve(port, environment = () => ({})) {
  const data = mkdtempSync(join(tmpdir(), "thinkaloud-pictures-"));
  const server = spawn(join(ROOT, ".venv/bin/thinkaloud"), ["serve", "--port", port, "--model", "demo/thinkaloud"], {
    cwd: data,
    env: { ...process.env, THINKALOUD_DATA_DIR: data, ...environment(data) },
  });
  await once(server.stdout, "data");
  const end = () => {
    server.kill();
    rmSync(data, { recursive: true, force: true });
  };
  return { data, end };
}

const plain = await serve(PORT);
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
plain.end();

const KEYS_PORT = "8497";
const keyed = await serve(KEYS_PORT, (data) => ({ THINKALOUD_AUTH__MODE: "keys", THINKALOUD_ADMIN_KEY_FILE: join(data, "admin-key") }));
const admin = readFileSync(join(keyed.data, "admin-key"), "utf8").trim();
for (const key of [
  { name: "phone", owner: "ada", expires: "30d", tokens_per_day: 200_000 },
  { name: "kids", models: ["demo/*"], max_effort: "low", reasoning: "redact", requests_per_minute: 5 },
]) {
  const headers = { Authorization: `Bearer ${admin}`, "Content-Type": "application/json" };
  await fetch(`http://127.0.0.1:${KEYS_PORT}/api/v1/keys`, { method: "POST", headers, body: JSON.stringify(key) });
}
const page = await browser.newPage({ viewport: { width: 1120, height: 640 }, colorScheme: "light", reducedMotion: "reduce" });
const shoot = (name) => page.screenshot({ path: join(ROOT, "docs/pictures", `${name}.png`) });
await page.goto(`http://127.0.0.1:${KEYS_PORT}`);
const field = page.getByLabel("API key", { exact: true });
await field.waitFor();
await shoot("web-login");
await field.fill(admin);
await page.keyboard.press("Enter");
await page.emulateMedia({ colorScheme: "dark" });
for (const [item, list, name] of [
  ["API keys", "Keys", "web-keys"],
  ["Audit log", "Entries, newest first", "web-audit"],
]) {
  await page.getByRole("button", { name: "Account of" }).click();
  await page.getByRole("menuitem", { name: item }).click();
  await page.getByRole("menu").waitFor({ state: "detached" });
  await page.getByRole("list", { name: list }).getByRole("listitem").nth(2).waitFor();
  await shoot(name);
}
await browser.close();
keyed.end();
