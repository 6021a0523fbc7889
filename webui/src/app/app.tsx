import { Menu as MenuIcon, PanelLeft, SquarePen } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";

import { ConnectionBar } from "@/components/connection-bar";
import type { Toggles } from "@/components/view-options";
import { IconButton } from "@/components/ui/button";
import { cx } from "@/components/ui/cx";
import { Dialog } from "@/components/ui/dialog";
import { visible } from "@/components/message/sanitize";
import { AccountDialog } from "@/features/account/account-dialog";
import { AccountMenu } from "@/features/account/account-menu";
import { LoginView } from "@/features/account/login-view";
import { ChatView } from "@/features/chat/chat-view";
import type { ModelSelection } from "@/features/chat/model-controls";
import { ConnectPage } from "@/features/connect/connect-page";
import { Sidebar } from "@/features/conversations/sidebar";
import { useServices } from "@/features/services";
import type { PreferenceStore } from "@/features/settings/preferences";
import { SettingsDialog } from "@/features/settings/settings-dialog";
import { useStore, useStoreSelector } from "@/features/use-store";
import { useChatSelector } from "@/features/use-chat-selector";
import type { Connection } from "@/session/transport";

import { startOver } from "./start-over";
import { parseRoute, toChat, toPage, useHash } from "./route";

// For admins only, so the first visit doesn't load them.
const KeysPage = lazy(() => import("@/features/admin/keys-page"));
const AuditPage = lazy(() => import("@/features/admin/audit-page"));

export interface AppProps {
  readonly preferences: PreferenceStore;
  readonly toggles: Toggles;
}

export function App({ preferences, toggles }: AppProps) {
  const route = parseRoute(useHash());
  const { client } = useServices();
  const kept = useStore(preferences.state);
  const [settings, setSettings] = useState(false);
  const [account, setAccount] = useState(false);
  const [drawer, setDrawer] = useState(false);
  const [sidebar, setSidebar] = useState(true);
  const chatId = route.page === "chat" ? route.chatId : null;
  useTheme(kept.theme);
  useServerRefresh();
  const open = useCallback((id: string | null) => {
    setDrawer(false);
    toChat(id);
  }, []);
  const choose = useCallback((chosen: ModelSelection) => preferences.change(chosen), [preferences]);
  const side = (
    <Sidebar
      currentId={chatId}
      onOpen={open}
      account={
        <AccountMenu
          onAccount={() => {
            setDrawer(false);
            setAccount(true);
          }}
          onKeys={() => {
            setDrawer(false);
            toPage("keys");
          }}
          onAudit={() => {
            setDrawer(false);
            toPage("audit");
          }}
          onLoggedOut={() => startOver(client)}
        />
      }
      onSettings={() => {
        setDrawer(false);
        setSettings(true);
      }}
    />
  );
  return (
    <div className="flex h-full">
      <div className={cx("hidden w-68 shrink-0 border-r border-line", sidebar && "md:block")}>{side}</div>
      <Dialog open={drawer} onOpenChange={setDrawer} title="Chats" shape="drawer">
        {side}
      </Dialog>
      <main className="flex min-w-0 flex-1 flex-col">
        <Header chatId={chatId} onDrawer={() => setDrawer(true)} onSidebar={() => setSidebar(!sidebar)} />
        <ConnectionStatus />
        {route.page === "connect" ? (
          <ConnectPage onBack={() => toChat(null)} />
        ) : route.page === "keys" || route.page === "audit" ? (
          <Suspense>{route.page === "keys" ? <KeysPage onBack={() => toChat(null)} /> : <AuditPage onBack={() => toChat(null)} />}</Suspense>
        ) : (
          <ChatView key={chatId ?? "new"} chatId={chatId} thinking={kept.thinking} toggles={toggles} enter={kept.enter} chosen={kept} onChoose={choose} onCreated={toChat} />
        )}
      </main>
      <SettingsDialog open={settings} onOpenChange={setSettings} preferences={kept} onChange={preferences.change} />
      <AccountDialog open={account} onOpenChange={setAccount} />
      <LoginView />
    </div>
  );
}

interface HeaderProps {
  readonly chatId: string | null;
  readonly onDrawer: () => void;
  readonly onSidebar: () => void;
}

function Header({ chatId, onDrawer, onSidebar }: HeaderProps) {
  const { client, conversationList, server } = useServices();
  const loaded = useStoreSelector(conversationList.state, (state) => state.loaded);
  const chat = chatId === null ? null : client.chat(chatId);
  const temporary = useChatSelector(chat, () => chat?.state.published().temporary ?? false);
  const phase = useChatSelector(chat, () => chat?.state.published().phase ?? "ready");
  const title = useStoreSelector(conversationList.state, (state) => (chatId === null || phase === "missing" ? "" : (state.titles[chatId] ?? "")));
  useEffect(() => {
    if (loaded && phase === "ready" && !temporary && chatId !== null) void conversationList.learn(chatId);
  }, [conversationList, loaded, phase, temporary, chatId]);
  const demo = useStoreSelector(server.state, (state) => state.bootstrap?.demo ?? false);
  useEffect(() => {
    document.title = title ? `${title} · thinkaloud` : "thinkaloud";
  }, [title]);
  return (
    <header className="flex min-h-13 items-center gap-1 px-2 sm:px-3">
      <IconButton label="Open sidebar" className="md:hidden" onClick={onDrawer}>
        <MenuIcon size={19} aria-hidden />
      </IconButton>
      <IconButton label="Toggle sidebar" className="max-md:hidden" onClick={onSidebar}>
        <PanelLeft size={18} aria-hidden />
      </IconButton>
      <h1 className="min-w-0 flex-1 truncate px-1 text-[0.95rem] font-medium [unicode-bidi:plaintext]">{visible(title) || (temporary ? "Temporary chat" : "thinkaloud")}</h1>
      {demo ? (
        <a href="#/connect" className="rounded-full bg-warn-soft px-3 py-1 text-xs font-medium text-warn hover:underline">
          Demo model<span className="max-sm:hidden"> · connect a real one</span>
        </a>
      ) : null}
      <IconButton label="New chat" onClick={() => toChat(null)}>
        <SquarePen size={18} aria-hidden />
      </IconButton>
    </header>
  );
}

function ConnectionStatus() {
  const { client } = useServices();
  const now = useStore(client.connection);
  // Show the outcome of the last attempt until the next one has an outcome. The very first attempt is not an interruption.
  const [before, setBefore] = useState<Connection | null>(null);
  if (now.state !== "connecting" && now !== before) setBefore(now);
  const last = now.state === "connecting" ? before : now;
  if (last === null || last.state === "unauthorized" || (last === now && now.state === "open")) return null;
  const problem = last.state === "waiting" ? last.problem : null;
  return <ConnectionBar state={now.state === "offline" ? "offline" : "waiting"} problem={problem} onRetry={() => client.retry()} />;
}

function useTheme(theme: "system" | "light" | "dark"): void {
  useEffect(() => {
    document.documentElement.style.colorScheme = theme === "system" ? "light dark" : theme;
  }, [theme]);
}

/** Refresh the server info on every (re)connect. */
function useServerRefresh(): void {
  const { client, server } = useServices();
  const connected = useStore(client.connection).state === "open";
  useEffect(() => {
    if (connected) void server.refresh();
  }, [server, connected]);
}
