/** The REST API, as far as this page uses it. */

import { toJson } from "@/events/cut";

import type { Effort } from "./transport";

/** A problem document: `message` says in words what is wrong. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

export interface Bootstrap {
  /** Null where the operator has turned the socket off. */
  readonly ws_path: string | null;
  readonly model: string | null;
  readonly demo: boolean;
  readonly version: string;
  readonly ticket?: string;
  readonly limits?: { readonly files?: FileLimits; readonly max_text_chars?: number };
}

/** What the files of one message may be; sizes in bytes. */
export interface FileLimits {
  readonly most: number;
  readonly text_bytes: number;
  readonly picture_bytes: number;
  readonly together_bytes: number;
}

export interface ConversationSummary {
  readonly conversation_id: string;
  readonly title: string;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

/** A conversation as it was made. */
export interface ConversationMade extends ConversationSummary {
  /** Whether it is kept in memory only, and in no list. */
  readonly temporary: boolean;
}

export interface ConversationPage {
  readonly conversations: readonly ConversationSummary[];
  /** Where the next page begins; null at the end. */
  readonly next_before: string | null;
}

export interface PageWanted {
  readonly before?: string;
  /** Only conversations that have all these words. */
  readonly search?: string;
}

export interface ModelChoice {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly current: boolean;
  readonly max_tokens: number | null;
  readonly images?: boolean;
  readonly reasoning: { readonly supported: boolean; readonly streams: boolean; readonly efforts: readonly string[] };
}

/** What this server can do; what is not named, it cannot. */
export type Features = Readonly<Record<string, boolean>>;

export interface Upload {
  readonly id: string;
  readonly name: string;
  readonly media_type: string;
  readonly bytes: number;
}

export class Api {
  readonly #base: string;

  constructor(base = "") {
    this.#base = base;
  }

  /** Where the description of the API is. */
  get docsAddress(): string {
    return `${this.#base}/api/docs`;
  }

  bootstrap = async (signal: AbortSignal): Promise<Bootstrap> => this.#read(await this.#fetch("GET", "/webui/bootstrap", { signal }));

  features = async (): Promise<Features> => (await this.#ask<{ features: Features }>("GET", "/api/v1/capabilities")).features;

  models = (): Promise<readonly ModelChoice[]> => this.#ask("GET", "/api/v1/models");

  switchModel = (modelId: string, effort?: Effort): Promise<unknown> =>
    this.#ask("POST", "/api/v1/models/switch", { model_id: modelId, ...(effort === undefined ? {} : { reasoning_effort: effort }) });

  conversations = (wanted: PageWanted = {}): Promise<ConversationPage> =>
    this.#ask("GET", `/api/v1/conversations?${new URLSearchParams({ limit: "50", ...wanted })}`);

  createConversation = (title: string, temporary = false): Promise<ConversationMade> =>
    this.#ask("POST", "/api/v1/conversations", { title, ...(temporary ? { temporary } : {}) });

  conversation = (id: string): Promise<ConversationMade> => this.#ask("GET", `/api/v1/conversations/${encodeURIComponent(id)}`);

  /** Make a conversation that has everything up to this run. */
  branch = (id: string, runId: string): Promise<ConversationMade> =>
    this.#ask("POST", `/api/v1/conversations/${encodeURIComponent(id)}/branch`, { run_id: runId });

  /** Show another version of a message, with all that followed it. */
  selectVersion = (id: string, runId: string): Promise<unknown> =>
    this.#ask("POST", `/api/v1/conversations/${encodeURIComponent(id)}/versions`, { run_id: runId });

  /** Show the version of a conversation that has all these words, where the one that is shown has them nowhere. */
  showFound = async (id: string, words: string): Promise<void> => {
    const query = new URLSearchParams({ search: words });
    const { path, found } = await this.#ask<{ path: readonly string[]; found: string | null }>("GET", `/api/v1/conversations/${encodeURIComponent(id)}/versions?${query}`);
    if (found !== null && !path.includes(found)) await this.selectVersion(id, found);
  };

  /** Where a conversation can be had as a file. */
  exportAddress = (id: string, thinking: boolean): string =>
    `${this.#base}/api/v1/conversations/${encodeURIComponent(id)}/export?format=markdown&include_reasoning=${thinking}`;

  renameConversation = (id: string, title: string): Promise<ConversationSummary> =>
    this.#ask("PATCH", `/api/v1/conversations/${encodeURIComponent(id)}`, { title });

  deleteConversation = (id: string): Promise<unknown> => this.#ask("DELETE", `/api/v1/conversations/${encodeURIComponent(id)}`);

  /** Ask a model for one word, in a conversation that is in no list and deleted afterwards. Returns what it said. */
  testModel = async (modelId: string): Promise<string> => {
    const { conversation_id } = await this.createConversation("Connection test", true);
    try {
      const request = { text: "Reply with the single word: ready", model: modelId, max_iterations: 1, conversation_id };
      const reply = await this.#ask<{ response: string }>("POST", "/api/v1/chat/message", request);
      return reply.response;
    } finally {
      await this.deleteConversation(conversation_id);
    }
  };

  upload = async (file: File): Promise<Upload> => {
    const form = new FormData();
    form.append("file", file);
    return this.#read(await this.#fetch("POST", "/api/v1/upload", { body: form }));
  };

  deleteUpload = (id: string): Promise<unknown> => this.#ask("DELETE", `/api/v1/uploads/${encodeURIComponent(id)}`);

  /** Where an upload can be looked at. */
  uploadAddress = (id: string): string => `${this.#base}/api/v1/uploads/${encodeURIComponent(id)}`;

  /** Where a file that a run was given can be looked at; `number` counts from 1. */
  attachmentAddress = (runId: string, number: number): string => `${this.#base}/api/v1/runs/${encodeURIComponent(runId)}/attachments/${number}`;

  async #ask<T>(method: string, path: string, body?: object): Promise<T> {
    const init: RequestInit = body ? { body: toJson(body), headers: { "Content-Type": "application/json" } } : {};
    return this.#read<T>(await this.#fetch(method, path, init));
  }

  async #fetch(method: string, path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(this.#base + path, { ...init, method, credentials: "same-origin" });
    } catch (error) {
      if (error instanceof TypeError) throw new ApiProblem(0, "unreachable", "Can't reach the server. Is it running?");
      throw error;
    }
  }

  async #read<T>(response: Response): Promise<T> {
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    const body: unknown = isJson ? await response.json() : undefined;
    if (response.ok) return body as T;
    const { code, detail } = (body ?? {}) as { code?: string; detail?: string };
    throw new ApiProblem(response.status, code ?? "", detail ?? `The server responded with status ${response.status}.`);
  }
}
