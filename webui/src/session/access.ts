/** Who uses the page, and what their key may do: the values of the access endpoints. */

import type { ModelChoice } from "./api";

export const ROLES = ["user", "admin"] as const;
export type Role = (typeof ROLES)[number];

export const SCOPES = ["chat", "read", "metrics", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

export const POLICIES = ["allow", "redact", "deny"] as const;
export type ReasoningPolicy = (typeof POLICIES)[number];

/** From the lowest to the highest. */
export const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

/** Limits on what may be started; null: unlimited. */
export interface UsageLimits {
  readonly requests_per_minute: number | null;
  readonly concurrent_runs: number | null;
  readonly tokens_per_day: number | null;
}

export interface AppliedLimits extends UsageLimits {
  readonly applies_to: "key" | "owner" | "role";
  readonly remaining: UsageLimits;
}

/** What a credential may do. */
export interface Me {
  /** `off`: the server needs no credentials, and everybody is its only owner. */
  readonly mode: "off" | "keys" | "proxy";
  readonly owner: string;
  readonly role: Role;
  readonly scopes: readonly Scope[];
  readonly key_id: string | null;
  readonly key_name: string | null;
  readonly expires_at_ms: number | null;
  /** Whether it is a login of this browser, which can be ended. */
  readonly session: boolean;
  /** Glob patterns of the models that may be used; empty: all. */
  readonly models: readonly string[];
  /** The highest effort that may be used (a level, or a number of tokens); null: any. */
  readonly max_effort: string | number | null;
  readonly reasoning: ReasoningPolicy;
  readonly limits: readonly AppliedLimits[];
}

/** The server lists only models that may be used; this leaves out their efforts that may not. */
export function withPermittedEfforts(models: readonly ModelChoice[], me: Me | null): readonly ModelChoice[] {
  const highest = EFFORTS.findIndex((effort) => effort === me?.max_effort);
  return highest < 0 ? models : models.map((model) => withEfforts(model, EFFORTS.slice(0, highest + 1)));
}

function withEfforts(model: ModelChoice, permitted: readonly string[]): ModelChoice {
  const efforts = model.reasoning.efforts.filter((effort) => permitted.includes(effort));
  return { ...model, reasoning: { ...model.reasoning, efforts } };
}

/** An API key, without its secret. */
export interface ApiKey extends UsageLimits {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly role: Role;
  readonly scopes: readonly Scope[];
  readonly status: "live" | "expired" | "revoked";
  readonly created_at_ms: number;
  readonly expires_at_ms: number | null;
  readonly last_used_ms: number | null;
  readonly models: readonly string[];
  readonly max_effort: string | null;
  readonly reasoning: ReasoningPolicy;
}

/** What can be set about a key. In a change, a missing field stays as it is, and null removes a restriction. */
export interface KeyFields extends UsageLimits {
  readonly name: string;
  /** For new keys only. */
  readonly owner?: string;
  readonly role: Role;
  readonly scopes: readonly Scope[];
  /** Such as `30d`; null: until it is revoked. */
  readonly expires?: string | null;
  readonly models: readonly string[];
  readonly max_effort: string | null;
  readonly reasoning: ReasoningPolicy;
}

export interface AuditEntry {
  readonly at_ms: number;
  readonly act: string;
  readonly by: string;
  readonly key_id: string | null;
  readonly address: string | null;
  readonly detail: string;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Cursor of the next page; null at the end. */
  readonly next_before: number | null;
}
