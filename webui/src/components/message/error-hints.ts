/** Advice for the user when a run failed. */

import type { RunView } from "@/events/types.gen";

const HINTS: Readonly<Record<string, string>> = {
  provider_auth: "The provider rejected the API key. Check the key for this model's provider in the server's configuration.",
  provider_rate_limit: "The provider is limiting requests. Wait a moment, or choose another model.",
  provider_overloaded: "The provider is busy. Try again in a moment, or choose another model.",
  provider_bad_request: "The provider rejected the request. Try another model or effort.",
  provider_stream_cut: "The connection to the provider was lost. Everything received so far is shown above.",
  provider_timeout: "The provider took too long to respond. Try again, or choose a faster model.",
  run_timeout: "The run exceeded the server's time limit.",
  interrupted: "The server is back. You can try again.",
  rejection: "The provider declined to answer this.",
  content_filter: "The provider's content filter stopped the answer.",
};

export function hintFor(error: NonNullable<RunView["error"]>): string {
  const wait = error.retry_after ? ` The provider asks you to wait ${Math.ceil(error.retry_after)} s.` : "";
  return (HINTS[error.code] ?? "Try again. If it keeps failing, check the server's log.") + wait;
}
