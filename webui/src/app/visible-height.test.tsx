import { expect, it } from "vitest";

import { fitVisibleHeight } from "./visible-height";

function setup() {
  const viewport = Object.assign(new EventTarget(), { height: 800, scale: 1 });
  const scrolledTo: number[] = [];
  const page = { innerHeight: 800, scrollTo: (_x: number, y: number) => scrolledTo.push(y) };
  const style = document.createElement("div").style;
  const stop = fitVisibleHeight(viewport as never, page as never, style);
  const becomes = (height: number, scale = 1) => {
    Object.assign(viewport, { height, scale });
    viewport.dispatchEvent(new Event("resize"));
    return style.getPropertyValue("--visible-height");
  };
  return { becomes, scrolledTo, stop };
}

it("shrinks the page above an on-screen keyboard, and restores its height", () => {
  const { becomes, scrolledTo } = setup();
  expect(becomes(460)).toBe("460px");
  expect(scrolledTo).toEqual([0]);
  expect(becomes(800)).toBe("");
  expect(scrolledTo).toEqual([0]);
});

it("doesn't resize the page while the user pinch-zooms", () => {
  const { becomes, scrolledTo } = setup();
  expect(becomes(400, 2)).toBe("");
  expect(scrolledTo).toEqual([]);
});

it("stops following the keyboard when stopped", () => {
  const { becomes, stop } = setup();
  stop();
  expect(becomes(460)).toBe("");
});
