/** The protocol's own library, which starts an agent as an editor does. */
import { spawn } from "node:child_process";
import { Readable, Writable } from "node:stream";

import * as acp from "@agentclientprotocol/sdk";

import { serve } from "./commands.mjs";

let agent;
let connection;
let updates = [];
let waiting = null;

function failure(error) {
  return { code: error.code ?? null, message: error.message, data: error.data ?? null };
}

const { agent: methods } = acp.methods;

await serve({
  async open({ program, environment, folder }) {
    const [path, ...rest] = program;
    agent = spawn(path, rest, {
      cwd: folder,
      env: environment,
      stdio: ["pipe", "pipe", "inherit"],
    });
    const stream = acp.ndJsonStream(Writable.toWeb(agent.stdin), Readable.toWeb(agent.stdout));
    const app = acp.client({ name: "test" }).onNotification(
      acp.methods.client.session.update,
      ({ params }) => {
        updates.push(params.update);
        if (params.update.sessionUpdate === waiting?.kind) waiting.resolve();
      },
    );
    connection = app.connect(stream);
    return connection.agent.request(methods.initialize, { protocolVersion: acp.PROTOCOL_VERSION });
  },
  /** Send a request: its result or error, and the updates that came before it. */
  async request({ method, params, cancelAt }) {
    updates = [];
    const reached = cancelAt
      ? new Promise((resolve) => {
          waiting = { kind: cancelAt, resolve };
        })
      : null;
    const asking = connection.agent.request(method, params).then(
      (result) => ({ result, updates }),
      (error) => ({ error: failure(error), updates }),
    );
    if (reached) {
      await reached;
      await connection.agent.notify(methods.session.cancel, { sessionId: params.sessionId });
    }
    return asking;
  },
  /** Close standard input, and return the exit code. */
  close() {
    return new Promise((resolve) => {
      agent.on("exit", resolve);
      agent.stdin.end();
    });
  },
});
