/** Renders any Markdown, streaming or complete, for browser tests. Not part of the app. */

import "@/app/styles.css";
import "./gallery.css";

import { createRoot } from "react-dom/client";

import Markdown from "@/components/markdown/rendered-markdown";
import { SettledText } from "@/components/markdown/settled-text";

declare global {
  interface Window {
    /** Show a text: `growing` while streaming, `thought` as a finished thought. */
    showMarkdown: (text: string, growing: boolean, thought?: boolean) => void;
    /** Clear the page. */
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
