/** The languages of code blocks: by which names they go, and what stands within them. */

/** Other names of a language, by the name of its grammar. */
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

/** What a grammar colours by another one: a script in a page, a template in a script. */
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

/** The grammar that each of the other names means. */
export const GRAMMARS: ReadonlyMap<string, string> = new Map(Object.entries(OTHER_NAMES).flatMap(([name, others]) => others.map((other) => [other, name] as const)));

/** The grammar of a language, by whatever name it goes. */
export function grammarOf(language: string): string {
  const name = language.toLowerCase();
  return GRAMMARS.get(name) ?? name;
}

/** The grammars that a grammar needs, itself first. */
export function neededFor(name: string): readonly string[] {
  const needed = new Set([name]);
  // A set is gone through up to what was added meanwhile.
  for (const each of needed) for (const inner of WITHIN[each] ?? []) needed.add(inner);
  return [...needed];
}
