import { Image, ImageOff } from "lucide-react";
import { type ReactNode, useState } from "react";

import { isInlineImage, safeHref } from "@/components/message/sanitize";

export function ExternalLink({ href, children }: { readonly href: string; readonly children: ReactNode }) {
  const safe = safeHref(href);
  if (safe === null) return <span title="Link removed: only web and email links are allowed.">{children}</span>;
  return (
    <a href={safe} title={safe} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

export function MarkdownImage({ src, alt }: { readonly src: string; readonly alt: string }) {
  const [shown, setShown] = useState(false);
  const name = alt || "no description";
  if (isInlineImage(src)) {
    if (shown) return <img src={src} alt={name} className="max-h-128 max-w-full rounded-lg" />;
    return (
      <Framed icon={<Image size={16} aria-hidden />}>
        <button type="button" className="underline underline-offset-2" onClick={() => setShown(true)}>
          Show image: {name}
        </button>
      </Framed>
    );
  }
  const safe = safeHref(src);
  return (
    <Framed icon={<ImageOff size={16} aria-hidden />}>
      {safe === null ? (
        <>Image blocked: {name}</>
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
