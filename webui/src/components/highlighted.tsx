/** Code in colours. Loaded when the first block of code is whole. */

import { toJsxRuntime } from "hast-util-to-jsx-runtime";
import { common, createLowlight } from "lowlight";
import { Fragment, jsx, jsxs } from "react/jsx-runtime";

const lowlight = createLowlight();

/** All languages, in the order in which models use them: a page within the page comes after what it is made of. */
const LANGUAGES = [
  ...new Set(["plaintext", "python", "bash", "json", "javascript", "typescript", "css", "xml", ...Object.keys(common)]),
];

export default function Highlighted({ code, language }: { readonly code: string; readonly language: string }) {
  if (!learned(language)) return code;
  return toJsxRuntime(lowlight.highlight(language, code), { Fragment, jsx, jsxs });
}

/** Whether there is such a language. They are learned one by one up to it: all at once they would hold up the page. */
function learned(language: string): boolean {
  while (!lowlight.registered(language)) {
    const name = LANGUAGES.shift();
    const grammar = name === undefined ? undefined : common[name];
    if (name === undefined || !grammar) return false;
    lowlight.register(name, grammar);
  }
  return true;
}
