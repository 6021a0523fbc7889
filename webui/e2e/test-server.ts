/** Runs the real server in its own process with its own data, and opens pages on it. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

type Environment = Readonly<Record<string, string>>;

export class TestServer {
  readonly port: number;
  readonly #command: readonly string[];
  readonly #data: string;
  readonly #environment: Environment;
  #process: ChildProcess | null = null;

  /** `command`: a program of the virtual environment with arguments; default: the server with a scripted model. `environment` extends this process's environment, and may depend on the folder with the server's data. */
  constructor(port: number, command: readonly string[] = ["python", "-m", "tests.e2e.scripted_server", String(port)], environment: Environment | ((data: string) => Environment) = {}) {
    this.port = port;
    this.#command = command;
    this.#data = mkdtempSync(join(tmpdir(), "thinkaloud-e2e-"));
    this.#environment = typeof environment === "function" ? environment(this.#data) : environment;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The path of a file next to its data. */
  inData(name: string): string {
    return join(this.#data, name);
  }

  /** Start it and wait until it is reachable. Throws with its output if it exits. */
  async start(): Promise<void> {
    const env = { ...process.env, ...this.#environment, THINKALOUD_DATA_DIR: this.#data };
    const [program = "", ...given] = this.#command;
    const child = spawn(join(ROOT, ".venv/bin", program), given, { cwd: ROOT, env });
    this.#process = child;
    let printed = "";
    await new Promise<void>((reached, failed) => {
      child.stdout.on("data", (data: Buffer) => {
        printed += data.toString();
        if (printed.includes(this.address)) reached();
      });
      child.stderr.on("data", (data: Buffer) => {
        printed += data.toString();
      });
      child.on("exit", () => failed(new Error(`The server ended: ${printed}`)));
    });
  }

  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }

  async remove(): Promise<void> {
    await this.end("SIGKILL");
    rmSync(this.#data, { recursive: true, force: true });
  }
}

/** A proxy to the server that can go silent, like a router that has dropped a connection: sockets stay open, but nothing gets through. */
export class SilentProxy {
  readonly port: number;
  readonly #server;
  readonly #open = new Set<Socket>();
  readonly #lasting = new Set<Socket>();

  constructor(port: number, to: number) {
    this.port = port;
    this.#server = createServer((socket) => {
      const onward = connect(to, "127.0.0.1");
      for (const [one, other] of [[socket, onward], [onward, socket]] as const) {
        this.#open.add(one);
        one.pipe(other);
        one.on("error", () => other.destroy());
        one.on("close", () => this.#open.delete(one));
      }
      socket.on("data", (data: Buffer) => {
        if (/^upgrade: websocket/im.test(data.toString("latin1"))) for (const each of [socket, onward]) this.#lasting.add(each);
      });
    });
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** Nothing gets through existing WebSockets any more; new connections work. Idle HTTP connections are closed. */
  forget(): void {
    for (const socket of this.#open) {
      if (this.#lasting.has(socket)) socket.unpipe().pause();
      else socket.destroy();
    }
  }

  remove(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A separate browser context, with the console output of its pages. */
export interface Visit {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly consoleLines: string[];
}

export async function visit(browser: Browser, address: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const consoleLines: string[] = [];
  context.on("console", (line) => consoleLines.push(`${line.type()}: ${line.text()}`));
  context.on("weberror", (error) => consoleLines.push(`error: ${error.error().message}`));
  const page = await context.newPage();
  await page.goto(address);
  return { context, page, consoleLines };
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Your message").fill(text);
  await page.keyboard.press("Enter");
}
