import { render, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import { withDollars } from "./formulas";
import RenderedMarkdown from "./rendered-markdown";

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

  it("lets a web link leave without taking anything along", () => {
    const link = shown("[page](https://example.com/)").querySelector("a");
    expect(link?.href).toBe("https://example.com/");
    expect(link?.rel).toContain("noopener");
    expect(link?.target).toBe("_blank");
  });

  it("loads no picture by itself, from anywhere", async () => {
    const page = shown("![far](https://tracker.example/p.png) ![near](data:image/png;base64,AAAA) ![bad](data:image/svg+xml;base64,AAAA)");
    expect(page.querySelector("img")).toBeNull();
    expect(screen.getByText(/Image on tracker\.example, not loaded: far/)).toBeDefined();
    expect(screen.getByText("Image left out: bad")).toBeDefined();
    await userEvent.click(screen.getByRole("button", { name: "Show the image: near" }));
    expect(page.querySelectorAll("img")).toHaveLength(1);
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

  it("repairs what is not finished while it grows", () => {
    const page = render(<RenderedMarkdown text={"**half a thou"} growing />).container;
    expect(page.textContent).toBe("half a thou");
  });

  it("takes back what it repaired when nothing more comes", () => {
    const { container, rerender } = render(<RenderedMarkdown text={"see [the page"} growing />);
    expect(container.textContent).toBe("see the page");
    rerender(<RenderedMarkdown text={"see [the page"} growing={false} />);
    expect(container.textContent).toBe("see [the page");
  });

  it("colours code once it is whole, not at every word", async () => {
    const code = "```python\nprint(1)";
    const { container, rerender } = render(<RenderedMarkdown text={`${code}\n\`\`\`\n`} growing />);
    await expect.poll(() => container.querySelector(".hljs-built_in")).not.toBeNull();
    rerender(<RenderedMarkdown text={code} growing />);
    expect(container.textContent).toContain("print(1)");
    expect(container.querySelector(".hljs-built_in")).toBeNull();
  });

  it("takes the brackets of formulas for dollars, but not inside code", () => {
    expect(withDollars("\\(a\\) and \\[b\\]")).toBe("$$a$$ and \n$$\nb\n$$\n");
    expect(withDollars("`\\(a\\)` and\n```\n\\[b\\]\n```\n")).toBe("`\\(a\\)` and\n```\n\\[b\\]\n```\n");
    expect(withDollars("```\n\\(a\\) never closed")).toBe("```\n\\(a\\) never closed");
  });

  it("shows a formula", async () => {
    const page = shown("Euler: $$e^{i\\pi} = -1$$");
    await expect.poll(() => page.querySelector(".katex")).not.toBeNull();
  });
});
