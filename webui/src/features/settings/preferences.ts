/** User preferences, stored in this browser. */

import { THINKING_CHOICES, type ThinkingChoice } from "@/components/view-options";
import { Store } from "@/session/store";
import { saveTo } from "@/session/storage";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export const ENTER_CHOICES = ["auto", "send", "newline"] as const;
export type EnterChoice = (typeof ENTER_CHOICES)[number];

export interface Preferences {
  readonly theme: Theme;
  readonly thinking: ThinkingChoice;
  /** `auto`: a new line on touch screens, else send. */
  readonly enter: EnterChoice;
  readonly model: string;
  readonly effort: string;
}

const KEY = "thinkaloud.preferences";
const DEFAULTS: Preferences = { theme: "system", thinking: "auto", enter: "auto", model: "", effort: "" };

export class PreferenceStore {
  readonly state: Store<Preferences>;
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
    this.state = new Store(read(storage.getItem(KEY)));
  }

  readonly change = (part: Partial<Preferences>): void => {
    this.state.set({ ...this.state.latest, ...part });
    this.state.flush();
    saveTo(this.#storage, KEY, JSON.stringify(this.state.latest));
  };

  /** Reload after another tab has saved. */
  reread(): void {
    this.state.set(read(this.#storage.getItem(KEY)));
  }
}

function read(text: string | null): Preferences {
  const kept = parsed(text);
  return {
    theme: THEMES.find((each) => each === kept["theme"]) ?? DEFAULTS.theme,
    thinking: THINKING_CHOICES.find((each) => each === kept["thinking"]) ?? DEFAULTS.thinking,
    enter: ENTER_CHOICES.find((each) => each === kept["enter"]) ?? DEFAULTS.enter,
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
