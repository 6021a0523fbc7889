/**
 * node e2e/long-conversation.mjs ADDRESS: measures the page while it opens the conversation `talk`, streams at its end and scrolls
 * back, and prints the results as JSON.
 */

import { launch } from "./browser.mjs";

const THINKS_MS = 6_000;
const STEPS_BACK = 100;

const address = process.argv[2];
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
await page.addInitScript(() => {
  const watched = { tasks: [], frames: [], painted: null };
  globalThis.watched = watched;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) watched.tasks.push(Math.round(entry.duration));
  }).observe({ type: "longtask" });
  const frame = (at) => {
    watched.frames.push(at);
    if (watched.painted === null && document.querySelector("article [aria-busy=false]")) watched.painted = at;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
});

let bytes = 0;
page.on("websocket", (socket) => {
  socket.on("framereceived", ({ payload }) => {
    bytes += payload.length;
  });
});

const settled = async () => {
  await page.waitForFunction(() => globalThis.watched.painted !== null, undefined, { polling: 100, timeout: 60_000 });
  await page.waitForTimeout(1_000);
};
const watched = () => page.evaluate(() => globalThis.watched);
const forget = () =>
  page.evaluate(() => {
    globalThis.watched.tasks.length = 0;
    globalThis.watched.frames.length = 0;
  });
const longest = ({ tasks }) => Math.max(0, ...tasks);

await page.goto(`${address}/#/c/talk`);
await settled();
bytes = 0;
await page.reload();
await settled();
const opened = await watched();
const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
const figures = { painted_ms: Math.round(opened.painted), kilobytes: Math.round(bytes / 1e3), nodes, opening_longest_task_ms: longest(opened) };

await page.getByLabel("Your message").fill("long thoughts, please");
await page.keyboard.press("Enter");
await page.getByText("Thinking…").waitFor();
await page.waitForTimeout(1_000);
await forget();
await page.waitForTimeout(THINKS_MS);
const thinking = await watched();
figures.frames_a_second = Number(((thinking.frames.length * 1000) / (thinking.frames.at(-1) - thinking.frames[0])).toFixed(1));
figures.thinking_longest_task_ms = longest(thinking);
await page.keyboard.press("Escape");
await page.getByText("You stopped this answer.").waitFor();

await page.getByRole("log").hover();
await forget();
for (let step = 0; step < STEPS_BACK; step += 1) {
  await page.mouse.wheel(0, -1_000);
  await page.waitForTimeout(50);
}
figures.runs_gone_back = await page.getByRole("article").count();
figures.going_back_longest_task_ms = longest(await watched());
process.stdout.write(`${JSON.stringify(figures)}\n`);
await browser.close();
