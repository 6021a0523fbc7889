import { ChevronDown } from "lucide-react";
import type { ReactNode } from "react";

import { SearchPicker } from "./search-picker";
import { cx } from "@/components/ui/cx";
import { type Choice, Menu, MenuChoices } from "@/components/ui/menu";

export interface PickerProps {
  /** Accessible name. */
  readonly name: string;
  readonly icon?: ReactNode;
  readonly choices: readonly Choice[];
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Whether it keeps its width when space is tight. */
  readonly noShrink?: boolean;
}

/** More choices than this get a search field. */
const FEW = 12;

/** A compact picker for the composer. */
export function Picker({ name, icon, choices, value, onChange, noShrink = false }: PickerProps) {
  const current = choices.find((each) => each.value === value)?.label ?? value;
  const trigger = (
    <button type="button" aria-label={`${name}: ${current}`} className={cx("inline-flex min-h-9 items-center gap-1.5 rounded-lg px-2 text-sm text-soft hover:bg-sunken hover:text-ink", noShrink ? "shrink-0" : "min-w-0")}>
      {icon}
      <span className="truncate">{current}</span>
      <ChevronDown size={14} className="shrink-0" aria-hidden />
    </button>
  );
  if (choices.length > FEW) return <SearchPicker name={name} trigger={trigger} choices={choices} value={value} onChange={onChange} />;
  return (
    <Menu side="top" trigger={trigger}>
      <MenuChoices heading={name} choices={choices} value={value} onChange={onChange} />
    </Menu>
  );
}
