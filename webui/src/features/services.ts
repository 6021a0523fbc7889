/** Services shared by all features, created once by the app. */

import { createContext, useContext } from "react";

import type { Api } from "@/session/api";
import type { Client } from "@/session/client";
import type { ConversationList } from "@/session/conversation-list";
import type { ServerInfo } from "@/session/server-info";

export interface Services {
  readonly api: Api;
  readonly client: Client;
  readonly conversationList: ConversationList;
  readonly server: ServerInfo;
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error("Features need a ServicesContext.");
  return services;
}
