/** Work on one device, one piece at a time, in the order in which it was asked for. An idle device starts at once. */
export class Turns {
  #last: Promise<unknown> | undefined;

  take<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#last === undefined ? work() : this.#last.then(work, work);
    this.#last = run;
    const settled = (): void => {
      if (this.#last === run) this.#last = undefined;
    };
    run.then(settled, settled);
    return run;
  }

  /** Resolves when everything asked for so far has ended. */
  async idle(): Promise<void> {
    await this.#last?.catch(() => undefined);
  }
}
