// A chat with assistant-ui. npm install @assistant-ui/react @assistant-ui/react-ai-sdk react react-dom
import {
  AssistantRuntimeProvider,
  ComposerPrimitive,
  MessagePrimitive,
  ThreadPrimitive,
} from "@assistant-ui/react";
import { AssistantChatTransport, useChatRuntime } from "@assistant-ui/react-ai-sdk";

export function Assistant({ server }: { server: string }) {
  const runtime = useChatRuntime({
    transport: new AssistantChatTransport({ api: `${server}/api/v1/ai-sdk/chat` }),
  });
  return (
    <AssistantRuntimeProvider runtime={runtime}>
      <ThreadPrimitive.Root>
        <ThreadPrimitive.Viewport>
          <ThreadPrimitive.Messages components={{ Message }} />
        </ThreadPrimitive.Viewport>
        <ComposerPrimitive.Root>
          <ComposerPrimitive.Input />
          <ComposerPrimitive.Send>Send</ComposerPrimitive.Send>
          <ComposerPrimitive.Cancel>Stop</ComposerPrimitive.Cancel>
        </ComposerPrimitive.Root>
      </ThreadPrimitive.Root>
    </AssistantRuntimeProvider>
  );
}

function Message() {
  return (
    <MessagePrimitive.Root>
      <MessagePrimitive.Parts
        components={{
          Text: ({ text }) => <p>{text}</p>,
          Reasoning: ({ text }) => (
            <details open>
              <summary>Reasoning</summary>
              {text}
            </details>
          ),
          tools: {
            Fallback: ({ toolName, result }) => (
              <pre>
                {toolName}: {String(result ?? "…")}
              </pre>
            ),
          },
        }}
      />
    </MessagePrimitive.Root>
  );
}
