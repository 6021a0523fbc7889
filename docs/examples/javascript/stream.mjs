// Server-Sent Events from a POST, with fetch: in a page of the same origin, Node.js, Deno or Bun.

export async function* frames(response) {
  const decoder = new TextDecoderStream();
  let rest = "";
  for await (const text of response.body.pipeThrough(decoder)) {
    const events = (rest + text).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const fields = Object.fromEntries(
        event.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)),
      );
      if (fields.event) {
        yield { seq: Number(fields.id), event: fields.event, data: JSON.parse(fields.data) };
      }
    }
  }
}

export async function ask(url, text, show) {
  const response = await fetch(`${url}/api/v1/chat/stream-sse`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text, include_reasoning: true }),
  });
  if (!response.ok) throw new Error((await response.json()).detail);
  for await (const { event, data } of frames(response)) {
    if (event === "reasoning" || event === "token") show(event, data.token);
    if (event === "error") throw new Error(`${data.code}: ${data.message}`);
    if (event === "complete") return data;
  }
  throw new Error("the connection broke: follow the run from the last seq");
}
