/** Estimates the server's clock from its frames. */

/**
 * Frames arrive after they are sent, so the greatest difference comes from the frame with the
 * lowest latency. Replayed frames are old and change nothing.
 */
export class ServerClock {
  #offset: number | null = null;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  observe(atMs: number): void {
    const offset = atMs - this.#now();
    if (this.#offset === null || offset > this.#offset) this.#offset = offset;
  }

  /** Server time in Unix milliseconds. */
  readonly now = (): number => this.#now() + (this.#offset ?? 0);
}
