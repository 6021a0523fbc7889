/** The server's clock, as far as its frames tell. */

/**
 * A frame is never older than its arrival, so the greatest difference seen comes from the frame that was
 * on its way for the shortest time. Replayed frames are old and change nothing.
 */
export class ServerClock {
  #offset: number | null = null;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  heard(atMs: number): void {
    const offset = atMs - this.#now();
    if (this.#offset === null || offset > this.#offset) this.#offset = offset;
  }

  /** Unix milliseconds by the server's clock. */
  readonly now = (): number => this.#now() + (this.#offset ?? 0);
}
