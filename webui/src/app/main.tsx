import "./styles.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { preloadMarkdown } from "@/components/markdown/markdown";
import { prependToDraft } from "@/features/chat/drafts";
import { ServicesContext } from "@/features/services";
import { PreferenceStore } from "@/features/settings/preferences";
import { Api } from "@/session/api";
import { Client } from "@/session/client";
import { ConversationList } from "@/session/conversation-list";
import { ServerInfo } from "@/session/server-info";
import { isLoopback, WebSocketTransport } from "@/session/websocket";

import { App } from "./app";
import { startOver } from "./start-over";
import { basePath } from "./site-path";
import { storedToggles } from "./toggles";
import { fitVisibleHeight } from "./visible-height";

const api = new Api(basePath(document), () => client.reconnect());
const server = new ServerInfo(api, undefined, () => startOver(client));
const transport = new WebSocketTransport({
  address: (given) => server.address(window.location, given),
  connect: ({ url, protocols }) => new WebSocket(url, [...protocols]),
  // A server on this machine is reachable without a network.
  isOnline: () => navigator.onLine || isLoopback(window.location.hostname),
  onEnvironmentChange: (changed) => {
    const looked = () => {
      if (document.visibilityState === "visible") changed();
    };
    for (const event of ["online", "offline"]) window.addEventListener(event, changed);
    document.addEventListener("visibilitychange", looked);
    return () => {
      for (const event of ["online", "offline"]) window.removeEventListener(event, changed);
      document.removeEventListener("visibilitychange", looked);
    };
  },
  random: Math.random,
});
const client = new Client(transport);
const preferences = new PreferenceStore(localStorage);
window.addEventListener("pagehide", (event) => {
  // Unsent messages become drafts again. A page in the back/forward cache keeps them itself.
  if (!event.persisted) for (const [id, texts] of client.unsent()) prependToDraft(id, texts);
});
window.addEventListener("storage", () => preferences.reread());
client.start();
if (window.visualViewport) fitVisibleHeight(window.visualViewport, window, document.documentElement.style);
window.addEventListener("load", preloadMarkdown);

const root = document.getElementById("root");
if (!root) throw new Error("Missing #root element.");
createRoot(root).render(
  <StrictMode>
    <ServicesContext value={{ api, client, conversationList: new ConversationList(api), server }}>
      <App preferences={preferences} toggles={storedToggles(sessionStorage)} />
    </ServicesContext>
  </StrictMode>,
);
