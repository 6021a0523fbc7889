import { Component, type ReactNode } from "react";

export interface GuardedProps {
  /** Shown where the children cannot be. */
  readonly fallback: ReactNode;
  readonly children: ReactNode;
}

/** Keeps an error in one part of the page from taking down all of it. */
export class Guarded extends Component<GuardedProps, { readonly failed: boolean }> {
  override readonly state = { failed: false };

  static getDerivedStateFromError(): { readonly failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? this.props.fallback : this.props.children;
  }
}
