/** One thing at a time, in the order of the calls: a terminal has one cardholder before it. */
export interface Turns {
  take<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when everything that was called for so far is done. */
  idle(): Promise<void>;
}

export function turns(): Turns {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    take(work) {
      const turn = tail.then(work, work);
      tail = turn.catch(() => undefined);
      return turn;
    },
    idle: async () => {
      await tail;
    },
  };
}
