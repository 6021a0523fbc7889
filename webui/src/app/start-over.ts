/** Removes everything of the user from this tab, for the next one. */

import { forgetDrafts } from "@/features/chat/drafts";
import type { Client } from "@/session/client";

/** Forget drafts and conversations, and load the page again. */
export function startOver(client: Client): void {
  client.forgetAll();
  forgetDrafts();
  window.location.hash = "#/";
  window.location.reload();
}
