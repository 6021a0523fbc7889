/** A page that shows any Markdown, as it grows and as a whole, for tests in a browser. Not part of the served page. */

import "@/app/styles.css";
import "./gallery.css";

import { createRoot } from "react-dom/client";

import Markdown from "@/components/markdown/rendered-markdown";
import { SettledText } from "@/components/markdown/settled-text";

declare global {
  interface Window {
    /** Show a text; `growing` as on its way, `thought` as a settled thought. */
    showMarkdown: (text: string, growing: boolean, thought?: boolean) => void;
    /** Leave the page empty. */
    clearMarkdown: () => void;
  }
}

const place = document.getElementById("root");
if (!place) throw new Error("Missing #root element.");
const root = createRoot(place);

window.showMarkdown = (text, growing, thought = false) => {
  root.render(
    <main className="mx-auto max-w-3xl p-4 text-ink" data-shown>
      {thought ? <SettledText text={text} /> : <Markdown text={text} growing={growing} />}
    </main>,
  );
};
window.clearMarkdown = () => root.render(null);
