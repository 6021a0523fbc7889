import { ask } from "./stream.mjs";

const url = process.env.URL ?? "http://127.0.0.1:8484";
const reply = await ask(url, "What is 12 * (3 + 4)?", (event, token) => {
  process.stdout.write(event === "reasoning" ? `\x1b[2m${token}\x1b[0m` : token);
});
console.log(`\n${reply.status}, ${reply.timing.total_ms} ms`);
