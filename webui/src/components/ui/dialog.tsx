import * as Radix from "@radix-ui/react-dialog";
import { X } from "lucide-react";
import { type ReactNode, type RefObject, useRef } from "react";

import { IconButton } from "./button";
import { cx } from "./cx";

export interface DialogProps {
  readonly open: boolean;
  /** Absent: the user can't close it. */
  readonly onOpenChange?: (open: boolean) => void;
  readonly title: string;
  readonly description?: string;
  readonly children: ReactNode;
  /** `drawer` covers the left edge: the sidebar on narrow screens. `page` covers everything. */
  readonly shape?: "center" | "drawer" | "page";
  /** Where focus goes on close, if not to the opener: a menu item is gone by then. */
  readonly returnTo?: RefObject<HTMLElement | null> | undefined;
}

const SHAPES = {
  center: "unfold top-[max(1rem,12vh)] left-1/2 max-h-[80vh] w-[min(32rem,calc(100vw-2rem))] -translate-x-1/2 overflow-y-auto rounded-2xl border border-line p-5",
  drawer: "inset-y-0 left-0 w-[min(20rem,86vw)] overflow-hidden border-r border-line",
  page: "inset-0 overflow-y-auto px-5 pt-[max(2rem,16vh)] pb-8 *:mx-auto *:max-w-sm",
} as const;

export function Dialog({ open, onOpenChange, title, description, children, shape = "center", returnTo }: DialogProps) {
  const centered = shape !== "drawer";
  const opener = useRef<Element | null>(null);
  return (
    <Radix.Root open={open} {...(onOpenChange ? { onOpenChange } : {})}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/35" />
        <Radix.Content
          className={cx("fixed z-50 bg-canvas text-ink shadow-xl shadow-black/15 outline-none", SHAPES[shape])}
          onOpenAutoFocus={(event) => {
            opener.current = document.activeElement;
            if (!centered || !(event.currentTarget instanceof HTMLElement)) return;
            // Skip the close button, which comes first.
            event.preventDefault();
            const content = event.currentTarget;
            (content.querySelector<HTMLElement>("[data-initial-focus]") ?? content).focus();
          }}
          onCloseAutoFocus={(event) => {
            // Radix expects a trigger component, which these dialogs don't have.
            event.preventDefault();
            const back = returnTo ? returnTo.current : opener.current;
            if (back instanceof HTMLElement) back.focus();
          }}
          {...(description ? {} : { "aria-describedby": undefined })}
        >
          <div className={cx(centered ? "mb-4 flex items-start justify-between gap-4" : "sr-only")}>
            <Radix.Title className="text-lg font-semibold">{title}</Radix.Title>
            {shape === "center" && onOpenChange ? (
              <Radix.Close asChild>
                <IconButton label="Close" className="-mt-1 -mr-1">
                  <X size={18} aria-hidden />
                </IconButton>
              </Radix.Close>
            ) : null}
          </div>
          {description ? <Radix.Description className="mb-4 text-sm text-soft">{description}</Radix.Description> : null}
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
