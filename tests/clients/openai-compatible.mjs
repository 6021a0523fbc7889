/** The AI SDK's provider for OpenAI-compatible servers, which opencode and many others use. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { jsonSchema, stepCountIs, streamText, tool } from "ai";

import { serve } from "./commands.mjs";

let model;

await serve({
  open({ baseURL, id }) {
    const provider = createOpenAICompatible({ name: "thinkaloud", baseURL, includeUsage: true });
    model = provider(id);
  },
  /** Run the agent loop on the messages, with one tool of its own. */
  async chat({ prompt, options }) {
    const found = { reasoning: "", text: "", usage: null, error: null, finish: null };
    const result = streamText({
      model,
      prompt,
      maxRetries: 0,
      stopWhen: stepCountIs(4),
      providerOptions: { thinkaloud: options ?? {} },
      onError: () => undefined,
      tools: {
        weather: tool({
          description: "Tell the weather.",
          inputSchema: jsonSchema({ type: "object", properties: { city: { type: "string" } } }),
          execute: ({ city }) => `Sunny in ${city}`,
        }),
      },
    });
    for await (const part of result.fullStream) {
      if (part.type === "reasoning-delta") found.reasoning += part.text;
      if (part.type === "text-delta") found.text += part.text;
      if (part.type === "error") found.error = String(part.error?.message ?? part.error);
      if (part.type === "finish") {
        found.usage = part.totalUsage;
        found.finish = part.finishReason;
      }
    }
    return found;
  },
  /** Abort at the first reasoning. */
  async abort({ prompt, options }) {
    const controller = new AbortController();
    const result = streamText({
      model,
      prompt,
      abortSignal: controller.signal,
      providerOptions: { thinkaloud: options ?? {} },
      onError: () => undefined,
    });
    for await (const part of result.fullStream) {
      if (part.type === "reasoning-delta") controller.abort();
    }
  },
});
