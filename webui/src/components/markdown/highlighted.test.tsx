import { render } from "@testing-library/react";
import { expect, it } from "vitest";

import Highlighted from "./highlighted";

const colored = (code: string, language: string) => render(<Highlighted code={code} language={language} />).container;

it.each([
  ["html", "<style>a { color: red }</style>", ".hljs-attribute"],
  ["py", "def f(): pass", ".hljs-keyword"],
  ["rs", "fn main() {}", ".hljs-keyword"],
  ["yml", "a: 1", ".hljs-attr"],
  ["C++", "int f();", ".hljs-type"],
  ["tsx", "const a = <b title='c' />;", ".hljs-tag .hljs-attr"],
  ["console", "$ if true; then echo; fi", ".bash .hljs-keyword"],
])("colors %s, by whatever name and in whatever order languages are met", (language, code, mark) => {
  const container = colored(code, language);
  expect(container.querySelector(mark)).not.toBeNull();
  expect(container.textContent).toBe(code);
});

it.each(["cobol", "constructor"])("leaves %s, which it does not know, as it is", (language) => {
  const container = colored("<b>DISPLAY</b>", language);
  expect(container.innerHTML).toBe("&lt;b&gt;DISPLAY&lt;/b&gt;");
});

it.each([
  ["js", "`${".repeat(3_000)],
  ["ts", "`${`".repeat(2_000)],
  ["python", "f'{".repeat(3_000)],
  ["swift", '"\\('.repeat(3_000)],
  ["kotlin", '"${'.repeat(3_000)],
  ["ruby", '"#{'.repeat(3_000)],
  ["html", "<a>".repeat(3_000)],
])("leaves templates of %s within each other plain", (language, code) => {
  const container = colored(code, language);
  expect(container.textContent).toBe(code);
  expect(container.querySelector("span ".repeat(60).trim().replaceAll(" ", " > "))).toBeNull();
});
