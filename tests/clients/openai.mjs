/** OpenAI's own library. */
import OpenAI from "openai";

import { serve } from "./commands.mjs";

let client;
let stream;

function failure(error) {
  return { name: error.constructor.name, status: error.status ?? null, code: error.code ?? null };
}

await serve({
  open({ baseURL }) {
    client = new OpenAI({ baseURL, apiKey: "unused", maxRetries: 0 });
  },
  /** Stream a completion: its texts by field, its tool calls, and how it ended. */
  async chat(body) {
    const texts = {};
    const calls = [];
    const found = { texts, calls, finish: null, usage: null, error: null };
    try {
      const chunks = await client.chat.completions.create({
        ...body,
        stream: true,
        stream_options: { include_usage: true },
      });
      for await (const chunk of chunks) {
        found.usage = chunk.usage ?? found.usage;
        for (const choice of chunk.choices) {
          found.finish = choice.finish_reason ?? found.finish;
          for (const [field, value] of Object.entries(choice.delta)) {
            if (typeof value === "string") texts[field] = (texts[field] ?? "") + value;
          }
          for (const call of choice.delta.tool_calls ?? []) calls[call.index] = call;
        }
      }
    } catch (error) {
      found.error = failure(error);
    }
    return found;
  },
  /** Start a stream and wait for its first reasoning. */
  async think(body) {
    stream = await client.chat.completions.create({ ...body, stream: true });
    for await (const chunk of stream) {
      // Leaving the loop closes the connection.
      if (chunk.choices[0]?.delta.reasoning_content) return;
    }
  },
  /** Stream a response: its texts, how it ended, and the last event. */
  async respond({ resume, until, ...body }) {
    const found = { texts: {}, numbers: [], types: [], last: null, error: null };
    try {
      const events = resume
        ? await client.responses.retrieve(resume, { ...body, stream: true })
        : await client.responses.create({ ...body, stream: true });
      for await (const event of events) {
        found.types.push(event.type);
        found.numbers.push(event.sequence_number);
        found.last = event;
        if (typeof event.delta === "string") {
          found.texts[event.type] = (found.texts[event.type] ?? "") + event.delta;
        }
        // Leaving the loop closes the connection.
        if (event.type === until) break;
      }
    } catch (error) {
      found.error = failure(error);
    }
    return found;
  },
  /** The helper of the library, which collects the response and requires the order of its events. */
  async collected(body) {
    return client.responses.stream(body).finalResponse();
  },
  async models() {
    const found = [];
    for await (const model of client.models.list()) found.push(model.id);
    return { found, one: (await client.models.retrieve(found[0])).id };
  },
});
