/** Anthropic's own library. */
import Anthropic from "@anthropic-ai/sdk";

import { serve } from "./commands.mjs";

let client;

function failure(error) {
  return { name: error.constructor.name, status: error.status ?? null, type: error.type ?? null };
}

await serve({
  open({ baseURL }) {
    client = new Anthropic({ baseURL, apiKey: "unused", maxRetries: 0 });
  },
  /** Stream a message: what its helper reports, and the message that it builds. */
  async message(body) {
    const found = { thinking: "", text: "", message: null, error: null };
    const stream = client.messages.stream(body);
    stream.on("thinking", (delta) => (found.thinking += delta));
    stream.on("text", (delta) => (found.text += delta));
    try {
      found.message = await stream.finalMessage();
    } catch (error) {
      found.error = failure(error);
    }
    return found;
  },
  /** Get a complete message. */
  async create(body) {
    try {
      return { message: await client.messages.create(body), error: null };
    } catch (error) {
      return { message: null, error: failure(error) };
    }
  },
  /** Start a stream and leave it at its first reasoning. */
  async think(body) {
    const stream = await client.messages.create({ ...body, stream: true });
    for await (const event of stream) {
      // Leaving the loop closes the connection.
      if (event.delta?.type === "thinking_delta") return;
    }
  },
  async models() {
    const found = [];
    for await (const model of client.models.list()) found.push(model.id);
    return { found, one: (await client.models.retrieve(found[0])).id };
  },
  count: (body) => client.messages.countTokens(body),
});
