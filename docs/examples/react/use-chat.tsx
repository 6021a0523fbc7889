// A chat with useChat of the AI SDK. npm install ai @ai-sdk/react react react-dom
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport, type UIMessage } from "ai";
import { type FormEvent, useEffect, useState } from "react";

export function Chat({ server, id }: { server: string; id: string }) {
  const [stored, setStored] = useState<UIMessage[]>();
  useEffect(() => {
    fetch(`${server}/api/v1/ai-sdk/chat/${id}`)
      .then((response) => response.json())
      .then(setStored);
  }, [server, id]);
  return stored && <Messages server={server} id={id} stored={stored} />;
}

function Messages({ server, id, stored }: { server: string; id: string; stored: UIMessage[] }) {
  const api = `${server}/api/v1/ai-sdk/chat`;
  const [text, setText] = useState("");
  const chat = useChat({
    id,
    messages: stored,
    resume: true, // continue an answer that is still being written
    transport: new DefaultChatTransport({ api, body: { resumable: true } }),
  });

  function send(event: FormEvent) {
    event.preventDefault();
    chat.sendMessage({ text });
    setText("");
  }

  async function stop() {
    await fetch(`${api}/${id}/stop`, { method: "POST" });
    await chat.stop();
  }

  return (
    <form onSubmit={send}>
      {chat.messages.map((message) => (
        <section key={message.id} data-role={message.role}>
          {message.parts.map((part, index) => (
            <Part key={index} part={part} />
          ))}
        </section>
      ))}
      {chat.error && <p role="alert">{chat.error.message}</p>}
      <input value={text} onChange={(event) => setText(event.target.value)} />
      {chat.status === "ready" ? (
        <button type="submit">Send</button>
      ) : (
        <button type="button" onClick={stop}>
          Stop
        </button>
      )}
    </form>
  );
}

function Part({ part }: { part: UIMessage["parts"][number] }) {
  switch (part.type) {
    case "text":
      return <p>{part.text}</p>;
    case "reasoning":
      return (
        <details open={part.state === "streaming"}>
          <summary>Reasoning</summary>
          {part.text}
        </details>
      );
    case "dynamic-tool":
      return (
        <pre>
          {part.toolName}: {part.state === "output-available" ? String(part.output) : part.state}
        </pre>
      );
    default:
      return null;
  }
}
