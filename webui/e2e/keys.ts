/** A server that requires API keys, and its keys. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { freePort, TestServer } from "./test-server";

/** Creates and revokes keys as an admin. */
export class Keys {
  readonly #address: string;
  readonly admin: string;

  constructor(address: string, admin: string) {
    this.#address = address;
    this.admin = admin;
  }

  /** Create a key. Returns its id and its value. */
  async create(name: string, fields: object = {}): Promise<{ readonly id: string; readonly key: string }> {
    return (await this.#ask("POST", "", { name, ...fields })) as { id: string; key: string };
  }

  async revoke(id: string): Promise<void> {
    await this.#ask("DELETE", `/${id}`);
  }

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    const headers = { Authorization: `Bearer ${this.admin}`, ...(body ? { "Content-Type": "application/json" } : {}) };
    const response = await fetch(`${this.#address}/api/v1/keys${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  }
}

/** Start a server that requires keys. */
export async function serverWithKeys(): Promise<{ readonly server: TestServer; readonly keys: Keys }> {
  const server = new TestServer(await freePort(), undefined, (data) => ({ THINKALOUD_AUTH__MODE: "keys", THINKALOUD_ADMIN_KEY_FILE: join(data, "admin-key") }));
  await server.start();
  return { server, keys: new Keys(server.address, readFileSync(server.inData("admin-key"), "utf8").trim()) };
}
