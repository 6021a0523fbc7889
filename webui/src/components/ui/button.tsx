import type { ComponentProps } from "react";

import { cx } from "./cx";

const LOOKS = {
  primary: "bg-accent text-accent-ink hover:opacity-90 disabled:opacity-40",
  plain: "border border-line bg-raised text-ink hover:border-line-strong disabled:opacity-50",
  quiet: "text-soft hover:bg-sunken hover:text-ink disabled:opacity-40",
  danger: "bg-danger text-canvas hover:opacity-90",
} as const;

export interface ButtonProps extends ComponentProps<"button"> {
  readonly look?: keyof typeof LOOKS;
}

export function Button({ look = "plain", className, type = "button", ...rest }: ButtonProps) {
  const shape = "inline-flex min-h-9 items-center justify-center gap-2 rounded-lg px-3.5 text-sm font-medium transition-colors";
  return <button type={type === "submit" ? "submit" : "button"} className={cx(shape, LOOKS[look], className)} {...rest} />;
}

export interface IconButtonProps extends ButtonProps {
  /** Accessible name and tooltip. */
  readonly label: string;
  readonly round?: boolean;
}

export function IconButton({ label, look = "quiet", round = false, className, type = "button", ...rest }: IconButtonProps) {
  const shape = cx("inline-flex shrink-0 items-center justify-center transition-colors", round ? "rounded-full" : "rounded-lg", !/\bsize-/.test(className ?? "") && "size-9");
  return (
    <button type={type === "submit" ? "submit" : "button"} aria-label={label} title={label} className={cx(shape, LOOKS[look], className)} {...rest} />
  );
}
