import { describe, expect, it } from "vitest";

import { type Me, withPermittedEfforts } from "./access";
import { ApiProblem, type ModelChoice } from "./api";
import { timeToWait } from "./retry-time";

const ME: Me = {
  mode: "keys",
  owner: "ada",
  role: "user",
  scopes: ["chat", "read"],
  key_id: "k1",
  key_name: "phone",
  expires_at_ms: null,
  session: true,
  models: [],
  max_effort: null,
  reasoning: "allow",
  limits: [],
};

function model(id: string): ModelChoice {
  return { id, name: id, provider: "p", current: false, max_tokens: null, reasoning: { supported: true, streams: true, efforts: ["none", "low", "medium", "high"] } };
}

describe("a key's permissions", () => {
  it("offers efforts up to the key's highest one", () => {
    const [found] = withPermittedEfforts([model("m")], { ...ME, max_effort: "low" });
    expect(found?.reasoning.efforts).toEqual(["none", "low"]);
    const [unlimited] = withPermittedEfforts([model("m")], ME);
    expect(unlimited?.reasoning.efforts).toEqual(["none", "low", "medium", "high"]);
  });

  it("describes when to try again", () => {
    expect([0.2, 12.1, 300, 7200, 40_000].map(timeToWait)).toEqual(["in 1 second", "in 13 seconds", "in 5 minutes", "in about 2 hours", "in about 11 hours"]);
    expect(new ApiProblem(429, "rate_limited", "Too many.", 30).message).toBe("Too many. You can try again in 30 seconds.");
    expect(new ApiProblem(404, "not_found", "Nothing here.").message).toBe("Nothing here.");
  });
});
