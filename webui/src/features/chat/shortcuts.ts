/** Global keyboard shortcuts. */

import { type RefObject, useEffect } from "react";

import { isComposing } from "@/components/composer/keys";

export interface Shortcuts {
  readonly field: RefObject<HTMLTextAreaElement | null>;
  /** Stops the run or cancels the edit. Absent if there is neither. */
  readonly onEscape: (() => void) | undefined;
}

export function useShortcuts({ field, onEscape }: Shortcuts): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isModified(event) || isComposing(event)) return;
      if (event.key === "/" && !isWriting(event.target)) {
        event.preventDefault();
        field.current?.focus();
      } else if (event.key === "Escape" && onEscape && !handlesEscape(event.target, field.current)) {
        onEscape();
      }
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [field, onEscape]);
}

/** Whether Escape belongs to a dialog, menu or another field, such as the search. */
function handlesEscape(target: EventTarget | null, field: HTMLElement | null): boolean {
  return document.querySelector("[role=dialog],[role=menu]") !== null || (isWriting(target) && target !== field);
}

function isModified(event: KeyboardEvent): boolean {
  return event.ctrlKey || event.metaKey || event.altKey;
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}
