// Generated from schema/events.schema.json by `make generate`. Do not edit.

/** One tool call of a run. */
export interface ActionResult {
  readonly action: string;
  readonly arguments: unknown;
  readonly result: string;
  readonly status: "cancelled" | "denied" | "error" | "expired" | "interrupted" | "invalid_arguments" | "ok" | "timeout" | "unknown_tool";
  readonly tool_call_id: string;
  readonly duration_ms: number;
  readonly truncated: boolean;
}

/** One answer segment. */
export interface AnswerBlock {
  readonly type: "answer";
  readonly segment_id: string;
  readonly iteration: number;
  readonly text: string;
  readonly status: "closed" | "interrupted" | "open";
}

/** An answer delta, never empty. The first one with a `segment_id` opens that segment. */
export interface AnswerDelta {
  readonly type: "answer.delta";
  readonly segment_id: string;
  readonly text: string;
}

/** An answer segment has ended. `resuming`: the run continues, with tools or more reasoning. */
export interface AnswerEnded {
  readonly type: "answer.ended";
  readonly segment_id: string;
  readonly resuming?: boolean;
  readonly interrupted?: boolean;
}

/** A tool call that waits for a person's approval. */
export interface Approval {
  readonly approval_id: string;
  readonly tool_call_id: string;
  readonly action: string;
  readonly title: string;
  readonly arguments: unknown;
  readonly reason: string;
  readonly editable: boolean;
  readonly allowed_remember: readonly ("always" | "conversation" | "run")[];
  readonly iteration: number;
  readonly expires_at_ms: number;
  readonly server?: string | null;
}

/** A tool call waits until a person approves it. It starts with a `ToolStarted`, if ever. */
export interface ApprovalRequested {
  readonly type: "approval.requested";
  readonly approval_id: string;
  readonly tool_call_id: string;
  readonly action: string;
  readonly title: string;
  readonly arguments: string;
  readonly reason: string;
  readonly editable: boolean;
  readonly allowed_remember: readonly ("always" | "conversation" | "run")[];
  readonly iteration: number;
  readonly expires_at_ms: number;
  readonly server?: string | null;
  readonly fingerprint?: string;
}

/** An approval was decided, exactly once. */
export interface ApprovalResolved {
  readonly type: "approval.resolved";
  readonly approval_id: string;
  readonly tool_call_id: string;
  readonly decision: "approved" | "cancelled" | "denied" | "expired";
  readonly by: DecidedBy;
  readonly arguments?: string | null;
  readonly reason?: string | null;
  readonly remember?: "always" | "conversation" | "run" | null;
}

/** An attached file, without its content. */
export interface AttachedFile {
  readonly id: string;
  readonly name: string;
  readonly media_type: string;
  readonly bytes: number | null;
}

/** An attached file, as it was when the run started. */
export interface Attachment {
  readonly name: string;
  readonly media_type: string;
  readonly text?: string;
  readonly base64?: string;
  readonly id?: string;
  readonly bytes?: number | null;
  readonly kept_in?: string;
}

/** A conversation at `seq`: the selected version at every position. */
export interface ConversationView {
  readonly conversation_id: string;
  readonly seq: number;
  readonly runs: readonly RunView[];
  readonly versions: { readonly [key: string]: readonly string[] };
  readonly attempt: RunView | null;
}

/** Who decided, and how. */
export interface DecidedBy {
  readonly owner: string;
  readonly key_id?: string | null;
  readonly via?: string;
}

/** An image, encoded as base64. */
export interface Image {
  readonly media_type: string;
  readonly base64: string;
}

/** A model call starts. `iteration` counts from 1. */
export interface IterationStarted {
  readonly type: "iteration.started";
  readonly iteration: number;
  readonly max_iterations: number;
  readonly message: string;
}

/** The latest progress that a tool call reported. The numbers are the tool's and may be wrong. */
export interface LatestProgress {
  readonly message: string;
  readonly progress: number | null;
  readonly total: number | null;
}

