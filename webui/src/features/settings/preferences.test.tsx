import { expect, it } from "vitest";

import { PreferenceStore } from "./preferences";

it("stores preferences in this browser, and notifies subscribers immediately", () => {
  localStorage.clear();
  const store = new PreferenceStore(localStorage);
  let notified = 0;
  store.state.subscribe(() => {
    notified += 1;
  });
  store.change({ thinking: "preview" });
  store.change({ theme: "dark" });
  expect(notified).toBe(2);
  expect(new PreferenceStore(localStorage).state.latest).toMatchObject({ thinking: "preview", theme: "dark", model: "" });
});

it("uses defaults for unknown values", () => {
  for (const text of ["{", "null", '{"thinking": "loud", "theme": 3, "model": {}, "enter": "never"}']) {
    localStorage.setItem("thinkaloud.preferences", text);
    expect(new PreferenceStore(localStorage).state.latest).toEqual({ theme: "system", thinking: "auto", enter: "auto", model: "", effort: "" });
  }
});
