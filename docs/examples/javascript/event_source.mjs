// Follow a run with EventSource, which reconnects by itself and sends the last id that it has.

export function follow(url, runId, show) {
  const source = new EventSource(`${url}/api/v1/runs/${runId}/events?include_reasoning=true`);
  let reasoning = "";
  let answer = "";
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      source.close();
      settle(value);
    };
    source.addEventListener("reasoning", ({ data }) => {
      show((reasoning += JSON.parse(data).token), answer);
    });
    source.addEventListener("token", ({ data }) => {
      show(reasoning, (answer += JSON.parse(data).token));
    });
    source.addEventListener("snapshot", ({ data }) => {
      // Everything up to its id: replace what we have.
      ({ reasoning, text: answer } = JSON.parse(data).messages.at(-1));
      show(reasoning, answer);
    });
    source.addEventListener("complete", ({ data }) => end(resolve, JSON.parse(data)));
    source.addEventListener("error", ({ data }) => {
      // Ours has data: the run failed. Without data the connection broke, or was refused.
      if (data) end(reject, new Error(JSON.parse(data).message));
      else if (source.readyState === EventSource.CLOSED) end(reject, new Error("no such run"));
    });
  });
}
