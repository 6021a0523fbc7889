/** Client for the parts of the REST API that the page uses. */

import { toJson } from "@/events/text-slices";

import type { ApiKey, AuditPage, KeyFields, Me } from "./access";
import { withRetryTime } from "./retry-time";
import type { Effort } from "./transport";

/** A problem document; `message` is its detail, and when to try again. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string, retryAfter: number | null = null) {
    super(withRetryTime(detail, retryAfter));
    this.status = status;
    this.code = code;
  }
}

export interface Bootstrap {
  /** Null if the operator has turned off the WebSocket. */
  readonly ws_path: string | null;
  readonly model: string | null;
  readonly demo: boolean;
  readonly version: string;
  /** A ticket for the socket; null if the server needs no credentials. */
  readonly ticket?: string | null;
  readonly limits?: { readonly files?: FileLimits; readonly max_text_chars?: number };
}

/** Limits for the files of one message; sizes in bytes. */
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

/** A newly created conversation. */
export interface ConversationMade extends ConversationSummary {
  /** Whether it is temporary: kept in memory only and not listed. */
  readonly temporary: boolean;
}

export interface ConversationPage {
  readonly conversations: readonly ConversationSummary[];
  /** Cursor of the next page; null at the end. */
  readonly next_before: string | null;
}

export interface PageWanted {
  readonly before?: string;
  /** Only conversations that contain all these words. */
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

/** What the server supports; missing means no. */
export type Features = Readonly<Record<string, boolean>>;

export interface Upload {
  readonly id: string;
  readonly name: string;
  readonly media_type: string;
  readonly bytes: number;
}

export class Api {
  readonly #base: string;
  readonly #onUnauthorized: () => void;

  /** `onUnauthorized` is called when the login turns out to have ended. */
  constructor(base = "", onUnauthorized: () => void = () => undefined) {
    this.#base = base;
    this.#onUnauthorized = onUnauthorized;
  }

  /** URL of the API docs. */
  get docsAddress(): string {
    return `${this.#base}/api/docs`;
  }

  bootstrap = async (signal: AbortSignal): Promise<Bootstrap> => this.#read(await this.#fetch("GET", "/webui/bootstrap", { signal }));

  /** Log in with an API key. The server answers with a cookie that scripts can't read; nothing else keeps the key. */
  logIn = async (key: string): Promise<Me> => this.#read(await this.#fetch("POST", "/api/v1/session", json({ key })));

  logOut = (): Promise<unknown> => this.#ask("DELETE", "/api/v1/session");

  me = async (signal?: AbortSignal): Promise<Me> => this.#read(await this.#fetch("GET", "/api/v1/me", signal ? { signal } : {}));

