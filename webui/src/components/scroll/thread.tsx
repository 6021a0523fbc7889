import { ArrowDown } from "lucide-react";
import { Fragment, memo, type ReactNode, useContext, useMemo } from "react";

import type { ConversationView, RunView } from "@/events/types.gen";

import { PluginMessages, type ShownPluginMessage } from "@/components/message/plugin-messages";
import { AssistantMessage } from "@/components/message/assistant-message";
import { attemptText, AttemptNote } from "@/components/message/attempt-note";
import { FileAddressContext, filesOf } from "@/components/message/attached-files";
import { useEarlier } from "./earlier";
import type { AutoScroll } from "./auto-scroll";
import { shownRuns } from "@/components/message/shown-runs";
import { settledHeading } from "@/components/message/thought";
import { Button, IconButton } from "@/components/ui/button";
import { cx } from "@/components/ui/cx";
import { UserMessage } from "@/components/message/user-message";
import { VersionSwitcher } from "@/components/message/version-switcher";

/** Actions on a run. Absent if the server doesn't support them. */
export interface RunActions {
  readonly onRetry: (run: RunView) => void;
  readonly onContinue: () => void;
  readonly onRegenerate?: ((run: RunView) => void) | undefined;
  readonly onEdit?: ((run: RunView) => void) | undefined;
  readonly onBranch?: ((run: RunView) => void) | undefined;
  /** Shows another version of a message. */
  readonly onSelect?: ((runId: string) => void) | undefined;
}

export interface ThreadProps {
  readonly view: Pick<ConversationView, "runs" | "versions" | "attempt">;
  /** Messages from plugins. */
  readonly pluginMessages?: readonly ShownPluginMessage[];
  /** Fetches earlier runs; absent if there are none. */
  readonly onEarlier?: (() => void) | undefined;
  readonly autoScroll: AutoScroll;
  readonly actions: RunActions;
  /** Shown after the runs: messages that aren't in the log yet. */
  readonly children?: ReactNode;
}

const NO_PLUGIN_MESSAGES: readonly ShownPluginMessage[] = [];

/** A conversation, oldest first. */
export function Thread({ view, pluginMessages = NO_PLUGIN_MESSAGES, onEarlier, autoScroll, actions, children }: ThreadProps) {
  const { scroller, content, following, scrollToBottom } = autoScroll;
  const shown = useMemo(() => shownRuns(view), [view]);
  const runs = useMemo(() => shown.map(({ run }) => run), [shown]);
  const { first, more, edge } = useEarlier(runs, onEarlier, scroller);
  const placed = useMemo(() => withValidAnchors(pluginMessages, runs), [pluginMessages, runs]);
  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={scroller}
        role="log"
        aria-label="Messages"
        aria-live="off"
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls, by keyboard too
        tabIndex={0}
        className="h-full overflow-y-auto overscroll-contain outline-offset-[-2px]"
      >
        <div ref={content} className="mx-auto max-w-3xl px-4 pt-6 pb-8 sm:px-6">
          <div ref={edge} className={cx(more && "mb-6 text-center")}>
            {more ? (
              <Button look="quiet" onClick={more}>
                Show earlier messages
              </Button>
            ) : null}
          </div>
          <PluginMessages pluginMessages={placed} after={null} />
          {shown.slice(first).map(({ run, key, versions, attempt }, index) => (
            <Fragment key={key}>
              <Row run={run} versions={versions} attempt={attempt} isLast={first + index === runs.length - 1} actions={actions} />
              <PluginMessages pluginMessages={placed} after={run.run_id} />
            </Fragment>
          ))}
          {children}
        </div>
      </div>
      <p role="status" className="sr-only">
        {view.attempt && !isActive(view.attempt) ? attemptText(view.attempt) : statusText(runs.at(-1))}
      </p>
      {following ? null : (
        <IconButton
          label="Scroll to bottom"
          look="plain"
          round
          className="absolute bottom-3 left-1/2 -translate-x-1/2 shadow-md shadow-black/10"
          onClick={scrollToBottom}
        >
          <ArrowDown size={17} aria-hidden />
        </IconButton>
      )}
    </div>
  );
}