/** An event with the identity that the log assigned when it was appended. */
export interface LoggedEvent {
  readonly seq: number;
  readonly at_ms: number;
  readonly conversation_id: string;
  readonly run_id: string;
  readonly event: RunStarted | IterationStarted | ReasoningDelta | ReasoningEnded | AnswerDelta | AnswerEnded | SegmentReclassified | ToolStarted | ToolProgress | ToolEnded | ToolRequested | ModelResponded | Notice | ApprovalRequested | ApprovalResolved | QuestionRequested | QuestionResolved | RunCheckpoint | RunEnded | VersionSelected;
}

/** A model call has succeeded. Has what the next prompt needs in addition to the text. */
export interface ModelResponded {
  readonly type: "model.responded";
  readonly iteration: number;
  readonly finish_reason: "length" | "pause" | "stop" | "tool_calls";
  readonly reasoning_status: "hidden_by_policy" | "hidden_by_provider" | "none" | "shown";
  readonly usage?: Usage | null;
  readonly native?: ProviderPayload | null;
  readonly raw_finish_reason?: string;
  readonly tool_calls?: readonly ToolCall[];
}

/** Information for the user that ends nothing: a retry, a dropped block. */
export interface Notice {
  readonly type: "notice";
  readonly code: string;
  readonly message: string;
}

/** Information for the user. */
export interface NoticeBlock {
  readonly type: "notice";
  readonly code: string;
  readonly message: string;
}

/** Where an opaque payload comes from. It is sent back only to an equal origin (P13). */
export interface Origin {
  readonly dialect: string;
  readonly endpoint: string;
  readonly model: string;
}

/** Why a completed response needs attention, and what to do about it. */
export interface Outcome {
  readonly code: "empty_answer" | "output_limit" | "output_limit_in_reasoning";
  readonly message: string;
  readonly reasoning_tokens?: number | null;
  readonly output_tokens?: number | null;
  readonly max_output_tokens?: number | null;
}

/** An assistant response in the form in which its provider expects it back. */
export interface ProviderPayload {
  readonly origin: Origin;
  readonly payload: unknown;
}

/** A question of a tool call to a person. */
export interface QuestionBlock {
  readonly type: "question";
  readonly question_id: string;
  readonly tool_call_id: string;
  readonly mode: "form" | "url";
  readonly message: string;
  readonly expires_at_ms: number;
  readonly server: string | null;
  readonly schema: { readonly [key: string]: unknown } | null;
  readonly url: string | null;
  readonly action: "accept" | "cancel" | "decline" | null;
}

/** A running tool call asks a person a question. */
export interface QuestionRequested {
  readonly type: "question.requested";
  readonly question_id: string;
  readonly tool_call_id: string;
  readonly mode: "form" | "url";
  readonly message: string;
  readonly expires_at_ms: number;
  readonly server?: string | null;
  readonly schema?: { readonly [key: string]: unknown } | null;
  readonly url?: string | null;
}

/** A question was answered, exactly once. The answer itself is not logged. */
export interface QuestionResolved {
  readonly type: "question.resolved";
  readonly question_id: string;
  readonly action: "accept" | "cancel" | "decline";
}

/** One reasoning segment. `parts` are the provider's own blocks; concatenated, they are its text. */
export interface ReasoningBlock {
  readonly type: "reasoning";
  readonly segment_id: string;
  readonly iteration: number;
  readonly parts: readonly string[];
  readonly status: "closed" | "interrupted" | "open";
  readonly started_at_ms: number;
  readonly duration_ms: number | null;
}

/** A reasoning delta, never empty. The first one with a `segment_id` opens that segment. */
export interface ReasoningDelta {
  readonly type: "reasoning.delta";
  readonly segment_id: string;
  readonly text: string;
  readonly part?: number;
}

