/** Renders a Markdown tree as React elements. Input is untrusted: no HTML, no scripts, nothing loaded automatically. */

import type { Html, List, ListItem, Nodes, Parents, Table, TableRow } from "mdast";
import { normalizeIdentifier } from "micromark-util-normalize-identifier";
import { Fragment, type ReactNode } from "react";

import { CodeBlock } from "./code-block";
import { visible } from "@/components/message/sanitize";
import type { Definitions } from "./syntax/definitions";
import { directionOf } from "./syntax/direction";
import { FormulaView } from "./formula";
import { splitAtAddresses } from "./syntax/links";
import { ExternalLink, MarkdownImage } from "./links-and-images";
import type { Formula } from "./syntax/math-syntax";

export interface RenderContext {
  readonly definitions: Definitions;
  /** Whether a code block at the very end is still streaming. */
  readonly open: boolean;
  readonly inLink: boolean;
}

type Node = Nodes | Formula;

/** Renders a block or its contents. */
export function elementOf(node: Node, context: RenderContext): ReactNode {
  switch (node.type) {
    case "paragraph":
      return <p dir={directionOf(node)}>{phrasesOf(node, context)}</p>;
    case "heading": {
      const Heading = `h${node.depth}` as const;
      return <Heading dir={directionOf(node)}>{phrasesOf(node, context)}</Heading>;
    }
    case "blockquote":
      return <blockquote dir={directionOf(node)}>{childrenOf(node, context)}</blockquote>;
    case "list":
      return listOf(node, context);
    case "table":
      return tableOf(node, context);
    case "thematicBreak":
      return <hr />;
    case "code":
      return <CodeBlock code={node.value} language={visible(node.lang ?? "")} growing={context.open} />;
    case "html":
      return <p className="written">{visible(node.value)}</p>;
    case "footnoteDefinition":
      return (
        <div className="footnote" dir={directionOf(node)}>
          <sup>{visible(node.label ?? node.identifier)}</sup> {childrenOf(node, context)}
        </div>
      );
    default:
      return phraseOf(node, context);
  }
}

function phraseOf(node: Node, context: RenderContext): ReactNode {
  switch (node.type) {
    case "text":
      return textOf(node.value, context);
    case "emphasis":
      return <em>{phrasesOf(node, context)}</em>;
    case "strong":
      return <strong>{phrasesOf(node, context)}</strong>;
    case "delete":
      return <del>{phrasesOf(node, context)}</del>;
    case "inlineCode":
      return <code dir="auto">{visible(node.value)}</code>;
    case "formula":
      return <FormulaView formula={node} />;
    case "break":
      return <br />;
    case "html":
      return htmlOf(node);
    case "footnoteReference":
      return <sup>[{visible(node.label ?? node.identifier)}]</sup>;
    default:
      return linkOf(node, context);
  }
}

function linkOf(node: Node, context: RenderContext): ReactNode {
  switch (node.type) {
    case "link":
      return <ExternalLink href={node.url}>{phrasesOf(node, { ...context, inLink: true })}</ExternalLink>;
    case "linkReference": {
      const found = context.definitions.links.get(normalizeIdentifier(node.label ?? node.identifier));
      const children = phrasesOf(node, { ...context, inLink: true });
      return found ? <ExternalLink href={found.url}>{children}</ExternalLink> : <>[{children}]</>;
    }
    case "image":
      return <MarkdownImage src={node.url} alt={visible(node.alt ?? "")} />;
    case "imageReference": {
      const found = context.definitions.links.get(normalizeIdentifier(node.label ?? node.identifier));
      return found ? <MarkdownImage src={found.url} alt={visible(node.alt ?? "")} /> : `![${visible(node.alt ?? "")}]`;
    }
    default:
      // Nothing else is visible: definitions appear where they are referenced.
      return null;
  }
}

