import { render, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import RenderedMarkdown from "./rendered-markdown";

const withoutSpace = (given: string) => given.replaceAll(/\s+/g, "");

const shown = (text: string) => render(<RenderedMarkdown text={text} growing={false} />).container;

describe("hostile Markdown", () => {
  it.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "text <a href='javascript:alert(1)' onclick=alert(1)>x</a>",
    "<svg onload=alert(1)><iframe srcdoc='<script>alert(1)</script>'></iframe></svg>",
    "<style>*{display:none}</style>",
    "<details open ontoggle=alert(1)>\n\nx\n\n</details>",
    "</think><form action=//evil><button>x</button></form>",
  ])("shows %s as the text it is", (text) => {
    const page = shown(text);
    expect(page.querySelector("script,img,a,svg,iframe,style,details,form,button")).toBeNull();
    expect(page.innerHTML).not.toMatch(/<[^>]* on\w+=/);
    expect(page.textContent).toContain("<");
  });

  it.each(["[x](javascript:alert(1))", "[x](data:text/html,y)", "[x](JaVaScRiPt&colon;alert(1))", "[x](vbscript:y)", "[x](/api/v1/models)", "<javascript:alert(1)>"])(
    "makes no link of %s",
    (text) => {
      expect(shown(text).querySelector("[href]")).toBeNull();
    },
  );

  it("opens web links without a referrer or opener", () => {
    const link = shown("[page](https://example.com/)").querySelector("a");
    expect(link?.href).toBe("https://example.com/");
    expect(link?.rel).toContain("noopener");
    expect(link?.target).toBe("_blank");
  });

  it("loads no picture automatically", async () => {
    const page = shown("![far](https://tracker.example/p.png) ![near](data:image/png;base64,AAAA) ![bad](data:image/svg+xml;base64,AAAA)");
    expect(page.querySelector("img")).toBeNull();
    expect(screen.getByText(/Image on tracker\.example, not loaded: far/)).toBeDefined();
    expect(screen.getByText("Image blocked: bad")).toBeDefined();
    await userEvent.click(screen.getByRole("button", { name: "Show image: near" }));
    expect(page.querySelectorAll("img")).toHaveLength(1);
  });
});

describe("oversized Markdown", () => {
  it.each([
    ["quotations", `${"> ".repeat(3_000)}deep`],
    ["lists", `${"- ".repeat(3_000)}deep`],
    ["numbered lists", `${"1. ".repeat(3_000)}deep`],
    ["quotations in lists", `${"- > ".repeat(3_000)}deep`],
    ["quotations that come line by line", Array.from({ length: 300 }, (_, depth) => `${"> ".repeat(depth + 1)}deep`).join("\n")],
    ["lists that come line by line", Array.from({ length: 300 }, (_, depth) => `${"  ".repeat(depth)}- deep`).join("\n")],
    ["links", "[a](".repeat(20_000)],
    ["images", `${"![".repeat(3_000)}deep${"](b)".repeat(3_000)}`],
    ["emphasis", `${"*_".repeat(3_000)}deep${"_*".repeat(3_000)}`],
    ["asterisks", `${"*".repeat(3_000)}deep${"*".repeat(3_000)}`],
    ["lines that continue a quotation without its mark", `${"> ".repeat(30)}a\n${"deep\n".repeat(3_000)}`],
  ])("is shown as it was written, and the rest as Markdown: %s", { timeout: 30_000 }, async (_, text) => {
    const page = shown(`before **it**\n\n${text}\n\nbehind **it**`);
    await expect.poll(() => [...page.querySelectorAll("strong")].filter((each) => each.textContent === "it").length, { timeout: 20_000 }).toBe(2);
    expect(withoutSpace(page.textContent)).toContain(withoutSpace(text).slice(-12));
    expect(page.querySelectorAll("blockquote, li, em, strong").length).toBeLessThan(1_000);
  });

  it("leaves such lines in code unchanged", () => {
    const code = `${"> ".repeat(300)}a\n${"- ".repeat(300)}b`;
    const page = shown(`- item\n\n  \`\`\`\n  ${code.replace("\n", "\n  ")}\n  \`\`\`\n\n~~~\n${code}\n~~~`);
    expect([...page.querySelectorAll("li pre, pre")].map((each) => each.textContent)).toEqual([code, code]);
  });

  it("creates no more cells than were written", () => {
    const page = shown(`|${"a|".repeat(300)}\n|${"-|".repeat(300)}\n${"|a\n".repeat(300)}`);
    expect(page.querySelectorAll("td")).toHaveLength(300);
  });
});

