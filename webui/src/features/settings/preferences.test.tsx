import { expect, it } from "vitest";

import { PreferenceStore } from "./preferences";

it("keeps preferences in this browser, and tells its readers at once", () => {
  localStorage.clear();
  const store = new PreferenceStore(localStorage);
  let told = 0;
  store.state.subscribe(() => {
    told += 1;
  });
  store.change({ thinking: "preview" });
  store.change({ theme: "dark" });
  expect(told).toBe(2);
  expect(new PreferenceStore(localStorage).state.latest).toMatchObject({ thinking: "preview", theme: "dark", model: "" });
});

it("takes the defaults for what it does not know", () => {
  for (const text of ["{", "null", '{"thinking": "loud", "theme": 3, "model": {}, "enter": "never"}']) {
    localStorage.setItem("thinkaloud.preferences", text);
    expect(new PreferenceStore(localStorage).state.latest).toEqual({ theme: "system", thinking: "auto", enter: "auto", model: "", effort: "" });
  }
});