/** Messages after a run that is no longer shown move after the last run. */
function withValidAnchors(pluginMessages: readonly ShownPluginMessage[], runs: readonly RunView[]): readonly ShownPluginMessage[] {
  if (pluginMessages.length === 0) return pluginMessages;
  const there = new Set(runs.map((run) => run.run_id));
  const last = runs.at(-1)?.run_id ?? null;
  return pluginMessages.map((pluginMessage) => (pluginMessage.after === null || there.has(pluginMessage.after) ? pluginMessage : { ...pluginMessage, after: last }));
}

interface RowProps {
  readonly run: RunView;
  readonly versions: readonly string[];
  readonly attempt: RunView | null;
  readonly isLast: boolean;
  readonly actions: RunActions;
}

const Row = memo(function Row({ run, versions, attempt, isLast, actions }: RowProps) {
  const addressOf = useContext(FileAddressContext);
  const { onEdit, ...others } = useMemo(() => actionsFor(actions, run, isLast), [actions, run, isLast]);
  const onSelect = isActive(run) ? undefined : actions.onSelect;
  const switcher = (of: "message" | "answer") => <VersionSwitcher versions={versions} shown={run.run_id} of={of} onSelect={onSelect} />;
  return (
    <article aria-label="Message and answer" className={cx("space-y-5 pb-9", !isLast && "row")}>
      <UserMessage text={run.input.text} files={filesOf(run, addressOf)} onEdit={onEdit}>
        {versions.length > 1 ? switcher("message") : null}
      </UserMessage>
      <div className="space-y-3">
        <AssistantMessage key={run.run_id} run={run} {...others} />
        {versions.length > 1 && !isActive(run) ? <div className="-mt-2 -ml-2">{switcher("answer")}</div> : null}
        {attempt ? <AttemptNote attempt={attempt} edited={attempt.input.text !== run.input.text} onRetry={() => actions.onRetry(attempt)} onShow={onSelect && (() => onSelect(attempt.run_id))} /> : null}
      </div>
    </article>
  );
});

/** The actions available on a run: only the last one can be continued, and a running one has none. */
function actionsFor(actions: RunActions, run: RunView, isLast: boolean) {
  const bound = (act: ((run: RunView) => void) | undefined, may: boolean) => (act && may ? () => act(run) : undefined);
  const ended = !isActive(run);
  return {
    onRetry: bound(actions.onRetry, isLast),
    onContinue: bound(actions.onContinue, isLast),
    onRegenerate: bound(actions.onRegenerate, ended),
    onEdit: bound(actions.onEdit, ended),
    onBranch: bound(actions.onBranch, ended),
  };
}

function isActive(run: RunView): boolean {
  return run.status === "running" || run.status === "waiting";
}

/** Status for screen readers; streaming text itself isn't announced. */
function statusText(run: RunView | undefined): string {
  if (!run) return "";
  switch (run.status) {
    case "running":
      return runningText(run);
    case "waiting":
      return "A tool call waits for your decision";
    case "completed":
      return "Answer complete";
    case "stopped":
      return "Stopped";
    case "max_iterations":
      return "Step limit reached";
    case "failed":
      return `The answer failed: ${run.error?.message ?? ""}`;
    default: {
      const never: never = run.status;
      return never;
    }
  }
}

function runningText(run: RunView): string {
  const block = run.blocks.at(-1);
  if (block?.type === "reasoning") return block.status === "open" ? "Thinking" : settledHeading(block, run.status);
  if (block?.type === "tool") return `Tool ${block.name}, ${block.status}`;
  return block?.type === "answer" ? "Answering" : "Waiting for the model";
}
