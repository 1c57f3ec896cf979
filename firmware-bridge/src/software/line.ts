/** The line that payments and downloads share: payments go first. */
export interface SharedLine {
  /** Does something that needs the line for itself: what yields stops at once, and goes on after it. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when nobody needs the line for himself. */
  free(): Promise<void>;
  /** Calls once, as soon as somebody needs the line. @returns takes the call back */
  whenWanted(call: () => void): () => void;
}

export function sharedLine(): SharedLine {
  let wanted = 0;
  const calls = new Set<() => void>();
  const waiting: (() => void)[] = [];
  return {
    async during(work) {
      wanted += 1;
      for (const call of calls) call();
      calls.clear();
      try {
        return await work();
      } finally {
        wanted -= 1;
        if (wanted === 0) for (const go of waiting.splice(0)) go();
      }
    },
    free: () => (wanted === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    whenWanted(call) {
      if (wanted > 0) call();
      else calls.add(call);
      return () => calls.delete(call);
    },
  };
}
