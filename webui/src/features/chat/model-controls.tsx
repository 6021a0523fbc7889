import { Brain } from "lucide-react";

import { Picker } from "@/components/composer/picker";
import type { ModelChoice } from "@/session/api";
import type { MessageOptions } from "@/session/transport";

/** The model settings for the next messages. Empty: the server's default. */
export interface ModelSelection {
  readonly model: string;
  readonly effort: string;
}

export const NO_SELECTION: ModelSelection = { model: "", effort: "" };

const EFFORT_LABELS: Readonly<Record<string, string>> = {
  none: "No thinking",
  minimal: "Minimal",
  low: "Low",
  medium: "Medium",
  high: "High",
  xhigh: "Extra high",
  max: "Maximum",
};

export interface ModelControlsProps {
  readonly models: readonly ModelChoice[];
  readonly chosen: ModelSelection;
  readonly onChange: (chosen: ModelSelection) => void;
}

/** Pickers for model and effort, if there is a choice. */
export function ModelControls({ models, chosen, onChange }: ModelControlsProps) {
  const model = modelOf(models, chosen);
  const efforts = model?.reasoning.efforts ?? [];
  return (
    <>
      {models.length > 0 && model ? (
        <Picker
          name="Model"
          value={model.id}
          choices={models.map((each) => ({ value: each.id, label: each.name || each.id, note: each.id, group: each.provider }))}
          onChange={(id) => onChange({ model: id, effort: "" })}
        />
      ) : null}
      {efforts.length > 0 ? (
        <Picker
          noShrink
          name="Thinking effort"
          icon={<Brain size={15} className="shrink-0" aria-hidden />}
          value={efforts.includes(chosen.effort) ? chosen.effort : ""}
          choices={[{ value: "", label: "Default" }, ...efforts.map((each) => ({ value: each, label: EFFORT_LABELS[each] ?? each }))]}
          onChange={(effort) => onChange({ ...chosen, effort })}
        />
      ) : null}
    </>
  );
}

/** Message options for the selection, as far as the model supports them. */
export function optionsOf(models: readonly ModelChoice[], chosen: ModelSelection): MessageOptions {
  const model = modelOf(models, chosen);
  const efforts = model?.reasoning.efforts ?? [];
  return {
    ...(model && (!model.current || model.id === chosen.model) ? { model: model.id } : {}),
    ...(efforts.includes(chosen.effort) ? { reasoning_effort: chosen.effort } : {}),
  };
}

/** The model for the next message. The default one may not be permitted. */
export function modelOf(models: readonly ModelChoice[], chosen: ModelSelection): ModelChoice | undefined {
  return models.find((each) => each.id === chosen.model) ?? models.find((each) => each.current) ?? models[0];
}