describe("Markdown", () => {
  it("has tables, lists and code with its language and a way to copy it", () => {
    const page = shown("| a | b |\n|---|---:|\n| 1 | 2 |\n\n- x\n- y\n\n```made-up\nlet a = 1 < 2;\n```");
    expect(page.querySelectorAll("td")).toHaveLength(2);
    expect(page.querySelectorAll("li")).toHaveLength(2);
    expect(page.querySelector("pre")?.textContent).toBe("let a = 1 < 2;");
    expect(screen.getByText("made-up")).toBeDefined();
    expect(screen.getByRole("button", { name: "Copy code" })).toBeDefined();
  });

  it("completes unfinished Markdown while it streams", () => {
    const page = render(<RenderedMarkdown text={"**half a thou"} growing />).container;
    expect(page.textContent).toBe("half a thou");
  });

  it("drops the completion when the text ends", () => {
    const { container, rerender } = render(<RenderedMarkdown text={"see [the page"} growing />);
    expect(container.textContent).toBe("see the page");
    rerender(<RenderedMarkdown text={"see [the page"} growing={false} />);
    expect(container.textContent).toBe("see [the page");
  });

  it("highlights code once it is complete, not at every token", async () => {
    const code = "```python\nprint(1)";
    const { container, rerender } = render(<RenderedMarkdown text={`${code}\n\`\`\`\n`} growing />);
    await expect.poll(() => container.querySelector(".hljs-built_in")).not.toBeNull();
    rerender(<RenderedMarkdown text={code} growing />);
    expect(container.textContent).toContain("print(1)");
    expect(container.querySelector(".hljs-built_in")).toBeNull();
  });

  it("shows a formula", async () => {
    const page = shown("Euler: $$e^{i\\pi} = -1$$");
    await expect.poll(() => page.querySelector(".katex")).not.toBeNull();
  });

  it("keeps the numbers and paragraphs of a loose list", () => {
    const page = shown("3. a\n\n   b\n\n4. c");
    expect(page.querySelector("ol")?.start).toBe(3);
    expect([...page.querySelectorAll("li > p")].map((each) => each.textContent)).toEqual(["a", "b", "c"]);
  });

  it("resolves references wherever they are defined", () => {
    const page = shown(`See [the docs][d] and a note[^1].\n\n${"Words. ".repeat(2_000)}\n\n[d]: https://example.com/docs\n[^1]: The note.`);
    expect(page.querySelector("a")?.href).toBe("https://example.com/docs");
    expect(page.textContent).toContain("a note[1]");
    expect(page.querySelector(".footnote")?.textContent).toContain("The note.");
  });

  it("renders line breaks in table cells", () => {
    expect(shown("| a |\n|---|\n| 1<br>2 |").querySelector("td br")).not.toBeNull();
  });
});

const formulas = (page: Element) => [...page.querySelectorAll(".formula-source")].map((each) => each.textContent);

