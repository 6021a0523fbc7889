import { Plus } from "lucide-react";
import { useCallback, useEffect, useState } from "react";

import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import type { ApiKey } from "@/session/access";

import { useServices } from "../services";
import { attempt } from "./attempt";
import { IssuedKey, RevokeKey, RotateKey } from "./key-dialogs";
import { KeyForm, type SubmitKey } from "./key-form";
import { KeyItem, type KeyTask } from "./key-item";
import { PageFrame } from "./page-frame";

type Task = { readonly name: "create" } | { readonly name: KeyTask; readonly key: ApiKey } | { readonly name: "issued"; readonly label: string; readonly value: string };

/** All API keys. */
export default function KeysPage({ onBack }: { readonly onBack: () => void }) {
  const { api } = useServices();
  const [keys, setKeys] = useState<readonly ApiKey[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [task, setTask] = useState<Task | null>(null);
  const [ended, setEnded] = useState(false);
  const refresh = useCallback(() => attempt(async () => setKeys(await api.keys())).then(setProblem), [api]);
  useEffect(() => {
    void refresh();
  }, [refresh]);
  const shown = keys?.filter((key) => (key.status === "live") !== ended) ?? [];
  const others = (keys?.length ?? 0) - shown.length;
  return (
    <PageFrame
      title={ended ? "Expired and revoked keys" : "API keys"}
      onBack={onBack}
      problem={problem}
      action={
        <Button look="primary" onClick={() => setTask({ name: "create" })}>
          <Plus size={16} aria-hidden /> New key
        </Button>
      }
    >
      {shown.length === 0 ? null : (
        <ul aria-label="Keys" className="overflow-hidden rounded-xl border border-line bg-raised">
          {shown.map((key) => (
            <KeyItem key={key.id} item={key} onTask={(name) => setTask({ name, key })} />
          ))}
        </ul>
      )}
      {others === 0 && !ended ? null : (
        <Button look="quiet" className="mt-3" onClick={() => setEnded(!ended)}>
          {ended ? "Show active keys" : `Show ${others} expired or revoked`}
        </Button>
      )}
      <TaskDialog task={task} onTask={setTask} onChanged={refresh} />
    </PageFrame>
  );
}

interface TaskDialogProps {
  readonly task: Task | null;
  readonly onTask: (task: Task | null) => void;
  readonly onChanged: () => Promise<void>;
}

function TaskDialog({ task, onTask, onChanged }: TaskDialogProps) {
  const { api } = useServices();
  if (task === null) return null;
  const close = () => onTask(null);
  /** Do something, then show a new value or close. Returns what went wrong. */
  const doing = (step: () => Promise<{ readonly name: string; readonly key: string } | null>) =>
    attempt(async () => {
      const issued = await step();
      onTask(issued === null ? null : { name: "issued", label: issued.name, value: issued.key });
      await onChanged();
    });
  const create: SubmitKey = (fields) => doing(() => api.createKey(fields));
  switch (task.name) {
    case "create":
      return (
        <Dialog open onOpenChange={close} title="New key">
          <KeyForm onSubmit={create} onCancel={close} />
        </Dialog>
      );
    case "edit":
      return (
        <Dialog open onOpenChange={close} title="Edit key">
          <KeyForm current={task.key} onSubmit={(fields) => doing(async () => (await api.changeKey(task.key.id, fields), null))} onCancel={close} />
        </Dialog>
      );
    case "rotate":
      return <RotateKey item={task.key} onClose={close} onRotate={(grace) => doing(() => api.rotateKey(task.key.id, grace))} />;
    case "revoke":
      return <RevokeKey item={task.key} onClose={close} onRevoke={() => doing(async () => (await api.revokeKey(task.key.id), null))} />;
    case "issued":
      return <IssuedKey name={task.label} value={task.value} onClose={close} />;
    default: {
      const never: never = task;
      return never;
    }
  }
}
