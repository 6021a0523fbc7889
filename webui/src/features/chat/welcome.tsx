import { useServices } from "../services";
import { useStore } from "../use-store";

const SUGGESTIONS = [
  "What is 17 × 23, and how do you get there?",
  "How many weekends are there in a leap year?",
  "Write a Python function that finds palindromes.",
];

/** Explains temporary chats. */
export const TEMPORARY_TEXT = "Temporary chat: not saved and not shown in history";

export interface WelcomeProps {
  readonly onSuggestion: (text: string) => void;
  readonly temporary: boolean;
  readonly onTemporary: (temporary: boolean) => void;
}

/** The start screen. */
export function Welcome({ onSuggestion, temporary, onTemporary }: WelcomeProps) {
  const { server } = useServices();
  const { bootstrap, features } = useStore(server.state);
  return (
    <div className="flex min-h-0 flex-1 flex-col items-center justify-center-safe overflow-y-auto px-4 py-4 text-center">
      <h2 className="text-2xl font-semibold tracking-tight text-balance sm:text-[1.75rem]">What shall we think about?</h2>
      <p className="mt-2 max-w-md text-soft text-balance">
        {features["reasoning_output"] === false ? "This server hides the model's thinking and shows only its answers." : "You see the model's thinking as it happens. It collapses when the answer starts."}
      </p>
      {bootstrap?.demo ? (
        <p className="mt-4 max-w-md rounded-xl bg-warn-soft px-4 py-2.5 text-sm text-warn">
          No model is configured, so you're using the demo model.{" "}
          <a href="#/connect" className="font-medium underline underline-offset-2">
            Connect a real one
          </a>
        </p>
      ) : null}
      <ul className="mt-6 flex max-w-2xl flex-wrap justify-center gap-2">
        {SUGGESTIONS.map((text) => (
          <li key={text}>
            <button
              type="button"
              className="rounded-full border border-line bg-raised px-4 py-2 text-sm text-soft transition-colors hover:border-line-strong hover:text-ink"
              onClick={() => onSuggestion(text)}
            >
              {text}
            </button>
          </li>
        ))}
      </ul>
      {features["temporary"] ? (
        <label className="mt-6 flex min-h-9 cursor-pointer items-center gap-2.5 text-sm text-soft">
          <input type="checkbox" checked={temporary} className="accent-accent" onChange={(event) => onTemporary(event.target.checked)} />
          {TEMPORARY_TEXT}
        </label>
      ) : null}
    </div>
  );
}
