/**
 * Runs the commands of a test: one JSON object per line of standard input, one result per line of
 * standard output. A command names a function of `handlers`; its other fields are the argument.
 */
import { createInterface } from "node:readline";

export async function serve(handlers) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...argument } = JSON.parse(line);
    try {
      const result = await handlers[command](argument);
      process.stdout.write(`${JSON.stringify({ result: result ?? null })}\n`);
    } catch (error) {
      process.stdout.write(`${JSON.stringify({ error: String(error?.stack ?? error) })}\n`);
    }
  }
}
