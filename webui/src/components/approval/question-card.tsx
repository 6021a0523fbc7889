import { MessageCircleQuestion } from "lucide-react";
import { createContext, useContext, useState } from "react";

import { Button } from "@/components/ui/button";
import type { QuestionAnswer } from "@/events/decisions";
import type { QuestionBlock } from "@/events/types.gen";

import { visible } from "@/components/message/sanitize";

/** Sends an answer. Returns false if there is no connection. */
export type AnswerQuestion = (runId: string, questionId: string, answer: QuestionAnswer) => boolean;

export const AnswerContext = createContext<AnswerQuestion | null>(null);

const ENDED = { accept: "Answered", decline: "Declined", cancel: "Not answered" } as const;

/** A question of a tool: a form, or a page to open. */
export function QuestionCard({ block, runId }: { readonly block: QuestionBlock; readonly runId: string }) {
  const answer = useContext(AnswerContext);
  const [values, setValues] = useState<Readonly<Record<string, string | boolean>>>({});
  const [sent, setSent] = useState(false);
  const fields = fieldsOf(block.schema);
  const send = (given: QuestionAnswer) => setSent(answer?.(runId, block.question_id, given) ?? false);
  const isSafe = block.url !== null && /^https?:\/\//i.test(block.url);
  return (
    <section aria-label="Question" className="space-y-3 rounded-xl border border-line-strong bg-raised px-4 py-3 text-sm">
      <h3 className="flex items-start gap-2 font-medium">
        <MessageCircleQuestion size={17} className="mt-0.5 shrink-0 text-accent" aria-hidden />
        <span className="whitespace-pre-wrap [overflow-wrap:anywhere]">{visible(block.message)}</span>
      </h3>
      {block.server === null ? null : <p className="text-faint">{`Asked by the server ${visible(block.server)}.`}</p>}
      {block.action === null ? (
        <form
          className="space-y-3"
          onSubmit={(event) => {
            event.preventDefault();
            send({ action: "accept", content: contentOf(fields, values) });
          }}
        >
          {isSafe && block.url !== null ? (
            <a href={block.url} target="_blank" rel="noopener noreferrer nofollow" className="block text-accent underline [overflow-wrap:anywhere]">
              {visible(block.url)}
            </a>
          ) : null}
          {fields.map((field) => (
            <Field key={field.name} field={field} value={values[field.name]} onChange={(value) => setValues({ ...values, [field.name]: value })} />
          ))}
          <div className="flex flex-wrap gap-2">
            <Button look="primary" type="submit" disabled={sent || answer === null}>
              {block.mode === "url" ? "Done" : "Answer"}
            </Button>
            <Button disabled={sent || answer === null} onClick={() => send({ action: "decline" })}>
              Decline
            </Button>
          </div>
        </form>
      ) : (
        <p className="text-faint">{ENDED[block.action]}</p>
      )}
    </section>
  );
}

interface FormField {
  readonly name: string;
  readonly title: string;
  readonly kind: string;
  readonly choices: readonly string[];
  readonly required: boolean;
}

function Field({ field, value, onChange }: { readonly field: FormField; readonly value: string | boolean | undefined; readonly onChange: (value: string | boolean) => void }) {
  const look = "w-full rounded-lg border border-line bg-sunken px-3 py-2";
  if (field.kind === "boolean") {
    return (
      <label className="flex items-center gap-2">
        <input type="checkbox" checked={value === true} onChange={(event) => onChange(event.target.checked)} />
        {visible(field.title)}
      </label>
    );
  }
  return (
    <label className="block space-y-1">
      <span className="text-xs font-medium text-faint">{visible(field.title)}</span>
      {field.choices.length > 0 ? (
        <select required={field.required} value={typeof value === "string" ? value : ""} onChange={(event) => onChange(event.target.value)} className={look}>
          <option value="">Choose…</option>
          {field.choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : (
        <input
          type={field.kind === "string" ? "text" : "number"}
          step={field.kind === "integer" ? 1 : "any"}
          required={field.required}
          value={typeof value === "string" ? value : ""}
          onChange={(event) => onChange(event.target.value)}
          className={look}
        />
      )}
    </label>
  );
}

function fieldsOf(schema: QuestionBlock["schema"]): readonly FormField[] {
  const properties: unknown = schema?.["properties"];
  const required: unknown = schema?.["required"];
  if (typeof properties !== "object" || properties === null) return [];
  return Object.entries(properties as Record<string, unknown>)
    .slice(0, 50)
    .map(([name, value]) => {
      const given = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
      return {
        name,
        title: typeof given["title"] === "string" ? given["title"] : name,
        kind: typeof given["type"] === "string" ? given["type"] : "string",
        choices: Array.isArray(given["enum"]) ? given["enum"].filter((each) => typeof each === "string") : [],
        required: Array.isArray(required) && required.includes(name),
      };
    });
}

function contentOf(fields: readonly FormField[], values: Readonly<Record<string, string | boolean>>): Readonly<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const { name, kind } of fields) {
    const value = values[name];
    if (kind === "boolean") found[name] = value === true;
    else if (typeof value === "string" && value !== "") found[name] = kind === "integer" || kind === "number" ? Number(value) : value;
  }
  return found;
}
