/** A page that shows one component of a compiled example. The argument is the compiled file. */
import { pathToFileURL } from "node:url";
import { Window } from "happy-dom";
import { serve } from "./commands.mjs";

const window = new Window({ url: "http://localhost/" });
for (const name of Object.getOwnPropertyNames(window)) {
  // Network and timers stay those of Node.js.
  if (!(name in globalThis)) globalThis[name] = window[name];
}
Object.assign(globalThis, { window, document: window.document, Event: window.Event });

let watchers = [];

function changed() {
  watchers = watchers.filter((watcher) => !watcher());
}

// React calls this hook after each change of the page. It has to be there when React is loaded.
globalThis.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
  supportsFiber: true,
  inject: () => 1,
  onCommitFiberRoot: changed,
  onCommitFiberUnmount() {},
  onPostCommitFiberRoot() {},
  onScheduleFiberRoot() {},
};

const { createElement } = await import("react");
const { createRoot } = await import("react-dom/client");
const components = await import(pathToFileURL(process.argv[2]).href);
const { document } = window;
let root;

/** Resolve once the page satisfies a condition. */
function until(condition) {
  return new Promise((resolve) => {
    watchers.push(() => {
      const found = condition();
      if (found) resolve(found);
      return Boolean(found);
    });
    changed();
  });
}

function button(label) {
  const found = [...document.querySelectorAll("button")];
  return found.find((each) => each.textContent.trim() === label && !each.disabled);
}

await serve({
  open({ component, ...props }) {
    root?.unmount();
    const place = document.createElement("main");
    document.body.replaceChildren(place);
    root = createRoot(place);
    root.render(createElement(components[component], props));
  },
  async send({ text }) {
    const field = await until(() => document.querySelector("input, textarea"));
    // React overrides the setter of the element itself.
    const prototype = Object.getPrototypeOf(field);
    Object.getOwnPropertyDescriptor(prototype, "value").set.call(field, text);
    field.dispatchEvent(new window.Event("input", { bubbles: true }));
    (await until(() => button("Send"))).click();
  },
  async click({ label }) {
    (await until(() => button(label))).click();
  },
  until({ text }) {
    return until(() => document.body.textContent.includes(text) && document.body.innerHTML);
  },
});
