import { ArrowLeft, CircleAlert, CircleCheck, Loader } from "lucide-react";
import { type ReactNode, useState } from "react";

import { CodeBlock } from "@/components/markdown/code-block";
import { Button } from "@/components/ui/button";
import { visible } from "@/components/message/sanitize";
import { ApiProblem, type ModelChoice } from "@/session/api";

import { useServices } from "../services";
import { useStore } from "../use-store";

const WITH_A_KEY = "export ANTHROPIC_API_KEY=…      # or OPENAI_API_KEY, GEMINI_API_KEY, …\nthinkaloud serve --model anthropic/claude-sonnet-5";

const OWN_HOST = `[model]
default = "lab/qwen3"

[hosts.lab]
dialect = "openai-chat"
base_url = "http://127.0.0.1:9000/v1"
api_key_env = "LAB_API_KEY"`;

/** Explains how to connect a model, and tests configured ones. */
export function ConnectPage({ onBack }: { readonly onBack: () => void }) {
  const { server } = useServices();
  const { models, bootstrap } = useStore(server.state);
  const real = models.filter((each) => each.provider !== "demo");
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <div className="mx-auto max-w-2xl px-5 py-8">
        <Button look="quiet" className="-ml-3" onClick={onBack}>
          <ArrowLeft size={16} aria-hidden /> Back
        </Button>
        <h2 className="mt-3 text-2xl font-semibold tracking-tight">Connect a model</h2>
        <p className="mt-2 text-soft">
          {bootstrap?.demo ? "You're using the demo model. Its reasoning is scripted." : `New messages go to ${visible(bootstrap?.model ?? "no model")}.`}
        </p>
        <Step title="Use a provider's API key">
          <p>Set the key in the server's environment and restart it. The key stays on the server; this page never sees it.</p>
          <CodeBlock code={WITH_A_KEY} language="bash" growing={false} />
        </Step>
        <Step title="Use your own model server">
          <p>
            Any server with a supported API works: vLLM, llama.cpp, LM Studio, Ollama and others. Add it to{" "}
            <code className="font-mono text-sm">thinkaloud.toml</code> and restart. A local server on its default port is found automatically.
          </p>
          <CodeBlock code={OWN_HOST} language="toml" growing={false} />
        </Step>
        <Step title="Test your models">
          <p>{real.length === 0 ? "No real model is configured yet. Your models appear here after you restart the server." : "These models are configured. A test sends one short message."}</p>
          {real.length === 0 ? (
            <div>
              <Button onClick={() => void server.refresh()}>Refresh</Button>
            </div>
          ) : (
            <ul className="overflow-hidden rounded-xl border border-line bg-raised">
              {real.map((model) => (
                <TestedModel key={model.id} model={model} />
              ))}
            </ul>
          )}
        </Step>
      </div>
    </div>
  );
}

function Step({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="mt-8">
      <h3 className="font-semibold">{title}</h3>
      <div className="mt-2 space-y-3 text-soft">{children}</div>
    </section>
  );
}

type Tested = { readonly state: "idle" | "running" } | { readonly state: "ok" | "failed"; readonly words: string };

function TestedModel({ model }: { readonly model: ModelChoice }) {
  const { api, server } = useServices();
  const [tested, setTested] = useState<Tested>({ state: "idle" });
  const attempt = async (step: () => Promise<string>) => {
    setTested({ state: "running" });
    try {
      setTested({ state: "ok", words: await step() });
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      setTested({ state: "failed", words: error.message });
    }
  };
  const test = () => attempt(async () => `Reply: ${(await api.testModel(model.id)).trim().slice(0, 120)}`);
  const use = () =>
    attempt(async () => {
      await api.switchModel(model.id);
      await server.refresh();
      return "New messages now go to this model.";
    });
  return (
    <li className="border-line px-4 py-3 not-first:border-t">
      <div className="flex items-center gap-3">
        <div className="min-w-0 flex-1">
          <p className="truncate font-medium text-ink">{visible(model.name)}</p>
          <p className="truncate text-sm">{visible(model.id)}</p>
        </div>
        <Button disabled={tested.state === "running"} onClick={() => void test()}>
          Test
        </Button>
        <Button look="primary" disabled={model.current || tested.state === "running"} onClick={() => void use()}>
          {model.current ? "In use" : "Use"}
        </Button>
      </div>
      <p role="status" className="mt-1 flex items-center gap-2 text-sm empty:hidden">
        {said(tested)}
      </p>
    </li>
  );
}

function said(tested: Tested): ReactNode {
  switch (tested.state) {
    case "idle":
      return null;
    case "running":
      return (
        <>
          <Loader size={15} className="animate-spin" aria-hidden /> Testing…
        </>
      );
    case "ok":
      return (
        <>
          <CircleCheck size={15} className="text-accent" aria-hidden /> {visible(tested.words)}
        </>
      );
    case "failed":
      return (
        <span className="flex items-center gap-2 text-danger">
          <CircleAlert size={15} aria-hidden /> {visible(tested.words)}
        </span>
      );
    default: {
      const never: never = tested;
      return never;
    }
  }
}
