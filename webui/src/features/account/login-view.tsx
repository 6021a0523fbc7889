import { CircleAlert, KeyRound } from "lucide-react";
import { type FormEvent, useId, useState } from "react";

import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { ApiProblem } from "@/session/api";

import { useServices } from "../services";
import { useStore, useStoreSelector } from "../use-store";

/** Covers the page while the server needs a login. The page stays as it is below, with drafts and files. */
export function LoginView() {
  const { client, server } = useServices();
  const { state } = useStore(client.connection);
  const knownBefore = useStoreSelector(server.state, (now) => now.me !== null);
  // A new attempt doesn't end the need for a login until it has an outcome.
  const [needed, setNeeded] = useState(false);
  if (state !== "connecting" && needed !== (state === "unauthorized")) setNeeded(state === "unauthorized");
  return (
    <Dialog open={needed} shape="page" title={knownBefore ? "Log in again" : "Log in to thinkaloud"}>
      <LoginForm intro={knownBefore ? AGAIN : FIRST} />
    </Dialog>
  );
}

const FIRST = "This server needs an API key.";
const AGAIN = "Your login has ended: you've logged out, or your key has expired or was revoked. Your drafts are still here.";

function LoginForm({ intro }: { readonly intro: string }) {
  const { api, client } = useServices();
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const problemId = useId();
  const logIn = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await api.logIn(key.trim());
      setProblem(null);
      setKey("");
      client.retry();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      setProblem(error.status === 401 ? WRONG : error.message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="space-y-4" onSubmit={(event) => void logIn(event)}>
      <p className="text-soft text-pretty">{intro}</p>
      {/* Password managers file the key under this name. */}
      <input type="text" name="username" autoComplete="username" value="thinkaloud" readOnly hidden />
      <label className="block text-sm">
        <span className="mb-1.5 block font-medium">API key</span>
        <input
          type="password"
          data-initial-focus
          required
          value={key}
          maxLength={512}
          placeholder="ta_…"
          autoComplete="current-password"
          autoCapitalize="off"
          spellCheck={false}
          aria-invalid={problem !== null}
          aria-describedby={problem === null ? undefined : problemId}
          className="min-h-11 w-full rounded-lg border border-line-strong bg-raised px-3 font-mono text-base placeholder:text-faint"
          onChange={(event) => setKey(event.target.value)}
        />
      </label>
      {problem === null ? null : (
        <p id={problemId} role="alert" className="flex gap-2 rounded-lg bg-danger-soft px-3 py-2 text-sm text-danger">
          <CircleAlert size={16} className="mt-0.5 shrink-0" aria-hidden /> {problem}
        </p>
      )}
      <Button type="submit" look="primary" className="min-h-11 w-full" disabled={busy || key.trim() === ""}>
        <KeyRound size={16} aria-hidden /> {busy ? "Logging in…" : "Log in"}
      </Button>
      <p className="text-sm text-faint text-pretty">
        Don't have a key? Ask the person who runs this server. They can create one with <code className="font-mono text-[0.92em]">thinkaloud keys create NAME</code>. This page
        doesn't store your key.
      </p>
    </form>
  );
}

const WRONG = "This key isn't valid. Check that you've copied all of it; it may also have expired or been revoked.";
