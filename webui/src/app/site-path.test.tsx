import { expect, it } from "vitest";

import { basePath } from "./site-path";

const pageWithHead = (head: string) => new DOMParser().parseFromString(`<head>${head}</head>`, "text/html");

it.each([
  ['<meta name="thinkaloud-base-path" content="/app" />', "/app"],
  ['<meta name="thinkaloud-base-path" content="/my/app/" />', "/my/app"],
  ['<meta name="thinkaloud-base-path" content="" />', ""],
  ["", ""],
])("finds the server under the path that the page names: %s", (head, path) => {
  expect(basePath(pageWithHead(head))).toBe(path);
});
