import { MessageSquarePlus, Search, Settings } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";

import { isComposing } from "@/components/composer/keys";
import { Button } from "@/components/ui/button";
import type { ConversationSummary } from "@/session/api";

import { useServices } from "../services";
import { useStore, useStoreSelector } from "../use-store";
import { timesOfDuplicates } from "./duplicate-names";
import { type ConversationActions, ConversationItem } from "./conversation-item";

export interface SidebarProps {
  readonly currentId: string | null;
  readonly onOpen: (id: string | null) => void;
  readonly onSettings: () => void;
  /** Who is logged in, at the bottom. */
  readonly account: ReactNode;
}

/** All conversations by day. */
export function Sidebar({ currentId, onOpen, onSettings, account }: SidebarProps) {
  const { conversationList, client, server } = useServices();
  const { conversations, nextBefore, loaded, problem } = useStore(conversationList.state);
  const connected = useStore(client.connection).state === "open";
  const [wanted, setWanted] = useState("");
  const searches = useStoreSelector(server.state, (state) => state.features["search"] === true);
  const actions = useActions(currentId, onOpen);
  useEffect(() => {
    if (!connected) return undefined;
    const refresh = () => void conversationList.refresh();
    refresh();
    return client.changes.subscribe(refresh);
  }, [conversationList, client, connected]);
  useEffect(() => {
    if (!searches) return undefined;
    const timer = setTimeout(() => void conversationList.search(wanted), SEARCH_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [conversationList, searches, wanted]);
  const found = useMemo(
    () => (searches ? conversations : conversations.filter((each) => nameOf(each).toLowerCase().includes(wanted.trim().toLowerCase()))),
    [searches, conversations, wanted],
  );
  const times = useMemo(() => timesOfDuplicates(found.map((each) => ({ id: each.conversation_id, name: nameOf(each), atMs: each.updated_at_ms }))), [found]);
  return (
    <nav aria-label="Chats" className="flex h-full flex-col bg-panel">
      <div className="space-y-2 p-3">
        <Button className="w-full justify-start" onClick={() => onOpen(null)}>
          <MessageSquarePlus size={16} aria-hidden /> New chat
        </Button>
        <label className="flex items-center gap-2 rounded-lg border border-line bg-canvas px-3 focus-within:border-accent">
          <Search size={15} className="text-faint" aria-hidden />
          <span className="sr-only">Search chats</span>
          <input
            type="search"
            value={wanted}
            placeholder="Search"
            className="min-h-9 w-full bg-transparent text-sm outline-none placeholder:text-faint"
            onChange={(event) => setWanted(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape" && !isComposing(event.nativeEvent)) setWanted("");
            }}
          />
        </label>
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-2 pb-2">
        {problem ? <p className="px-2 py-2 text-sm text-danger">{problem}</p> : null}
        {loaded && found.length === 0 ? <p className="px-2 py-2 text-sm text-faint">{wanted ? "No results." : "No chats yet."}</p> : null}
        {byAge(found).map(([age, group]) => (
          <section key={age} aria-label={age} className="mb-3">
            <h2 className="px-2 pt-2 pb-1 text-xs font-medium text-faint">{age}</h2>
            <ul>
              {group.map((each) => (
                <ConversationItem key={each.conversation_id} id={each.conversation_id} name={nameOf(each)} time={times.get(each.conversation_id)} current={each.conversation_id === currentId} actions={actions} />
              ))}
            </ul>
          </section>
        ))}
        {nextBefore === null ? null : (
          <Button look="quiet" className="w-full" onClick={() => void conversationList.more()}>
            Show more
          </Button>
        )}
      </div>
      <div className="border-t border-line p-2">
        {account}
        <Button look="quiet" className="w-full justify-start" onClick={onSettings}>
          <Settings size={16} aria-hidden /> Settings
        </Button>
      </div>
    </nav>
  );
}

/** Memoized: every item receives them. */
function useActions(currentId: string | null, onOpen: SidebarProps["onOpen"]): ConversationActions {
  const { api, conversationList, client, server } = useServices();
  const exports = useStoreSelector(server.state, (state) => state.features["export"] === true);
  const versions = useStoreSelector(server.state, (state) => state.features["versions"] === true);
  const shown = useRef(currentId);
  useEffect(() => {
    shown.current = currentId;
  }, [currentId]);
  return useMemo(
    () => ({
      onOpen: (id) => {
        onOpen(id);
        if (versions) void conversationList.showFound(id);
      },
      exportAddress: exports ? api.exportAddress : undefined,
      onRename: (id, title) => void conversationList.rename(id, title),
      onDelete: (id) => {
        void conversationList.remove(id);
        client.forget(id);
        if (id === shown.current) onOpen(null);
      },
    }),
    [api, conversationList, client, exports, versions, onOpen],
  );
}

function nameOf(conversation: ConversationSummary): string {
  return conversation.title || "Untitled";
}

/** Delay after the last keystroke before the server searches. */
const SEARCH_PAUSE_MS = 250;

const DAY_MS = 86_400_000;

function byAge(conversations: readonly ConversationSummary[]): [string, ConversationSummary[]][] {
  const today = new Date().setHours(0, 0, 0, 0);
  const groups = new Map<string, ConversationSummary[]>();
  for (const each of conversations) {
    const age = ageOf(each.updated_at_ms, today);
    groups.set(age, [...(groups.get(age) ?? []), each]);
  }
  return [...groups];
}

function ageOf(atMs: number, today: number): string {
  if (atMs >= today) return "Today";
  if (atMs >= today - DAY_MS) return "Yesterday";
  if (atMs >= today - 7 * DAY_MS) return "Previous 7 days";
  return "Earlier";
}
