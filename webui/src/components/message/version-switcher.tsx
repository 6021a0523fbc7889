import { ChevronLeft, ChevronRight } from "lucide-react";

import { IconButton } from "@/components/ui/button";

export interface VersionSwitcherProps {
  /** All versions, oldest first, as run ids. */
  readonly versions: readonly string[];
  /** The one that is shown. */
  readonly shown: string;
  /** Under which of the two it stands: a message has the same versions as its answer. */
  readonly of: "message" | "answer";
  /** Show another one. Absent while none can be selected. */
  readonly onSelect?: ((runId: string) => void) | undefined;
}

/** ‹ 2/3 ›: which version of a message is shown, and the way to the others. Nothing where there is one. */
export function VersionSwitcher({ versions, shown, of, onSelect }: VersionSwitcherProps) {
  const index = versions.indexOf(shown);
  if (versions.length < 2 || index === -1) return null;
  const place = `${index + 1} of ${versions.length}`;
  const step = (label: string, to: string | undefined, icon: React.ReactNode) => {
    const disabled = !onSelect || to === undefined;
    // Not `disabled`: the focus stays where it is when the last version is reached.
    return (
      <IconButton label={label} className="size-8 aria-disabled:opacity-40" aria-disabled={disabled} onClick={() => (disabled ? undefined : onSelect(to))}>
        {icon}
      </IconButton>
    );
  };
  return (
    <div role="group" aria-label={`Versions of the ${of}`} className="flex items-center text-xs text-faint">
      {step("Previous version", versions[index - 1], <ChevronLeft size={16} aria-hidden />)}
      {/* Told once, not under the message and under the answer. */}
      <span role={of === "answer" ? "status" : undefined} className="tabular-nums">
        <span aria-hidden>
          {index + 1}/{versions.length}
        </span>
        <span className="sr-only">{`Version ${place}`}</span>
      </span>
      {step("Next version", versions[index + 1], <ChevronRight size={16} aria-hidden />)}
    </div>
  );
}
