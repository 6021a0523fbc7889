/** Where the page is, from the part of its address after `#`. */

import { useSyncExternalStore } from "react";

export type Route = { readonly page: "chat"; readonly chatId: string | null } | { readonly page: "connect" };

export function parseRoute(hash: string): Route {
  if (hash === "#/connect") return { page: "connect" };
  const chatId = /^#\/c\/([A-Za-z0-9_:-]{1,64})$/.exec(hash)?.[1] ?? null;
  return { page: "chat", chatId };
}

export function toChat(chatId: string | null): void {
  window.location.hash = chatId === null ? "#/" : `#/c/${chatId}`;
}

export function useHash(): string {
  return useSyncExternalStore(
    (changed) => {
      window.addEventListener("hashchange", changed);
      return () => window.removeEventListener("hashchange", changed);
    },
    () => window.location.hash,
  );
}