/** A reasoning segment has ended: exactly once, however it ends (P2). */
export interface ReasoningEnded {
  readonly type: "reasoning.ended";
  readonly segment_id: string;
  readonly duration_ms: number;
  readonly interrupted?: boolean;
}

/** One segment of reasoning. */
export interface ReasoningSegment {
  readonly segment_id: string;
  readonly text: string;
  readonly duration_ms: number | null;
}

/** The body of `POST /chat/message`, and the data of a `complete` frame. */
export interface Reply {
  readonly response: string;
  readonly action_results: readonly ActionResult[];
  readonly iterations: number;
  readonly max_iterations: number;
  readonly conversation_id: string;
  readonly run_id: string;
  readonly status: "completed" | "failed" | "max_iterations" | "stopped" | "waiting";
  readonly model: string;
  readonly usage: Usage | null;
  readonly timing: Timing | null;
  readonly reasoning_effort: "high" | "low" | "max" | "medium" | "minimal" | "none" | "xhigh" | number | null;
  readonly outcome: Outcome | null;
  readonly approvals?: readonly Approval[];
  readonly reasoning?: string;
  readonly reasoning_status?: "hidden_by_policy" | "hidden_by_provider" | "none" | "shown";
  readonly reasoning_segments?: readonly ReasoningSegment[];
}

/** All that is needed to continue a run that waits, except for what is in its other events. */
export interface RunCheckpoint {
  readonly type: "run.checkpoint";
  readonly timing: Timing;
  readonly usage?: Usage | null;
  readonly spec?: string;
}

/** The one terminal event of every run (P3). */
export interface RunEnded {
  readonly type: "run.ended";
  readonly status: "completed" | "failed" | "max_iterations" | "stopped";
  readonly iterations: number;
  readonly timing: Timing;
  readonly usage?: Usage | null;
  readonly error?: RunError | null;
  readonly outcome?: Outcome | null;
}

/** Why a run failed. `message` is for people and contains no secrets. */
export interface RunError {
  readonly code: string;
  readonly message: string;
  readonly retryable?: boolean;
  readonly retry_after?: number | null;
}

/** A run has started. The first event of every run. */
export interface RunStarted {
  readonly type: "run.started";
  readonly model: string;
  readonly max_iterations: number;
  readonly input: UserInput;
  readonly reasoning_effort?: "high" | "low" | "max" | "medium" | "minimal" | "none" | "xhigh" | number | null;
  readonly attachments?: readonly Attachment[];
  readonly replaces?: string | null;
}

/** The state of a run. */
export interface RunView {
  readonly run_id: string;
  readonly status: "completed" | "failed" | "max_iterations" | "stopped" | "running" | "waiting";
  readonly model: string;
  readonly input: UserInput;
  readonly blocks: readonly (ReasoningBlock | AnswerBlock | ToolBlock | NoticeBlock | QuestionBlock)[];
  readonly iteration: number;
  readonly max_iterations: number;
  readonly started_at_ms: number;
  readonly reasoning_effort: "high" | "low" | "max" | "medium" | "minimal" | "none" | "xhigh" | number | null;
  readonly ended_at_ms: number | null;
  readonly reasoning_status: "hidden_by_policy" | "hidden_by_provider" | "none" | "shown";
  readonly usage: Usage | null;
  readonly timing: Timing | null;
  readonly error: RunError | null;
  readonly outcome: Outcome | null;
  readonly attachments: readonly AttachedFile[];
}

/** A closed segment turned out to be something other than what it was streamed as. */
export interface SegmentReclassified {
  readonly type: "segment.reclassified";
  readonly segment_id: string;
  readonly to: "reasoning" | "withdrawn";
  readonly duration_ms: number;
}

/** Durations in milliseconds, by the server's clock. None if it didn't happen. */
export interface Timing {
  readonly time_to_first_reasoning_ms: number | null;
  readonly time_to_first_answer_ms: number | null;
  readonly reasoning_ms: number;
  readonly total_ms: number;
}

