import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";

import { Button } from "@/components/ui/button";

export interface PageFrameProps {
  readonly title: string;
  readonly onBack: () => void;
  /** Beside the title. */
  readonly action?: ReactNode;
  readonly problem: string | null;
  readonly children: ReactNode;
}

/** A page for admins. */
export function PageFrame({ title, onBack, action, problem, children }: PageFrameProps) {
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <div className="mx-auto max-w-3xl px-5 py-8">
        <Button look="quiet" className="-ml-3" onClick={onBack}>
          <ArrowLeft size={16} aria-hidden /> Back
        </Button>
        <div className="mt-3 mb-5 flex flex-wrap items-center justify-between gap-3">
          <h2 className="text-2xl font-semibold tracking-tight">{title}</h2>
          {action}
        </div>
        {problem === null ? null : (
          <p role="alert" className="mb-4 rounded-xl bg-danger-soft px-4 py-2 text-sm text-danger">
            {problem}
          </p>
        )}
        {children}
      </div>
    </div>
  );
}
