/** The golden sessions shared with Python's tests: logs and views by name. */

const LOGS = import.meta.glob<string>("../../../tests/sessions/*.jsonl", { query: "?raw", import: "default", eager: true });
const VIEWS = import.meta.glob<string>("../../../tests/sessions/*.json", { query: "?raw", import: "default", eager: true });

export const GOLDEN_LOGS: Readonly<Record<string, string>> = byName(LOGS);
export const GOLDEN_VIEWS: Readonly<Record<string, string>> = byName(VIEWS);

function byName(files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [path.replace(/^.*\/|\.jsonl?$/g, ""), text]));
}
