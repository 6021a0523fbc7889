/** A value outside React that components subscribe to, published at most once per animation frame. */

export type Schedule = (flush: () => void) => void;

/** Run `flush` at the next animation frame, or after a timeout if the page is hidden. */
export const nextFrame: Schedule = (flush) => {
  if (document.visibilityState === "hidden") setTimeout(flush, 100);
  else requestAnimationFrame(flush);
};

export class Store<T> {
  #latest: T;
  #published: T;
  #scheduled = false;
  readonly #listeners = new Set<() => void>();
  readonly #schedule: Schedule;

  constructor(value: T, schedule: Schedule = nextFrame) {
    this.#latest = value;
    this.#published = value;
    this.#schedule = schedule;
  }

  /** The last published value. */
  readonly published = (): T => this.#published;

  /** The current value, possibly not published yet. */
  get latest(): T {
    return this.#latest;
  }

  get hasSubscribers(): boolean {
    return this.#listeners.size > 0;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  set(value: T): void {
    this.#latest = value;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Publish now, for direct user actions. */
  flush(): void {
    if (Object.is(this.#published, this.#latest)) return;
    this.#published = this.#latest;
    for (const listener of this.#listeners) listener();
  }
}
