/** Work on one device, one piece at a time, in the order in which it was asked for. An idle device starts at once. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #isBusy = false;

  take<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isBusy) return this.#run(work);
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        this.#run(work).then(resolve, reject);
      });
    });
  }

  /** Resolves when everything asked for so far has ended. */
  async idle(): Promise<void> {
    if (this.#isBusy) await this.take(() => Promise.resolve());
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#isBusy = false;
      this.#waiting.shift()?.();
    }
  }
}