  keys = async (): Promise<readonly ApiKey[]> => (await this.#ask<{ keys: readonly ApiKey[] }>("GET", "/api/v1/keys")).keys;

  /** Create a key. Its value, `key`, can't be read again. */
  createKey = (fields: KeyFields): Promise<ApiKey & { readonly key: string }> => this.#ask("POST", "/api/v1/keys", fields);

  changeKey = (id: string, fields: KeyFields): Promise<ApiKey> => this.#ask("PATCH", `/api/v1/keys/${encodeURIComponent(id)}`, fields);

  /** Give a key a new secret. The former one stays valid for a duration such as `24h`. */
  rotateKey = (id: string, grace: string): Promise<ApiKey & { readonly key: string }> =>
    this.#ask("PATCH", `/api/v1/keys/${encodeURIComponent(id)}`, { rotate: true, grace });

  revokeKey = (id: string): Promise<unknown> => this.#ask("DELETE", `/api/v1/keys/${encodeURIComponent(id)}`);

  audit = (before?: number): Promise<AuditPage> => this.#ask("GET", `/api/v1/audit?${new URLSearchParams({ limit: "50", ...(before === undefined ? {} : { before: String(before) }) })}`);

  features = async (): Promise<Features> => (await this.#ask<{ features: Features }>("GET", "/api/v1/capabilities")).features;

  models = (): Promise<readonly ModelChoice[]> => this.#ask("GET", "/api/v1/models");

  switchModel = (modelId: string, effort?: Effort): Promise<unknown> =>
    this.#ask("POST", "/api/v1/models/switch", { model_id: modelId, ...(effort === undefined ? {} : { reasoning_effort: effort }) });

  conversations = (wanted: PageWanted = {}): Promise<ConversationPage> =>
    this.#ask("GET", `/api/v1/conversations?${new URLSearchParams({ limit: "50", ...wanted })}`);

  createConversation = (title: string, temporary = false): Promise<ConversationMade> =>
    this.#ask("POST", "/api/v1/conversations", { title, ...(temporary ? { temporary } : {}) });

  conversation = (id: string): Promise<ConversationMade> => this.#ask("GET", `/api/v1/conversations/${encodeURIComponent(id)}`);

  /** Create a conversation with everything up to this run. */
  branch = (id: string, runId: string): Promise<ConversationMade> =>
    this.#ask("POST", `/api/v1/conversations/${encodeURIComponent(id)}/branch`, { run_id: runId });

  /** Select another version of a message and what followed it. */
  selectVersion = (id: string, runId: string): Promise<unknown> =>
    this.#ask("POST", `/api/v1/conversations/${encodeURIComponent(id)}/versions`, { run_id: runId });

  /** Select the version that contains all these words, unless the current one does. */
  showFound = async (id: string, words: string): Promise<void> => {
    const query = new URLSearchParams({ search: words });
    const { path, found } = await this.#ask<{ path: readonly string[]; found: string | null }>("GET", `/api/v1/conversations/${encodeURIComponent(id)}/versions?${query}`);
    if (found !== null && !path.includes(found)) await this.selectVersion(id, found);
  };

  /** URL of a conversation's export. */
  exportAddress = (id: string, thinking: boolean): string =>
    `${this.#base}/api/v1/conversations/${encodeURIComponent(id)}/export?format=markdown&include_reasoning=${thinking}`;

  renameConversation = (id: string, title: string): Promise<ConversationSummary> =>
    this.#ask("PATCH", `/api/v1/conversations/${encodeURIComponent(id)}`, { title });

  deleteConversation = (id: string): Promise<unknown> => this.#ask("DELETE", `/api/v1/conversations/${encodeURIComponent(id)}`);

  /** Ask a model for one word, in a temporary conversation that is deleted afterwards. Returns the reply. */
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
    return this.#authorized("POST", "/api/v1/upload", { body: form });
  };

  deleteUpload = (id: string): Promise<unknown> => this.#ask("DELETE", `/api/v1/uploads/${encodeURIComponent(id)}`);

  /** URL of an upload. */
  uploadAddress = (id: string): string => `${this.#base}/api/v1/uploads/${encodeURIComponent(id)}`;

  /** URL of a run's attachment; `number` counts from 1. */
  attachmentAddress = (runId: string, number: number): string => `${this.#base}/api/v1/runs/${encodeURIComponent(runId)}/attachments/${number}`;

  async #ask<T>(method: string, path: string, body?: object): Promise<T> {
    return this.#authorized<T>(method, path, body ? json(body) : {});
  }

  async #authorized<T>(method: string, path: string, init: RequestInit): Promise<T> {
    const response = await this.#fetch(method, path, init);
    if (response.status === 401) this.#onUnauthorized();
    return this.#read<T>(response);
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
    const { code, detail, retry_after: retryAfter } = (body ?? {}) as { code?: string; detail?: string; retry_after?: number };
    throw new ApiProblem(response.status, code ?? "", detail ?? `The server responded with status ${response.status}.`, retryAfter ?? null);
  }
}

function json(body: object): RequestInit {
  return { body: toJson(body), headers: { "Content-Type": "application/json" } };
}
