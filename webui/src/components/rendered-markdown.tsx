/** The renderer itself: loaded as a part of its own, through `markdown.tsx`. */

import { Image, ImageOff } from "lucide-react";
import { type ComponentProps, memo, type ReactNode, useEffect, useMemo, useState } from "react";
import { type Components, defaultRemarkPlugins, type MathPlugin, type PluginConfig, Streamdown, useIsCodeFenceIncomplete } from "streamdown";

import { CodeBlock } from "./code-block";
import type { MarkdownProps } from "./markdown";
import { hasMath, withDollars } from "./formulas";
import { isInlineImage, safeHref, visible } from "./visible";

const REMARK = Object.values(defaultRemarkPlugins);
/** Nothing here turns raw HTML into elements: it is shown as the text it is. */
const REHYPE: [] = [];

/** Markdown of a model. Hostile until proven otherwise: no HTML, no scripts, nothing loaded unasked. */
const Markdown = memo(function Markdown({ text, growing }: MarkdownProps) {
  const inert = useMemo(() => withDollars(visible(text)), [text]);
  const math = useMath(inert);
  const plugins = useMemo<PluginConfig>(() => (math ? { math } : {}), [math]);
  return (
    <Streamdown
      className="markdown"
      // Settled text too: in this mode what has not changed is not rendered again when the last word is there.
      mode="streaming"
      parseIncompleteMarkdown={growing}
      // Without this it renders nothing again at the end, and what it repaired stays; nothing is animated.
      isAnimating={growing}
      controls={false}
      components={COMPONENTS}
      remarkPlugins={REMARK}
      rehypePlugins={REHYPE}
      plugins={plugins}
    >
      {inert}
    </Streamdown>
  );
});

let loadedMath: MathPlugin | null = null;

function useMath(text: string): MathPlugin | null {
  const [math, setMath] = useState(loadedMath);
  const wanted = hasMath(text);
  useEffect(() => {
    if (!wanted || math) return undefined;
    let gone = false;
    import("./math").then((module) => {
      loadedMath = module.math;
      if (!gone) setMath(module.math);
    }, ignoreMissingChunk);
    return () => {
      gone = true;
    };
  }, [wanted, math]);
  return math;
}

/** Without its chunk (offline) a formula stays readable as its source. */
function ignoreMissingChunk(error: unknown): void {
  if (!(error instanceof TypeError)) throw error;
}

interface HastNode {
  readonly type?: string;
  readonly value?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly children?: readonly HastNode[];
}

function Pre({ node }: { readonly node?: unknown }) {
  const growing = useIsCodeFenceIncomplete();
  const code = (node as HastNode | undefined)?.children?.[0];
  const names = code?.properties?.["className"];
  const name = Array.isArray(names) ? names.map(String).find((each) => each.startsWith("language-")) : undefined;
  return <CodeBlock code={textOf(code).replace(/\n$/, "")} language={name?.slice("language-".length) ?? ""} growing={growing} />;
}

function textOf(node: HastNode | undefined): string {
  return node?.value ?? node?.children?.map(textOf).join("") ?? "";
}

function Link({ href, children }: ComponentProps<"a">) {
  const safe = safeHref(href);
  if (safe === null) return <span title="This link was left out: it does not lead to the web.">{children}</span>;
  return (
    <a href={safe} title={safe} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

function Picture({ src, alt }: ComponentProps<"img">) {
  const [shown, setShown] = useState(false);
  const source = typeof src === "string" ? src : "";
  const name = alt || "without a description";
  if (isInlineImage(source)) {
    if (shown) return <img src={source} alt={name} className="max-h-128 max-w-full rounded-lg" />;
    return (
      <Framed icon={<Image size={16} aria-hidden />}>
        <button type="button" className="underline underline-offset-2" onClick={() => setShown(true)}>
          Show the image: {name}
        </button>
      </Framed>
    );
  }
  const safe = safeHref(source);
  return (
    <Framed icon={<ImageOff size={16} aria-hidden />}>
      {safe === null ? (
        <>Image left out: {name}</>
      ) : (
        <a href={safe} title={safe} target="_blank" rel="noopener noreferrer nofollow">
          Image on {new URL(safe).host}, not loaded: {name}
        </a>
      )}
    </Framed>
  );
}

function Framed({ icon, children }: { readonly icon: ReactNode; readonly children: ReactNode }) {
  return (
    <span className="inline-flex max-w-full items-center gap-2 rounded-lg border border-line bg-sunken px-2.5 py-1 text-sm text-soft">
      {icon}
      <span className="min-w-0">{children}</span>
    </span>
  );
}

function Table({ children }: ComponentProps<"table">) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls sideways, by keyboard too
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Table">
      <table>{children}</table>
    </div>
  );
}

const COMPONENTS = { pre: Pre, a: Link, img: Picture, table: Table, inlineCode: ({ children }: ComponentProps<"code">) => <code>{children}</code> } as Components;

export default Markdown;
