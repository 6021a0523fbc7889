/** What a failed run means for the person in front of it, and what to do. */

import type { RunView } from "@/events/types.gen";

const HINTS: Readonly<Record<string, string>> = {
  provider_auth: "The provider did not accept the key. Check the key of this model's host in the server's configuration.",
  provider_rate_limit: "The provider wants fewer requests. Wait a little, or choose another model.",
  provider_overloaded: "The provider is busy. Try again in a moment, or choose another model.",
  provider_bad_request: "The provider refused the request. Another model or effort may do.",
  provider_stream_cut: "The connection to the provider broke off. What had arrived is kept above.",
  provider_timeout: "The provider said nothing for too long. Try again, or choose a faster model.",
  run_timeout: "The whole run took longer than the server allows.",
  interrupted: "It is back now.",
  refusal: "The provider refused to answer this.",
  content_filter: "The provider's filter stopped the answer.",
};

export function hintFor(error: NonNullable<RunView["error"]>): string {
  const wait = error.retry_after ? ` The provider asks to wait ${Math.ceil(error.retry_after)} s.` : "";
  return (HINTS[error.code] ?? "Try again; if it stays, the server's log says more.") + wait;
}
