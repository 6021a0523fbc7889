/** Languages of code blocks: their aliases and embedded languages. */

/** Aliases by grammar name. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  arduino: ["ino"],
  bash: ["sh", "zsh"],
  c: ["h"],
  cpp: ["cc", "c++", "h++", "hpp", "hh", "hxx", "cxx"],
  csharp: ["cs", "c#"],
  diff: ["patch"],
  go: ["golang"],
  graphql: ["gql"],
  ini: ["toml"],
  java: ["jsp"],
  javascript: ["js", "jsx", "mjs", "cjs"],
  json: ["jsonc", "json5"],
  kotlin: ["kt", "kts"],
  lua: ["pluto"],
  makefile: ["mk", "mak", "make"],
  markdown: ["md", "mkdown", "mkd"],
  objectivec: ["mm", "objc", "obj-c", "obj-c++", "objective-c++"],
  perl: ["pl", "pm"],
  plaintext: ["text", "txt"],
  python: ["py", "gyp", "ipython"],
  "python-repl": ["pycon"],
  ruby: ["rb", "gemspec", "podspec", "thor", "irb"],
  rust: ["rs"],
  shell: ["console", "shellsession"],
  typescript: ["ts", "tsx", "mts", "cts"],
  vbnet: ["vb"],
  xml: ["html", "xhtml", "rss", "atom", "xjb", "xsd", "xsl", "plist", "wsf", "svg"],
  yaml: ["yml"],
};

/** Embedded languages by grammar, such as scripts in HTML. */
const WITHIN: Readonly<Record<string, readonly string[]>> = {
  javascript: ["css", "graphql", "xml"],
  markdown: ["xml"],
  "php-template": ["xml", "php"],
  "python-repl": ["python"],
  shell: ["bash"],
  typescript: ["css", "graphql", "xml"],
  xml: ["css", "javascript"],
  yaml: ["ruby"],
};

/** Grammar name by alias. */
export const GRAMMARS: ReadonlyMap<string, string> = new Map(Object.entries(OTHER_NAMES).flatMap(([name, others]) => others.map((other) => [other, name] as const)));

/** The grammar for a language name or alias. */
export function grammarOf(language: string): string {
  const name = language.toLowerCase();
  return GRAMMARS.get(name) ?? name;
}

/** A grammar and its dependencies, itself first. */
export function grammarsFor(name: string): readonly string[] {
  const needed = new Set([name]);
  // Iterating a set includes items added during iteration.
  for (const each of needed) for (const inner of WITHIN[each] ?? []) needed.add(inner);
  return [...needed];
}
