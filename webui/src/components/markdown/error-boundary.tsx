import { Component, type ReactNode } from "react";

export interface ErrorBoundaryProps {
  /** Shown if the children throw. */
  readonly fallback: ReactNode;
  readonly children: ReactNode;
}

/** An error boundary: an error in one part doesn't take down the whole page. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, { readonly failed: boolean }> {
  override readonly state = { failed: false };

  static getDerivedStateFromError(): { readonly failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? this.props.fallback : this.props.children;
  }
}