describe("code with what elsewhere is a formula", () => {
  const BACKSLASHES = String.raw`f\(foo\) \[x^2\] $a$ $$b$$ 3~5`;
  it.each([
    ["fenced", `\`\`\`\n${BACKSLASHES}\n\`\`\``],
    ["fenced, indented", `   \`\`\`\n   ${BACKSLASHES}\n   \`\`\``],
    ["fenced with four backticks", `\`\`\`\`\n\`\`\`\n${BACKSLASHES}\n\`\`\`\`\n`],
    ["fenced with tildes", `~~~\n${BACKSLASHES}\n~~~`],
    ["fenced in a list", `1. a\n\n   \`\`\`\n   ${BACKSLASHES}\n   \`\`\``],
    ["fenced in a quotation", `> \`\`\`\n> ${BACKSLASHES}\n> \`\`\``],
    ["fenced and not closed", `\`\`\`\n${BACKSLASHES}`],
    ["indented", `    ${BACKSLASHES}`],
    ["indented with a tab", `\t${BACKSLASHES}`],
  ])("shows it as it was written, %s", (_, text) => {
    const page = shown(text);
    expect(page.querySelector("pre")?.textContent.replace("```\n", "")).toBe(BACKSLASHES);
    expect(formulas(page)).toEqual([]);
  });

  it.each(["`", "``"])("shows it as it was written, within the line between %s", (mark) => {
    const page = shown(`a ${mark}${BACKSLASHES}${mark} b`);
    expect(page.querySelector("code")?.textContent).toBe(BACKSLASHES);
    expect(formulas(page)).toEqual([]);
  });

  it("renders the same while streaming", () => {
    for (const text of [`\`\`\`\n${BACKSLASHES}\n**a`, `a \`${BACKSLASHES} **b`, `    ${BACKSLASHES} **b`]) {
      const page = render(<RenderedMarkdown text={text} growing />).container;
      expect(page.querySelector("code")?.textContent).toContain(BACKSLASHES);
      expect(page.textContent).toContain("**");
    }
  });

  it("copies the source, including hidden characters", async () => {
    const user = userEvent.setup();
    const code = "a\\(b\\)\u200b // \u202e";
    const page = shown(`\`\`\`\n${code}\n\`\`\``);
    expect(page.querySelector("pre")?.textContent).toBe("a\\(b\\)⟨U+200B⟩ // ⟨U+202E⟩");
    await user.click(screen.getByRole("button", { name: "Copy code" }));
    expect(await navigator.clipboard.readText()).toBe(code);
  });
});

describe("formulas", () => {
  it.each([
    ["$E = mc^2$", ["$E = mc^2$"]],
    ["so $x$, $n$th and $k$-means, ($\\alpha$).", ["$x$", "$n$", "$k$", "$\\alpha$"]],
    ["\\(a_1 * b_2 * c\\) and \\(x\\)", ["\\(a_1 * b_2 * c\\)", "\\(x\\)"]],
    ["设$x$为变量，\\(y=1\\)。", ["$x$", "\\(y=1\\)"]],
    ["\\[ x^2 \\]", ["\\[ x^2 \\]"]],
    ["so\n\\[\nx\n\n= 1\n- 2\n\\]\nthen", ["\\[\nx\n\n= 1\n- 2\n\\]"]],
    ["$$\na\n=\nb\n$$", ["$$\na\n=\nb\n$$"]],
    ["- item\n  $$\n  a\n  $$\n- next", ["$$\na\n$$"]],
    ["> \\[ a = b \\]", ["\\[ a = b \\]"]],
    ["| $a$ | $b\\|c$ |\n|---|---|", ["$a$", "$b|c$"]],
    ["# On $x^2$", ["$x^2$"]],
  ])("are found in %j", (text, found) => {
    expect(formulas(shown(text))).toEqual(found);
  });

  it.each([
    ["It costs $5 and $10.", "It costs $5 and $10."],
    ["from $5-$10, US$ 7 or $5/month, then $6", "from $5-$10, US$ 7 or $5/month, then $6"],
    ["it was $5 (or €4) vs. US$ now", "it was $5 (or €4) vs. US$ now"],
    ["between $1M and $2M; $AAPL, $TSLA", "between $1M and $2M; $AAPL, $TSLA"],
    ["set $HOME and $PATH, or $HOME/bin:$PATH", "set $HOME and $PATH, or $HOME/bin:$PATH"],
    ["cheap ($) to pricey ($$$$)", "cheap ($) to pricey ($$$$)"],
    ["从$5涨到$10，共$20", "从$5涨到$10，共$20"],
    ["\\$x\\$ and 5\\$", "$x$ and 5$"],
    ["he \\[sic\\] wrote \\[…\\] and \\[1\\]", "he [sic] wrote […] and [1]"],
    ["\\[sic\\]", "[sic]"],
    ["call \\(see the notes above\\)", "call (see the notes above)"],
    ["\\[not a link\\](https://example.com/x)", "[not a link](https://example.com/x)"],
  ])("are not seen in %j", (text, words) => {
    const page = shown(text);
    expect(formulas(page)).toEqual([]);
    expect(page.textContent.replaceAll(/\s+/g, " ")).toBe(words.replaceAll(/\s+/g, " "));
  });

  it.each(["3~5天…100~200元", "about ~5 and ~6", "a~b~c", "~/bin and ~/lib"])("keeps the tildes of %s", (text) => {
    const page = shown(text);
    expect(page.textContent).toBe(text);
    expect(page.querySelector("del")).toBeNull();
  });

  it("are shown as source if they can't be rendered", async () => {
    const deep = `$$${"{".repeat(100)}x${"}".repeat(100)}$$`;
    const page = shown(`$$x^2$$\n\n${deep}\n\n$$\\undefined{x}$$\n\n$$\\def\\a{\\a\\a}\\a$$`);
    await expect.poll(() => page.querySelectorAll(".katex").length).toBe(1);
    expect([...page.querySelectorAll(".formula-shown")].slice(1).map((each) => each.textContent)).toEqual(formulas(page).slice(1));
  });
});

