import { useState } from "react";

import { THINKING_CHOICES, type ThinkingChoice } from "@/components/view-options";
import { cx } from "@/components/ui/cx";
import { Dialog } from "@/components/ui/dialog";
import { ApiProblem } from "@/session/api";

import { useServices } from "../services";
import { useStore } from "../use-store";
import { ENTER_CHOICES, type EnterChoice, type Preferences, type Theme, THEMES } from "./preferences";

const THINKING_LABELS: Readonly<Record<ThinkingChoice, readonly [string, string]>> = {
  auto: ["Automatic", "Open while the model thinks, collapsed when the answer starts"],
  preview: ["Preview", "Collapsed, with a few lines visible"],
  open: ["Always open", "Never collapses on its own"],
  closed: ["Always closed", "Only the heading, until you open it"],
};

const ENTER_LABELS: Readonly<Record<EnterChoice, readonly [string, string]>> = {
  auto: ["Automatic", "Sends; on a touch screen, starts a new line"],
  send: ["Sends", "Shift + Enter starts a new line"],
  newline: ["Starts a new line", "Ctrl + Enter or the button sends"],
};

const THEME_LABELS: Readonly<Record<Theme, string>> = { system: "System", light: "Light", dark: "Dark" };

export interface SettingsDialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  readonly preferences: Preferences;
  readonly onChange: (part: Partial<Preferences>) => void;
}

export function SettingsDialog({ open, onOpenChange, preferences, onChange }: SettingsDialogProps) {
  const { api, server } = useServices();
  const { bootstrap } = useStore(server.state);
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Settings">
      <div className="space-y-6">
        <Choice
          legend="Thinking"
          name="thinking"
          options={THINKING_CHOICES.map((value) => ({ value, label: THINKING_LABELS[value][0], note: THINKING_LABELS[value][1] }))}
          value={preferences.thinking}
          onChange={(thinking) => onChange({ thinking })}
        />
        <Choice
          legend="Enter key"
          name="enter"
          options={ENTER_CHOICES.map((value) => ({ value, label: ENTER_LABELS[value][0], note: ENTER_LABELS[value][1] }))}
          value={preferences.enter}
          onChange={(enter) => onChange({ enter })}
        />
        <Choice
          legend="Appearance"
          name="theme"
          options={THEMES.map((value) => ({ value, label: THEME_LABELS[value] }))}
          value={preferences.theme}
          onChange={(theme) => onChange({ theme })}
        />
        <DefaultModel />
        <Keys />
        <p className="text-xs text-faint">
          thinkaloud {bootstrap?.version ?? ""} ·{" "}
          <a className="underline underline-offset-2" href={api.docsAddress}>
            API
          </a>{" "}
          ·{" "}
          <a className="underline underline-offset-2" href="#/connect" onClick={() => onOpenChange(false)}>
            Connect a model
          </a>
        </p>
      </div>
    </Dialog>
  );
}

interface ChoiceProps<T extends string> {
  readonly legend: string;
  readonly name: string;
  readonly options: readonly { readonly value: T; readonly label: string; readonly note?: string }[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}

function Choice<T extends string>({ legend, name, options, value, onChange }: ChoiceProps<T>) {
  return (
    <fieldset>
      <legend className="mb-2 text-sm font-medium">{legend}</legend>
      <div className="overflow-hidden rounded-xl border border-line bg-raised">
        {options.map((option) => (
          <label key={option.value} className={cx("flex cursor-pointer items-start gap-3 border-line px-3.5 py-2.5 not-first:border-t", option.value === value && "bg-accent-soft")}>
            <input type="radio" name={name} checked={option.value === value} className="mt-1.25 accent-accent" onChange={() => onChange(option.value)} />
            <span className="text-sm">
              {option.label}
              {option.note ? <span className="block text-soft">{option.note}</span> : null}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** The owner's default model. */
function DefaultModel() {
  const { api, server } = useServices();
  const { models } = useStore(server.state);
  const [problem, setProblem] = useState<string | null>(null);
  const current = models.find((each) => each.current)?.id ?? "";
  const change = async (id: string) => {
    try {
      await api.switchModel(id);
      setProblem(null);
      await server.refresh();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      setProblem(error.message);
    }
  };
  if (models.length === 0) return null;
  return (
    <label className="block text-sm">
      <span className="mb-2 block font-medium">Default model</span>
      <select
        value={current}
        className="min-h-10 w-full rounded-lg border border-line-strong bg-raised px-3"
        onChange={(event) => void change(event.target.value)}
      >
        {models.map((each) => (
          <option key={each.id} value={each.id}>
            {each.name} ({each.id})
          </option>
        ))}
      </select>
      <span className="mt-1 block text-soft">Used for new messages that don't name a model, in all your clients.</span>
      {problem ? <span role="alert" className="mt-1 block text-danger">{problem}</span> : null}
    </label>
  );
}

const KEYS = [
  ["/", "Focus the message field"],
  ["Enter", "Send or start a new line (see above)"],
  ["Ctrl + Enter", "Send"],
  ["Shift + Enter", "New line"],
  ["↑", "In an empty field: edit your last message"],
  ["Esc", "Stop the answer or cancel an edit"],
] as const;

function Keys() {
  return (
    <section aria-label="Keyboard shortcuts">
      <h3 className="mb-2 text-sm font-medium">Keyboard shortcuts</h3>
      <dl className="grid grid-cols-[auto_1fr] items-baseline gap-x-4 gap-y-1.5 text-sm">
        {KEYS.map(([key, does]) => (
          <div key={key} className="contents">
            <dt>
              <kbd className="rounded-md border border-line-strong bg-raised px-1.5 py-0.5 font-mono text-xs">{key}</kbd>
            </dt>
            <dd className="text-soft">{does}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
