import { ChevronLeft, ChevronRight } from "lucide-react";

import { IconButton } from "@/components/ui/button";

export interface VersionSwitcherProps {
  /** Run ids of all versions, oldest first. */
  readonly versions: readonly string[];
  /** The version shown. */
  readonly shown: string;
  /** What the switcher is below: a message and its answer have the same versions. */
  readonly of: "message" | "answer";
  /** Selects a version. Absent while that isn't possible. */
  readonly onSelect?: ((runId: string) => void) | undefined;
}

/** ‹ 2/3 ›: switches between the versions of a message. Renders nothing if there is only one. */
export function VersionSwitcher({ versions, shown, of, onSelect }: VersionSwitcherProps) {
  const index = versions.indexOf(shown);
  if (versions.length < 2 || index === -1) return null;
  const place = `${index + 1} of ${versions.length}`;
  const step = (label: string, to: string | undefined, icon: React.ReactNode) => {
    const disabled = !onSelect || to === undefined;
    // Not `disabled`: focus must stay on the button at the last version.
    return (
      <IconButton label={label} className="size-8 aria-disabled:opacity-40" aria-disabled={disabled} onClick={() => (disabled ? undefined : onSelect(to))}>
        {icon}
      </IconButton>
    );
  };
  return (
    <div role="group" aria-label={`Versions of the ${of}`} className="flex items-center text-xs text-faint">
      {step("Previous version", versions[index - 1], <ChevronLeft size={16} aria-hidden />)}
      {/* Announce once, not for both message and answer. */}
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
