/** The chat of the AI SDK, as `useChat` uses it. The argument is its version: 6 or 7. */
import { serve } from "./commands.mjs";

const [reactPackage, corePackage] = {
  6: ["@ai-sdk/react-3", "ai-6"],
  7: ["@ai-sdk/react", "ai"],
}[process.argv[2]];
const { Chat } = await import(reactPackage);
const { DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls, validateUIMessages } =
  await import(corePackage);

let chat;
let data;
let toolCalls;
let pending;
let watchers = [];

/** Start a request without waiting for its end: a test may want to look at it before that. */
function start(promise) {
  pending = promise.catch(() => undefined).finally(changed);
}

function changed() {
  watchers = watchers.filter((watcher) => !watcher());
}

function state() {
  return {
    status: chat.status,
    error: chat.error === undefined ? null : chat.error.message,
    messages: chat.messages,
    data,
    toolCalls,
  };
}

function parts(type) {
  return chat.messages.at(-1)?.parts.filter((part) => part.type === type) ?? [];
}

await serve({
  async open({ api, id, messages, body, answers }) {
    if (messages) await validateUIMessages({ messages });
    data = [];
    toolCalls = [];
    chat = new Chat({
      id,
      messages: messages ?? [],
      transport: new DefaultChatTransport({ api, body: body ?? {} }),
      onData: (part) => data.push(part),
      onToolCall: ({ toolCall }) => {
        toolCalls.push(toolCall);
        if (answers?.[toolCall.toolName] !== undefined) {
          // Not awaited: the chat would wait for itself.
          chat.addToolOutput({
            tool: toolCall.toolName,
            toolCallId: toolCall.toolCallId,
            output: answers[toolCall.toolName],
          });
        }
      },
      ...(answers && { sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls }),
    });
    chat["~registerMessagesCallback"](changed);
    chat["~registerStatusCallback"](changed);
  },
  send({ message }) {
    start(chat.sendMessage(message));
  },
  regenerate({ messageId }) {
    start(chat.regenerate({ messageId }));
  },
  resume() {
    start(chat.resumeStream());
  },
  async stop() {
    await chat.stop();
    return state();
  },
  /** Wait until the answer shows this text in parts of this type. */
  until({ type, text }) {
    return new Promise((resolve) => {
      watchers.push(() => {
        if (!parts(type).some((part) => part.text?.includes(text))) return false;
        resolve(state());
        return true;
      });
      changed();
    });
  },
  /** Wait for the end of the request, and of those that the chat sends by itself. */
  async end() {
    await pending;
    await new Promise((resolve) => {
      watchers.push(() => {
        if (chat.status === "submitted" || chat.status === "streaming") return false;
        resolve();
        return true;
      });
      changed();
    });
    return state();
  },
});
