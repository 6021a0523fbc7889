import { once } from "node:events";
import { connect } from "node:net";

import { expect } from "vitest";

import { inChromium, it as base } from "./fixtures";
import { freePort, say, TestServer } from "./test-server";

const it = base.extend("ringing", { scope: "file" }, async ({}, { onCleanup }) => {
  const port = await freePort();
  const server = new TestServer(port, ["python", "-m", "tests.e2e.plugin_server", String(port)]);
  onCleanup(() => server.remove());
  await server.start();
  return server;
});

/** Make the plugin send this to a chat. */
async function ring(server: TestServer, ...messages: readonly object[]): Promise<void> {
  const socket = connect(server.inData("bell.sock"));
  socket.end(messages.map((each) => `${JSON.stringify(each)}\n`).join(""));
  socket.resume();
  await once(socket, "close");
}

inChromium("a plugin that sends something to a chat", () => {
  it("appears in the page: messages, reasoning, and reasoning in the old format", async ({ ringing, lookAt }) => {
    const { page, consoleLines } = await lookAt(ringing.address);
    await say(page, "quick, why?");
    await page.getByRole("button", { name: "Copy answer" }).waitFor();
    const chat_id = decodeURIComponent(new URL(page.url()).hash.split("/").at(-1) ?? "");
    await ring(
      ringing,
      { chat_id, content: "Is it time for tea?", metadata: { _reasoning_delta: true } },
      { chat_id, content: "", metadata: { _reasoning_end: true } },
      { chat_id, content: "It is **time** for tea." },
      { chat_id, content: "Perhaps cake as well.", metadata: { _reasoning: true } },
    );
    const aside = page.getByRole("article", { name: "Message from a plugin" });
    await aside.getByText("time", { exact: true }).waitFor();
    const thoughts = aside.getByRole("button", { name: "Thought" });
    await thoughts.nth(1).waitFor();
    for (const each of await thoughts.all()) await each.click();
    expect(await aside.textContent()).toContain("Is it time for tea?");
    expect(await aside.textContent()).toContain("Perhaps cake as well.");
    await say(page, "quick, and now?");
    await page.getByRole("button", { name: "Copy answer" }).nth(1).waitFor();
    const articles = await page.getByRole("article").allTextContents();
    expect(articles.map((text) => /why\?|for tea|and now\?/.exec(text)?.[0])).toEqual(["why?", "for tea", "and now?"]);
    expect(consoleLines).toEqual([]);
  });
});
