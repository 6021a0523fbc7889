/** Hash routing. */

import { startTransition, useEffect, useState } from "react";

export type Route = { readonly page: "chat"; readonly chatId: string | null } | { readonly page: "connect" | "keys" | "audit" };

export function parseRoute(hash: string): Route {
  if (hash === "#/connect") return { page: "connect" };
  if (hash === "#/keys") return { page: "keys" };
  if (hash === "#/audit") return { page: "audit" };
  const chatId = /^#\/c\/([A-Za-z0-9_:-]{1,64})$/.exec(hash)?.[1] ?? null;
  return { page: "chat", chatId };
}

export function toChat(chatId: string | null): void {
  window.location.hash = chatId === null ? "#/" : `#/c/${chatId}`;
}

export function toPage(page: "keys" | "audit"): void {
  window.location.hash = `#/${page}`;
}

/** The current URL hash. Changes are transitions, so the current page stays responsive while the next one renders. */
export function useHash(): string {
  const [hash, setHash] = useState(window.location.hash);
  useEffect(() => {
    const changed = () => startTransition(() => setHash(window.location.hash));
    window.addEventListener("hashchange", changed);
    changed();
    return () => window.removeEventListener("hashchange", changed);
  }, []);
  return hash;
}
