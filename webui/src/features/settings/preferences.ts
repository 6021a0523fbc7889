/** What this browser remembers of how its user likes things. */

import { THINKING_CHOICES, type ThinkingChoice } from "@/components/reading";
import { Cell } from "@/session/cell";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export interface Preferences {
  readonly theme: Theme;
  readonly thinking: ThinkingChoice;
  readonly model: string;
  readonly effort: string;
}

const KEY = "thinkaloud.preferences";
const DEFAULTS: Preferences = { theme: "system", thinking: "auto", model: "", effort: "" };

export class PreferenceStore {
  readonly state: Cell<Preferences>;
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
    this.state = new Cell(read(storage.getItem(KEY)));
  }

  readonly change = (part: Partial<Preferences>): void => {
    this.state.set({ ...this.state.latest, ...part });
    this.state.flush();
    this.#storage.setItem(KEY, JSON.stringify(this.state.latest));
  };

  /** Another tab wrote. */
  reread(): void {
    this.state.set(read(this.#storage.getItem(KEY)));
  }
}

function read(text: string | null): Preferences {
  const kept = parsed(text);
  return {
    theme: THEMES.find((each) => each === kept["theme"]) ?? DEFAULTS.theme,
    thinking: THINKING_CHOICES.find((each) => each === kept["thinking"]) ?? DEFAULTS.thinking,
    model: typeof kept["model"] === "string" ? kept["model"] : DEFAULTS.model,
    effort: typeof kept["effort"] === "string" ? kept["effort"] : DEFAULTS.effort,
  };
}

function parsed(text: string | null): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
