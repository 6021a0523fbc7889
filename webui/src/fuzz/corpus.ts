/** Building blocks for Markdown fuzzers: typical model output in many languages, and hostile input. */

/** Blocks as models write them. */
export const USUAL: readonly string[] = [
  "A paragraph with **bold**, *italic*, ***both***, `code`, ~~struck~~ and [a link](https://example.com/a_(b)).",
  "# Heading one\n\n## Heading `two`\n\nSetext\n===\n\nSetext two\n---",
  "- one\n- two\n  - nested **bold**\n    continued\n  - nested too\n\n- loose\n\n  with a paragraph",
  "1. first\n2. second\n   ```python\n   def f(x):\n       return \"\\(x\\)\"\n   ```\n3. third",
  "- [ ] to do\n- [x] done with `x`",
  "> quoted **text**\n> > nested\n>\n> - list in it\n>\n> ```sh\n> echo $HOME \\[x\\]\n> ```",
  "| a | b |\n|:--|--:|\n| `\\(x\\)` | $x\\|y$ |\n| 1<br>2 | **3** |",
  "```js\nconst a = `${b} \\(c\\)`;\n\nif (a < 1) { /* $x$ */ }\n```",
  "````md\n```js\nlet x = \"\\[y\\]\";\n```\n````",
  "~~~\n```\n\\(not math\\)\n~~~",
  "    indented \\(code\\)\n\n    $more$ of it",
  "The sum $\\sum_{i=1}^n i$ and $E = mc^2$ and \\(a^2 + b^2\\).",
  "$$\n\\int_0^1 x \\, dx\n= \\frac{1}{2}\n$$",
  "\\[\nx = \\begin{cases} 1 & a \\\\ 2 & b \\end{cases}\n\\]",
  "Text before \\[ y^2 = x^3 \\] and $$z_1$$ behind.",
  "It costs $5 and $10, or US$ 7, \\$8 and `$9`.",
  "> he wrote \\[sic\\] it \\(really\\)",
  "A note[^1] and a [reference][docs] and ![picture](https://example.com/x.png).\n\n[^1]: The **note**.\n\n[docs]: https://example.com/docs",
  "Line one  \nline two\\\nline three<br>four &amp; &copy; &#35;",
  "See https://example.com/path?q=1&r=2#top, (http://www.example.com/x) or www.example.com. Mail a@example.com",
  "<details>\n<summary>x</summary>\n\nhidden **text**\n\n</details>",
  "***\n\n- - -\n\n___",
  "Escapes: \\* \\_ \\` \\# \\\\ \\[a\\](b) 1\\. 2*3*4 snake_case_name __init__ 5 * 6",
  "Windows:\r\n\r\n- a\r\n- b\r\n\r\n```\r\ncode\r\n```\r\n",
];

export const MULTILINGUAL: readonly string[] = [
  "**注意：**正文在这里。这是**“重点”**。请看https://example.com/a，或（https://example.com/b）。",
  "每天3~5次，价格100~200元。~~旧的。~~新的",
  "1. **第一步：**打开`设置`\n2. **第二步（可选）**：运行\n\n```bash\necho \"你好\" # \\(注释\\)\n```",
  "これは**「重要」**です。*強調。*それから、https://example.jp/パス。終わり",
  "**이것은 중요합니다.**라고 했다. 가격은 3~5만원, $5 정도.",
  "设$x$为变量，则$x^2+1=0$；公式\\(a+b\\)。",
  "مرحبا **بالعالم** و`code` و https://example.com/a، ثم.\n\n1. الأول\n2. الثاني\n   - فرعي\n3. English item (v2.0).",
  "שלום *עולם* $x^2$.\n\n> ציטוט\n\n| א | ב |\n|---|---|\n| 1 | 2 |",
  "हिन्दी **पाठ।** और https://example.com/क। ठीक",
  "ภาษาไทย **ตัวหนา** และ `โค้ด`",
  "Tiếng Việt **đậm**, Ελληνικά *πλάγια*, Русский **жирный:** текст",
  "👩‍👩‍👧‍👦 **👍🏽** 🇺🇳 e\u0301 \u{1F469}\u200d\u{1F4BB}",
  "(中文)[链接](https://example.com/路径)、《书》**：**",
  "価格：￥100〜200、$100～200",
];

const n = (text: string, times: number) => text.repeat(times);

