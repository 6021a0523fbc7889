/** The HTTP agent of AG-UI, which CopilotKit and others use. The argument is its version: 0 or 1. */
import { serve } from "./commands.mjs";

const { HttpAgent } = await import({ 0: "@ag-ui/client-0", 1: "@ag-ui/client" }[process.argv[2]]);

let agent;
let events;
let failure;
let pending;
let watchers = [];

// Of an aborted request, versions of the client leave a rejected promise that nobody awaits.
process.on("unhandledRejection", (error) => {
  if (error?.name !== "AbortError") throw error;
});

function changed() {
  watchers = watchers.filter((watcher) => !watcher());
}

function state() {
  return { messages: agent.messages, events, failure };
}

await serve({
  open({ url, threadId, messages }) {
    agent = new HttpAgent({ url, threadId, initialMessages: messages ?? [] });
  },
  run({ message, messages, ...parameters }) {
    events = [];
    failure = null;
    if (messages) agent.setMessages(messages);
    if (message) agent.addMessage(message);
    pending = agent
      .runAgent(parameters, {
        onEvent: ({ event }) => {
          events.push(event);
        },
        onMessagesChanged: changed,
        onRunErrorEvent: ({ event }) => {
          failure = event.message;
        },
      })
      .catch((error) => {
        failure = String(error?.message ?? error);
      });
  },
  abort() {
    agent.abortRun();
  },
  /** Wait until a message of this role shows this text. */
  until({ role, text }) {
    return new Promise((resolve) => {
      watchers.push(() => {
        if (!agent.messages.some((each) => each.role === role && each.content?.includes(text))) {
          return false;
        }
        resolve(state());
        return true;
      });
      changed();
    });
  },
  async end() {
    await pending;
    return state();
  },
});
