/** What a person decides and answers. */

/** A decision about a tool call. */
export interface Decision {
  readonly decision: "approve" | "deny";
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly reason?: string;
  readonly remember?: "run" | "conversation" | "always";
}

/** An answer to a question of a tool. */
export interface QuestionAnswer {
  readonly action: "accept" | "decline";
  readonly content?: Readonly<Record<string, unknown>>;
}
