import type { LiveEvent } from '@tsunagu/protocols/fleet';

/** An event with its place in the stream; numbers only grow within one run of the server. */
export interface NumberedEvent {
  readonly id: number;
  readonly event: LiveEvent;
}

/** What happened just now, for whoever looks on. The truth is in the store; this is only its echo. */
export interface LiveHub {
  publish(event: LiveEvent): void;
  /** The number of the newest event; 0 before the first. */
  readonly latest: number;
  /** Everything newer than `id`, oldest first; undefined when the ring no longer reaches back that far. */
  since(id: number): readonly NumberedEvent[] | undefined;
  /** Calls `take` for each event from now on, until the returned function is called. `take` must not block or throw. */
  listen(take: (numbered: NumberedEvent) => void): () => void;
  /** Somebody listens: what only the newest of counts, and nobody keeps, need not be made for nobody. */
  readonly isHeard: boolean;
  /** Calls `work` whenever somebody begins to listen. */
  whenHeard(work: () => void): void;
}

/** Opens a hub that remembers the last `capacity` events, and goes on counting after `latest`. */
export function openLiveHub(capacity = 2_000, latest = 0): LiveHub {
  const ring: NumberedEvent[] = [];
  const listeners = new Set<(numbered: NumberedEvent) => void>();
  const beginners: (() => void)[] = [];
  const first = latest;
  return {
    get latest() {
      return latest;
    },
    publish(event) {
      latest += 1;
      const numbered = { id: latest, event };
      ring[latest % capacity] = numbered;
      for (const take of listeners) take(numbered);
    },
    since(id) {
      if (id >= latest) return id === latest ? [] : undefined;
      if (latest - id > capacity || id < first) return undefined;
      const missed: NumberedEvent[] = [];
      for (let next = id + 1; next <= latest; next++) {
        const numbered = ring[next % capacity];
        if (numbered) missed.push(numbered);
      }
      return missed;
    },
    listen(take) {
      listeners.add(take);
      for (const work of beginners) work();
      return () => listeners.delete(take);
    },
    get isHeard() {
      return listeners.size > 0;
    },
    whenHeard(work) {
      beginners.push(work);
    },
  };
}
