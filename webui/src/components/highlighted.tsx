/** Code in colours. Loaded when the first block of code is whole. */

import { toJsxRuntime } from "hast-util-to-jsx-runtime";
import { common, createLowlight } from "lowlight";
import { Fragment, jsx, jsxs } from "react/jsx-runtime";

import { grammarOf, neededFor } from "./languages";

const lowlight = createLowlight();

export default function Highlighted({ code, language }: { readonly code: string; readonly language: string }) {
  const name = grammarOf(language);
  if (!learned(name)) return code;
  return toJsxRuntime(lowlight.highlight(name, code), { Fragment, jsx, jsxs });
}

/** Whether there is such a grammar. Only what is wanted is learned: all at once would hold up the page. */
function learned(name: string): boolean {
  if (!Object.hasOwn(common, name)) return false;
  for (const each of neededFor(name)) {
    const grammar = common[each];
    if (grammar && !lowlight.registered(each)) lowlight.register(each, grammar);
  }
  return true;
}
