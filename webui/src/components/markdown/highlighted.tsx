/** Code in colours. Loaded when the first block of code is whole. */

import type { Nodes, Root } from "hast";
import { toJsxRuntime } from "hast-util-to-jsx-runtime";
import { common, createLowlight } from "lowlight";
import { Fragment, jsx, jsxs } from "react/jsx-runtime";

import { grammarOf, neededFor } from "./languages";

const DEEPEST = 50;

const lowlight = createLowlight();

export default function Highlighted({ code, language }: { readonly code: string; readonly language: string }) {
  const name = grammarOf(language);
  if (!learned(name)) return code;
  const tree = lowlight.highlight(name, code);
  return isTooDeep(tree) ? code : toJsxRuntime(tree, { Fragment, jsx, jsxs });
}

/** Whether colours stand within each other too deeply for the page: templates within templates, as hostile code has them. */
function isTooDeep(tree: Root): boolean {
  let level: Nodes[] = [tree];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return true;
    level = level.flatMap((node) => ("children" in node ? node.children : []));
  }
  return false;
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