/** What a person is asked about a tool call, and the decision. */
export interface ToolApproval {
  readonly approval_id: string;
  readonly title: string;
  readonly reason: string;
  readonly editable: boolean;
  readonly allowed_remember: readonly ("always" | "conversation" | "run")[];
  readonly expires_at_ms: number;
  readonly server: string | null;
  readonly decision: "approved" | "cancelled" | "denied" | "expired" | null;
  readonly decision_reason: string | null;
  readonly edited: boolean;
  readonly remember: "always" | "conversation" | "run" | null;
  readonly by: DecidedBy | null;
}

/** One tool call that is executed here, or was returned to the client (`requested`). */
export interface ToolBlock {
  readonly type: "tool";
  readonly tool_call_id: string;
  readonly iteration: number;
  readonly name: string;
  readonly arguments: string;
  readonly status: "cancelled" | "denied" | "error" | "expired" | "interrupted" | "invalid_arguments" | "ok" | "timeout" | "unknown_tool" | "requested" | "running" | "waiting";
  readonly result: string;
  readonly duration_ms: number | null;
  readonly truncated: boolean;
  readonly progress: LatestProgress | null;
  readonly approval: ToolApproval | null;
}

/** A complete tool call. `arguments` is the JSON text that the model wrote, unparsed. */
export interface ToolCall {
  readonly type: "tool_call";
  readonly tool_call_id: string;
  readonly name: string;
  readonly arguments: string;
}

/** A tool call has ended. The result is sent back to the model. */
export interface ToolEnded {
  readonly type: "tool.ended";
  readonly tool_call_id: string;
  readonly name: string;
  readonly status: "cancelled" | "denied" | "error" | "expired" | "interrupted" | "invalid_arguments" | "ok" | "timeout" | "unknown_tool";
  readonly result: string;
  readonly duration_ms: number;
  readonly truncated?: boolean;
  readonly images?: readonly Image[];
}

/** A running tool call reports progress. The tool's own words and numbers, which may be wrong. */
export interface ToolProgress {
  readonly type: "tool.progress";
  readonly tool_call_id: string;
  readonly name: string;
  readonly message?: string;
  readonly progress?: number | null;
  readonly total?: number | null;
}

/** A call of a tool that the client declared and executes itself. */
export interface ToolRequested {
  readonly type: "tool.requested";
  readonly tool_call_id: string;
  readonly name: string;
  readonly arguments: string;
}

/** The result of one tool call. */
export interface ToolResult {
  readonly tool_call_id: string;
  readonly name: string;
  readonly content: string;
  readonly is_error?: boolean;
  readonly images?: readonly Image[];
}

/** A tool call has started. `arguments` is the JSON text that the model wrote, or that replaced it when the call was approved. */
export interface ToolStarted {
  readonly type: "tool.started";
  readonly tool_call_id: string;
  readonly name: string;
  readonly arguments: string;
}

/** Token counts of a response or a run. Output tokens include reasoning. */
export interface Usage {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly reasoning_tokens?: number | null;
  readonly cache_read_tokens?: number | null;
  readonly cache_write_tokens?: number | null;
  readonly estimated?: boolean;
  readonly raw?: { readonly [key: string]: unknown } | null;
}

/** The user's message that starts a run, after validation. */
export interface UserInput {
  readonly text: string;
  readonly context?: { readonly [key: string]: unknown };
  readonly context_files?: readonly string[];
  readonly image_path?: string | null;
  readonly tool_results?: readonly ToolResult[];
}

/** Another version at a position was selected, with everything that followed it. */
export interface VersionSelected {
  readonly type: "version.selected";
  readonly run_id: string;
}

export type Event = LoggedEvent["event"];
export type Run = ConversationView["runs"][number];
export type Block = RunView["blocks"][number];
