/** Prepares the test page, and unmounts components after each test. */

import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

// KaTeX warns about pages without a doctype, and the test page has none.
Object.defineProperty(document, "compatMode", { value: "CSS1Compat" });

afterEach(cleanup);
