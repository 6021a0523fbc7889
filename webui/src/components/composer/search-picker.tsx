import * as Popover from "@radix-ui/react-popover";
import { Check, Search } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useState } from "react";

import { formatCount } from "@/components/message/duration";
import { isComposing } from "./keys";
import { cx } from "@/components/ui/cx";
import type { Choice } from "@/components/ui/menu";

export interface SearchPickerProps {
  readonly name: string;
  readonly trigger: ReactNode;
  readonly choices: readonly Choice[];
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** A picker for many choices: a combobox with a grouped list. */
export function SearchPicker({ name, trigger, choices, value, onChange }: SearchPickerProps) {
  const [open, setOpen] = useState(false);
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>{trigger}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          side="top"
          align="start"
          sideOffset={6}
          collisionPadding={8}
          aria-label={name}
          className="unfold z-50 flex max-h-[min(26rem,var(--radix-popover-content-available-height))] w-[min(24rem,92vw)] flex-col overflow-hidden rounded-xl border border-line bg-raised text-ink shadow-lg shadow-black/10"
        >
          <Combobox
            name={name}
            choices={choices}
            value={value}
            onChange={(chosen) => {
              setOpen(false);
              onChange(chosen);
            }}
          />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };

function Combobox({ name, choices, value, onChange }: Omit<SearchPickerProps, "trigger">) {
  const [wanted, setWanted] = useState("");
  const found = useMemo(() => matching(choices, wanted), [choices, wanted]);
  const [active, setActive] = useState(() => Math.max(0, found.findIndex((each) => each.value === value)));
  const list = useId();
  const idOf = (index: number) => `${list}-${index}`;
  const activeId = active < found.length ? `${list}-${active}` : undefined;
  useEffect(() => {
    if (!activeId) return undefined;
    // Wait a frame: the list isn't positioned yet and can't scroll.
    const frame = requestAnimationFrame(() => document.getElementById(activeId)?.scrollIntoView({ block: "nearest" }));
    return () => cancelAnimationFrame(frame);
  }, [activeId]);
  const pressed = (event: KeyboardEvent) => {
    if (isComposing(event.nativeEvent)) return;
    const step = STEPS[event.key];
    const chosen = found[active];
    if (step !== undefined) setActive(Math.min(found.length - 1, Math.max(0, active + step)));
    else if (event.key === "Enter" && chosen) onChange(chosen.value);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div className="flex items-center gap-2 border-b border-line px-3 focus-within:border-accent">
        <Search size={15} className="shrink-0 text-faint" aria-hidden />
        <input
          role="combobox"
          aria-label={`Search: ${name}`}
          aria-expanded
          aria-controls={list}
          aria-activedescendant={activeId}
          aria-autocomplete="list"
          autoComplete="off"
          spellCheck={false}
          value={wanted}
          placeholder={`Search ${choices.length}`}
          className="min-h-10 w-full bg-transparent text-sm outline-none placeholder:text-faint"
          onChange={(event) => {
            setWanted(event.target.value);
            setActive(0);
          }}
          onKeyDown={pressed}
        />
      </div>
      <Options list={list} name={name} found={found} value={value} active={active} idOf={idOf} onChange={onChange} />
      <p role="status" className={found.length === 0 ? "px-3 py-2.5 text-sm text-faint" : "sr-only"}>
        {found.length === 0 ? "No results." : formatCount(found.length, "choice")}
      </p>
    </>
  );
}

interface OptionsProps {
  readonly list: string;
  readonly name: string;
  readonly found: readonly Choice[];
  readonly value: string;
  readonly active: number;
  readonly idOf: (index: number) => string;
  readonly onChange: (value: string) => void;
}

function Options({ list, name, found, value, active, idOf, onChange }: OptionsProps) {
  return (
    // Focus stays in the search field.
    <div id={list} role="listbox" aria-label={name} tabIndex={-1} className={cx("min-h-0 overflow-y-auto p-1", found.length === 0 && "hidden")}>
      {grouped(found).map(([group, members]) => (
        <div key={group} role="group" aria-label={group}>
          <div aria-hidden className="px-2.5 pt-1.5 pb-1 text-xs font-medium text-faint">
            {group}
          </div>
          {members.map(({ choice, index }) => (
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- the combobox handles the keys
            <div
              key={choice.value}
              id={idOf(index)}
              role="option"
              aria-selected={choice.value === value}
              className={cx("flex min-h-9 cursor-pointer items-center gap-2.5 rounded-md px-2.5 py-1.5 text-sm hover:bg-sunken", index === active && "bg-sunken")}
              onClick={() => onChange(choice.value)}
            >
              <span className="min-w-0 flex-1">
                <span className="block truncate">{choice.label}</span>
                {choice.note ? <span className="block truncate text-xs text-faint">{choice.note}</span> : null}
              </span>
              {choice.value === value ? <Check size={16} className="shrink-0" aria-hidden /> : null}
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}

/** The choices that contain every word, by group. */
function matching(choices: readonly Choice[], wanted: string): readonly Choice[] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const found = choices.filter((each) => {
    const text = `${each.label} ${each.value} ${each.group ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const order = [...new Set(found.map((each) => each.group ?? ""))];
  return found.toSorted((one, other) => order.indexOf(one.group ?? "") - order.indexOf(other.group ?? ""));
}

function grouped(found: readonly Choice[]): [string, { choice: Choice; index: number }[]][] {
  const groups = new Map<string, { choice: Choice; index: number }[]>();
  for (const [index, choice] of found.entries()) {
    const members = groups.get(choice.group ?? "") ?? [];
    members.push({ choice, index });
    groups.set(choice.group ?? "", members);
  }
  return [...groups];
}
