import { render } from "@testing-library/react";
import { expect, it } from "vitest";

import { ErrorBoundary } from "./error-boundary";

function Broken(): never {
  throw new RangeError("Maximum call stack size exceeded");
}

it("shows a part that can't be rendered as text, without affecting the others", () => {
  const caught: unknown[] = [];
  const page = render(
    <>
      <p>before</p>
      <ErrorBoundary fallback="as it was written">
        <Broken />
      </ErrorBoundary>
      <p>after</p>
    </>,
    { onCaughtError: (error) => void caught.push(error) },
  ).container;
  expect(page.textContent).toBe("beforeas it was writtenafter");
  expect(caught).toHaveLength(1);
});
