/** Every state in both themes, side by side. Not part of the app. */

import "@/app/styles.css";
import "./gallery.css";

import { createRoot } from "react-dom/client";

import { FileAddressContext } from "@/components/message/attached-files";
import { ConnectionBar } from "@/components/connection-bar";
import { useAutoScroll } from "@/components/scroll/auto-scroll";
import { ViewOptionsContext, type Toggles } from "@/components/view-options";
import { Thread } from "@/components/scroll/thread";
import { apply, emptySession } from "@/events/fold";
import { GOLDEN_LOGS } from "@/events/golden";
import type { LoggedEvent } from "@/events/types.gen";
import { parseLog } from "@/session/replay";

import { type GalleryState, STATES } from "./states";

const THEMES = ["light", "dark"] as const;

const ACTIONS = { onRetry: () => undefined, onContinue: () => undefined, onRegenerate: () => undefined, onEdit: () => undefined, onBranch: () => undefined };

function Gallery() {
  const wanted = new URLSearchParams(window.location.search);
  const themes = THEMES.filter((theme) => (wanted.get("theme") ?? theme) === theme);
  const states = STATES.filter((state) => (wanted.get("state") ?? state.name) === state.name);
  return (
    <main className="grid" style={{ gridTemplateColumns: `repeat(${themes.length}, minmax(0, 1fr))` }}>
      <h1 className="sr-only">Every state of a conversation</h1>
      {themes.map((theme) => (
        <div key={theme} style={{ colorScheme: theme }} className="bg-canvas text-ink">
          {states.map((state) => (
            <Picture key={state.name} state={state} />
          ))}
        </div>
      ))}
    </main>
  );
}

function Picture({ state }: { readonly state: GalleryState }) {
  const log = parseLog(GOLDEN_LOGS[state.session] ?? "").slice(0, state.events);
  const { view } = log.reduce(apply, emptySession("conv_golden"));
  const autoScroll = useAutoScroll();
  const reading = {
    thinking: state.thinking ?? "auto",
    serverNow: () => (log.at(-1)?.at_ms ?? 0) + 400,
    toggles: fixed(state.opened ?? []),
    isFollowing: () => true,
  };
  return (
    <section data-picture={state.name} className="border-b border-line">
      <h2 className="px-4 pt-3 text-xs font-medium text-faint">{state.name}</h2>
      {state.connection ? <ConnectionBar state={state.connection} onRetry={() => undefined} /> : null}
      <FileAddressContext value={(runId, number) => addressIn(log, runId, number)}>
        <ViewOptionsContext value={reading}>
          <Thread view={view} autoScroll={autoScroll} actions={ACTIONS} />
        </ViewOptionsContext>
      </FileAddressContext>
    </section>
  );
}

/** An image from the log itself: there's no server. */
function addressIn(log: readonly LoggedEvent[], runId: string, number: number): string | null {
  const started = log.find((each) => each.run_id === runId)?.event;
  const file = started?.type === "run.started" ? started.attachments?.[number - 1] : undefined;
  return file?.base64 ? `data:${file.media_type};base64,${file.base64}` : null;
}

function fixed(opened: readonly string[]): Toggles {
  return { get: (id) => (opened.includes(id) ? true : undefined), set: () => undefined, subscribe: () => () => undefined };
}

const root = document.getElementById("root");
if (!root) throw new Error("Missing #root element.");
createRoot(root).render(<Gallery />);