function childrenOf(node: Parents, context: RenderContext): ReactNode {
  const last = node.children.length - 1;
  const inner = context.open ? { ...context, open: false } : context;
  // oxlint-disable-next-line react/no-array-index-key -- the nodes of a tree have nothing else
  return node.children.map((child, index) => <Fragment key={index}>{elementOf(child, index === last ? context : inner)}</Fragment>);
}

function phrasesOf(node: Parents, context: RenderContext): ReactNode {
  // oxlint-disable-next-line react/no-array-index-key -- the nodes of a tree have nothing else
  return node.children.map((child, index) => <Fragment key={index}>{phraseOf(child, context)}</Fragment>);
}

/** The grammar finds URLs, except after an open bracket. */
function textOf(text: string, context: RenderContext): ReactNode {
  if (context.inLink || !text.includes("://")) return visible(text);
  return splitAtAddresses(text).map((piece, index) => {
    // oxlint-disable-next-line react/no-array-index-key -- pieces of a text have nothing else
    return index % 2 === 1 ? <ExternalLink key={index} href={piece}>{visible(piece)}</ExternalLink> : <Fragment key={index}>{visible(piece)}</Fragment>;
  });
}

/** HTML is shown as text, except `<br>`, which models use in tables. */
function htmlOf(node: Html): ReactNode {
  return /^<br\s*\/?>$/i.test(node.value) ? <br /> : <span className="written">{visible(node.value)}</span>;
}

function listOf(node: List, context: RenderContext): ReactNode {
  const loose = node.spread === true || node.children.some((item) => item.spread === true);
  const last = node.children.length - 1;
  const inner = context.open ? { ...context, open: false } : context;
  // oxlint-disable-next-line react/no-array-index-key -- items are only ever added at the end
  const items = node.children.map((item, index) => <Fragment key={index}>{itemOf(item, loose, index === last ? context : inner)}</Fragment>);
  const direction = directionOf(node);
  if (node.ordered !== true) return <ul dir={direction}>{items}</ul>;
  return (
    <ol dir={direction} start={node.start ?? 1}>
      {items}
    </ol>
  );
}

function itemOf(item: ListItem, loose: boolean, context: RenderContext): ReactNode {
  const isTask = typeof item.checked === "boolean";
  const last = item.children.length - 1;
  const inner = context.open ? { ...context, open: false } : context;
  const content = item.children.map((child, index) => {
    const within = index === last ? context : inner;
    // In a tight list, a paragraph renders as plain item content.
    const element = child.type === "paragraph" && !loose ? <div dir={directionOf(child)}>{phrasesOf(child, within)}</div> : elementOf(child, within);
    // oxlint-disable-next-line react/no-array-index-key -- the nodes of a tree have nothing else
    return <Fragment key={index}>{element}</Fragment>;
  });
  if (!isTask) return <li>{content}</li>;
  return (
    <li className="task-list-item">
      <input type="checkbox" disabled checked={item.checked === true} aria-label={item.checked === true ? "Done" : "To do"} />
      {content}
    </li>
  );
}

function tableOf(node: Table, context: RenderContext): ReactNode {
  const [head, ...rows] = node.children;
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls sideways, by keyboard too
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Table">
      <table dir={directionOf(node)}>
        <thead>{head ? rowOf(head, "th", node, context) : null}</thead>
        {rows.length === 0 ? null : (
          // oxlint-disable-next-line react/no-array-index-key -- rows are only ever added at the end
          <tbody>{rows.map((row, index) => <Fragment key={index}>{rowOf(row, "td", node, context)}</Fragment>)}</tbody>
        )}
      </table>
    </div>
  );
}

function rowOf(row: TableRow, Cell: "th" | "td", table: Table, context: RenderContext): ReactNode {
  return (
    <tr>
      {row.children.map((cell, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- the cells of a row have nothing else
        <Cell key={index} dir={directionOf(cell)} style={{ textAlign: table.align?.[index] ?? undefined }}>
          {phrasesOf(cell, context)}
        </Cell>
      ))}
    </tr>
  );
}

