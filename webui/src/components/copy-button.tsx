import { Check, Copy } from "lucide-react";
import { useState } from "react";

import { IconButton } from "./ui/button";

/** Copy text to the clipboard. Returns false if the browser denies it. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (error) {
    // There's no clipboard outside a secure context, and it throws without permission.
    if (error instanceof TypeError || error instanceof DOMException) return false;
    throw error;
  }
}

export interface CopyButtonProps {
  readonly label: string;
  /** Called on click, so long text is joined only when needed. */
  readonly text: () => string;
  readonly className?: string;
}

type Said = "idle" | "copied" | "refused";

const WORDS: Readonly<Record<Said, string>> = { idle: "", copied: "Copied", refused: "Your browser blocked copying" };

export function CopyButton({ label, text, className }: CopyButtonProps) {
  const [said, setSaid] = useState<Said>("idle");
  const copy = async () => {
    setSaid((await copyText(text())) ? "copied" : "refused");
    setTimeout(() => setSaid("idle"), 2000);
  };
  return (
    <IconButton label={WORDS[said] || label} className={className} onClick={copy}>
      {said === "copied" ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
      <span role="status" className="sr-only">
        {WORDS[said]}
      </span>
    </IconButton>
  );
}
