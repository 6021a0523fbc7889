/**
 * node e2e/long-thought.mjs ADDRESS: measures the page while it shows 100,000 characters of thinking at 1,000 tokens
 * a second, and prints as JSON: long tasks (over 50 ms), frames per second, and the slowest frames.
 */

import { launch } from "./browser.mjs";

const address = process.argv[2];
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
await page.addInitScript(() => {
  globalThis.watched = { tasks: [], frames: [] };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) globalThis.watched.tasks.push({ at: entry.startTime, ms: Math.round(entry.duration) });
  }).observe({ type: "longtask" });
  const frame = (at) => {
    globalThis.watched.frames.push(at);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
});
await page.goto(address);
await page.getByLabel("Your message").fill("long thoughts, please");
await page.keyboard.press("Enter");
await page.getByText("Thinking…").waitFor();
const began = await page.evaluate(() => performance.now());
// Polled cheaply and rarely: a locator would repeatedly search the whole page on the page's own thread.
const folded = () => document.querySelector("section[aria-label=Thinking] button")?.textContent?.startsWith("Thought for");
await page.waitForFunction(folded, undefined, { timeout: 120_000, polling: 250 });
const { tasks, frames, ended } = await page.evaluate(() => ({ ...globalThis.watched, ended: performance.now() }));
await page.getByRole("button", { name: "Copy answer" }).waitFor({ timeout: 60_000 });

const seen = frames.filter((at) => at >= began && at <= ended);
const gaps = seen.slice(1).map((at, index) => at - seen[index]).toSorted((a, b) => a - b);
const figures = {
  seconds: Number(((ended - began) / 1000).toFixed(1)),
  frames_a_second: Number((seen.length / ((ended - began) / 1000)).toFixed(1)),
  frame_p99_ms: Math.round(gaps[Math.floor(gaps.length * 0.99)] ?? 0),
  frame_max_ms: Math.round(gaps.at(-1) ?? 0),
  long_tasks: tasks.filter((task) => task.at >= began && task.at <= ended).length,
  long_tasks_at_s: tasks.filter((task) => task.at >= began && task.at <= ended).map((task) => Number(((task.at - began) / 1000).toFixed(1))),
  longest_task_ms: Math.max(0, ...tasks.filter((task) => task.at >= began && task.at <= ended).map((task) => task.ms)),
};
// Expanding it afterwards renders all of it as Markdown.
await page.evaluate(() => {
  globalThis.watched.tasks.length = 0;
});
await page.getByRole("button", { name: /^Thought for/ }).click();
await page.waitForFunction(() => document.querySelectorAll("section[aria-label=Thinking] .markdown").length >= 30, undefined, { timeout: 30_000 });
figures.opened_longest_task_ms = await page.evaluate(() => Math.max(0, ...globalThis.watched.tasks.map((task) => task.ms)));
process.stdout.write(`${JSON.stringify(figures)}\n`);
await browser.close();
