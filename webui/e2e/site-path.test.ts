import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "vitest";

import { inChromium, it as base } from "./fixtures";
import { freePort, say, TestServer } from "./test-server";

const NGINX = ["/usr/sbin/nginx", "/usr/bin/nginx"].find((path) => existsSync(path));

/** nginx in front of a server under /app/: the first port keeps the path, the second strips it. */
class Site {
  readonly ports: readonly [number, number];
  readonly #folder = mkdtempSync(join(tmpdir(), "thinkaloud-nginx-"));
  readonly #process: ChildProcess;

  constructor(ports: readonly [number, number], to: number) {
    this.ports = ports;
    const own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${this.#folder}/${kind};`).join("");
    const user = process.getuid?.() === 0 ? "user root;" : "";
    const address = `http://127.0.0.1:${to}`;
    writeFileSync(join(this.#folder, "nginx.conf"), `${user} pid nginx.pid; events {} http { access_log off; ${own} ${listening(ports[0], address)} ${listening(ports[1], `${address}/`)} }`);
    this.#process = spawn(NGINX ?? "nginx", ["-p", this.#folder, "-c", join(this.#folder, "nginx.conf"), "-e", "stderr", "-g", "daemon off;"]);
  }

  /** Wait until it listens. */
  async listens(): Promise<void> {
    for (;;) {
      const socket = connect(this.ports[1], "127.0.0.1");
      const reached = await new Promise((resolve) => socket.once("connect", () => resolve(true)).once("error", () => resolve(false)));
      socket.destroy();
      if (reached || this.#process.exitCode !== null) return;
    }
  }

  async remove(): Promise<void> {
    this.#process.kill();
    await once(this.#process, "exit");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function listening(port: number, target: string): string {
  return `server { listen 127.0.0.1:${port}; location /app/ { proxy_pass ${target}; proxy_http_version 1.1; proxy_buffering off;
    proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; } }`;
}

const it = base
  .extend("behind", { scope: "file" }, async ({}, { onCleanup }) => {
    const server = new TestServer(await freePort(), undefined, { THINKALOUD_SERVER__BASE_PATH: "/app" });
    onCleanup(() => server.remove());
    await server.start();
    return server;
  })
  .extend("site", { scope: "file" }, async ({ behind }, { onCleanup }) => {
    const site = new Site([await freePort(), await freePort()], behind.port);
    onCleanup(() => site.remove());
    await site.listens();
    return site;
  });

inChromium("the page under a path of a site, behind nginx", () => {
  it.skipIf(!NGINX).for([
    ["kept", 0],
    ["taken off", 1],
  ] as const)("answers, comes back after a reload and links to the API where the path is %s", async ([, which], { site, lookAt }) => {
    const { page, consoleLines } = await lookAt(`http://127.0.0.1:${site.ports[which]}/app/`);
    await say(page, "quick, why?");
    await page.getByRole("button", { name: "Copy answer" }).waitFor();
    await page.reload();
    await page.getByText("The answer is 42.").waitFor();
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("link", { name: "API" }).click();
    await page.getByRole("heading", { name: /^thinkaloud/, level: 1 }).waitFor();
    expect(new URL(page.url()).pathname).toBe("/app/api/docs");
    expect(consoleLines).toEqual([]);
  });
});