describe("Chinese, Japanese and Korean", () => {
  it.each([
    ["**注意：**正文", "strong", "注意："],
    ["这是**“重点”**。", "strong", "“重点”"],
    ["これは**「重要」**です", "strong", "「重要」"],
    ["*强调。*然后", "em", "强调。"],
    ["**이것은 중요합니다.**라고", "strong", "이것은 중요합니다."],
    ["~~旧的。~~新的", "del", "旧的。"],
    ["***（重要）***内容", "strong", "（重要）"],
  ])("emphasizes in %s", (text, element, words) => {
    const page = shown(text);
    expect(page.querySelector(element)?.textContent).toBe(words);
    expect(page.textContent).not.toMatch(/[*~]/);
  });

  it.each([
    ["请看https://example.com/a，然后", "https://example.com/a"],
    ["见（https://example.com/a）。", "https://example.com/a"],
    ["https://example.com/a。**重点**", "https://example.com/a"],
    ["「https://example.com/路径」", "https://example.com/路径"],
    ["“https://example.com/a”", "https://example.com/a"],
    ["【www.example.com/b】", "www.example.com/b"],
    ["[注https://example.com/a，然后", "https://example.com/a"],
    ["https://example.com/a، ثم", "https://example.com/a"],
    ["https://example.com/a\u202e，然后", "https://example.com/a"],
    ["https://example.com/क। ठीक", "https://example.com/क"],
    ["(https://example.com/a_(b)).", "https://example.com/a_(b)"],
    ["https://example.com/?a=1&b=2#c!", "https://example.com/?a=1&b=2#c"],
  ])("ends the address in %s where it ends", (text, address) => {
    const links = [...shown(text).querySelectorAll("a")].map((each) => each.textContent);
    expect(links).toEqual([address]);
  });
});

describe("text that runs from right to left", () => {
  it.each(["1. الأول\n2. الثاني", "- שלום\n- עולם", "1. `code` שלום\n2. b", "> ציטוט", "| א | ב |\n|---|---|\n| 1 | 2 |", "שלום", "# כותרת"])("lays out %j from the right", (text) => {
    const block = shown(text).querySelector("ol, ul, blockquote, table, p, h1");
    expect(block?.getAttribute("dir")).toBe("rtl");
  });

  it("uses each list's direction, and keeps numbers in their table", () => {
    const page = shown("1. English\n2. الثاني\n\nשלום\n\n| א |\n|---|\n| 1 |");
    expect(page.querySelector("ol")?.getAttribute("dir")).toBe("ltr");
    expect(page.querySelectorAll("li > div")[1]?.getAttribute("dir")).toBe("rtl");
    expect(page.querySelector("td")?.getAttribute("dir")).toBeNull();
  });
});
