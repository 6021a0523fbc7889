import { Check, Copy } from "lucide-react";
import { useState } from "react";

import { IconButton } from "./ui/button";

/** Put a text on the clipboard. False where the browser does not allow it. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (error) {
    // Without a secure context there is no clipboard at all; without permission it refuses.
    if (error instanceof TypeError || error instanceof DOMException) return false;
    throw error;
  }
}

export interface CopyButtonProps {
  readonly label: string;
  /** Asked when it is pressed, so that a long text is joined only then. */
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
