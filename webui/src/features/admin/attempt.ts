import { ApiProblem } from "@/session/api";

/** Do something, and return what went wrong; null if nothing did. */
export async function attempt(step: () => Promise<void>): Promise<string | null> {
  try {
    await step();
    return null;
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    return error.message;
  }
}