/** Input that has hung or blanked pages, scaled by `size` (about a thousand). */
export function hostile(size: number): readonly string[] {
  const some = Math.max(2, Math.floor(size / 10));
  return [
    `${n("> ", size)}a`, `${n(">", size)}a`, `${n("- ", size)}a`, `${n("1. ", size)}a`, `${n("> - ", size)}a`,
    Array.from({ length: some }, (_, i) => `${n("  ", i)}- a`).join("\n"),
    Array.from({ length: some }, (_, i) => `${n("> ", i + 1)}a`).join("\n"),
    n("[a](", size), n("[", size), n("![", size), n("](", size), `${n("[", size)}a${n("]", size)}`, `${n("![", size)}a${n("](b)", size)}`,
    `${n("*", size)}a${n("*", size)}`, n("*a **b ", size), n("a**b", size), `${n("*_", size)}a${n("_*", size)}`, n("~~a ", size), n("**a*_", size),
    Array.from({ length: some }, (_, i) => n("`", i + 1)).join(" "), n("`a``", size), n("<", size), n("<a b='", size), n("<!-- ", size), n("<![CDATA[", size), n("&a", size), n("\\", size),
    `|${n("a|", some)}\n|${n("-|", some)}\n${n("|a\n", some)}`, `|a|\n|-|\n${n("|", size)}`, n("|a|b|\n|-|-|\n", some),
    n("[a]: b\n", size), n("[^a]: b\n\n", some), `[^a]: b\n\n${n("[^a] ", size)}`, n("[a][b]", size),
    n("https://a.b/(", size), n("www.", size), n("http://", size), n("a@b.", size), n("_", size), n("a_", size),
    n("$", size), n("$a", size), n("$$", size), n("$$\n", size), n("\\(", size), n("\\(a", size), n("\\[", size), n("\\[\n", size), n("$a ", size), n("$$a\n", size),
    `$$${n("{", size)}a${n("}", size)}$$`, `$$${n("\\frac{", some)}1${n("}{2}", some)}$$`, "$$\\def\\a{\\a\\a}\\a$$", `$$${n("\\sqrt", some)} x$$`, "$$\\rule{9999em}{9999em}\\kern-9999em\\raisebox{999em}{x}$$",
    "$$\\href{javascript:alert(1)}{x}\\includegraphics{https://x.example/y.png}\\htmlStyle{position:fixed}{x}$$", `$$${n("\\left(", some)}x${n("\\right)", some)}$$`, `$$${n("^a", size)}$$`, `$$\\begin{matrix}${n("a&", size)}\\end{matrix}$$`,
    `\`\`\`js\n${n("`${", size)}\n\`\`\``, `\`\`\`js\n${n("((", size)}\n\`\`\``, `\`\`\`html\n${n("<a>", size)}\n\`\`\``, `\`\`\`json\n${n('{"a":[', size)}\n\`\`\``, `\`\`\`python\n${n('f"{', size)}\n\`\`\``, `\`\`\`ruby\n${n('"#{', size)}\n\`\`\``, `\`\`\`bash\n${n("$(", size)}\n\`\`\``, `\`\`\`swift\n${n('"\\(', size)}\n\`\`\``, `\`\`\`kotlin\n${n('"${\n', some)}\n\`\`\``,
    n("a", size * 50), n("a ", size * 10), n("\n", size), n("a\n", size), n("\t", size), n(" ", size), `${n("> ", 40)}a\n${n("b\n", size)}`, n("- a\n\n", some), n("# a\n", some), n("---\n", some),
    `a${n("\u0301", size)}`, n("\u200d👩", size), n("\u202e\u2066", some), n("\u{1F1FA}", size), `${n("ﷺ", some)}`, n("﷽", some), n("\u0e49", size), n("\u{e0061}", some),
    "<script>alert(1)</script><img src=x onerror=alert(1)>", "<style>*{display:none}</style>", "[x](javascript:alert(1)) <javascript:alert(1)> ![x](javascript:alert(1))", "[x](/api/v1/models) [y](#/c/other) [z](//evil.example)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=) ![y](data:text/html,<script>1</script>)", "<iframe srcdoc='<script>alert(1)</script>'></iframe><form action=//evil.example><button>go</button></form>", "</div></article></main><base href=//evil.example>",
    `\`\`\`<img src=x onerror=alert(1)>\ncode\n\`\`\``, `[a]: javascript:alert(1)\n\n[a] [b][a]`, "\u0000\ufeff\ud800 lone \udc00", `> \`\`\`\n> a\nb\n\`\`\`\n\n> c`, `${n("\\begin{a}", some)}`, `- \`\`\`\n${n("  > ", some)}a`,
  ];
}

/** Grammar fragments for random texts. */
export const PIECES: readonly string[] = [
  "*", "**", "***", "_", "__", "~", "~~", "`", "``", "```", "````", "~~~", "[", "]", "(", ")", "![", "](", "](https://a.example/b)", "[a]: https://a.example\n", "[^1]", "[^1]: ", "<", ">", "<b>", "</b>", "<!--", "-->", "<br>",
  "&amp;", "&", "\\", "\\\\", "\\(", "\\)", "\\[", "\\]", "$", "$$", "$x$", "#", "##", "- ", "* ", "+ ", "1. ", "2) ", "> ", "|", "|-|-|\n", "---", "===", "- [ ] ", "    ", "\t", "  ", " ", "\n", "\n\n", "\r\n", "  \n",
  "a", "word", "snake_case", "5", "3~5", "注意：", "。", "，", "（", "）", "日本語", "한국어", "العربية", "עברית", "👩‍👧", "\u200b", "\u202e", "\u0301", "https://example.com/x", "www.example.com", "a@b.example", "{", "}", "^2", "\\frac{1}{2}", "E = mc^2", "```js\nlet a;\n```\n", "\ufeff", "\u0000",
];

/** Seeded random numbers (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A text of typical, hostile and random blocks. */
export function madeUp(seed: number): string {
  const random = randomFrom(seed);
  const pick = (from: readonly string[]) => from[Math.floor(random() * from.length)] ?? "";
  const attacks = hostile(20);
  const block = () => {
    const kind = random();
    if (kind < 0.35) return pick(USUAL);
    if (kind < 0.55) return pick(MULTILINGUAL);
    if (kind < 0.65) return pick(attacks);
    return Array.from({ length: 1 + Math.floor(random() * 25) }, () => pick(PIECES)).join("");
  };
  const blocks = Array.from({ length: 1 + Math.floor(random() * 8) }, block);
  return blocks.map((each) => each + (random() < 0.8 ? "\n\n" : pick(["", "\n", " "]))).join("");
}
