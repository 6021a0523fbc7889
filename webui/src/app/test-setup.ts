/** Prepares the test page, and unmounts components after each test. */

import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

// On a busy machine, a component takes longer than the usual second.
configure({ asyncUtilTimeout: 30_000 });

// KaTeX warns about pages without a doctype, and the test page has none.
Object.defineProperty(document, "compatMode", { value: "CSS1Compat" });

afterEach(cleanup);
