import { memo } from "react";

import { visible } from "@/components/message/sanitize";

/** Maximum characters per chunk. */
const PIECE = 6_000;

/** Verbatim text. Long text is split into chunks to keep layout cheap. */
export const PlainText = memo(function PlainText({ text }: { readonly text: string }) {
  const pieces = text.length <= PIECE ? [text] : (text.match(/[^]{1,6000}(?![\udc00-\udfff])/g) ?? []);
  return (
    <div>
      {pieces.map((piece, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- pieces have nothing else, and hold no state
        <div key={index} className="chunk">
          {visible(piece, pieces[index - 1]?.slice(-2))}
        </div>
      ))}
    </div>
  );
});
