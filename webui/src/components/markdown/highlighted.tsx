/** Syntax highlighting. Loaded when the first code block is complete. */

import type { Nodes, Root } from "hast";
import { toJsxRuntime } from "hast-util-to-jsx-runtime";
import { common, createLowlight } from "lowlight";
import { Fragment, jsx, jsxs } from "react/jsx-runtime";

import { grammarOf, grammarsFor } from "./languages";

const DEEPEST = 50;

const lowlight = createLowlight();

export default function Highlighted({ code, language }: { readonly code: string; readonly language: string }) {
  const name = grammarOf(language);
  if (!registerGrammar(name)) return code;
  const tree = lowlight.highlight(name, code);
  return isTooDeep(tree) ? code : toJsxRuntime(tree, { Fragment, jsx, jsxs });
}

/** Whether highlighting is nested too deeply to render, as in hostile nested templates. */
function isTooDeep(tree: Root): boolean {
  let level: Nodes[] = [tree];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return true;
    level = level.flatMap((node) => ("children" in node ? node.children : []));
  }
  return false;
}

/** Whether the grammar exists. Grammars are registered on demand: registering all would block the page. */
function registerGrammar(name: string): boolean {
  if (!Object.hasOwn(common, name)) return false;
  for (const each of grammarsFor(name)) {
    const grammar = common[each];
    if (grammar && !lowlight.registered(each)) lowlight.register(each, grammar);
  }
  return true;
}
