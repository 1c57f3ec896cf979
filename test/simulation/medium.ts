import type { Files } from '@tsunagu/firmware-bridge/sealed-store/index';

/** What a boot sees of its medium fails: no room. */
class Full extends Error {
  readonly code = 'ENOSPC';
}

const never = new Promise<never>(() => undefined);

/**
 * A terminal's flash. A write is on it when it resolves; renames and removals are when the folder was synced. Power may be cut at any
 * change: a write in hand is torn, and what was not synced is there or not, as the fault says.
 */
export class Medium {
  /** What survives a power cut. */
  readonly disk = new Map<string, Uint8Array>();
  /** Renames and removals that are not synced yet, oldest first. */
  #unsynced: ((disk: Map<string, Uint8Array>) => void)[] = [];
  isFull = false;
  /** Counts down with each change; at zero the power goes. */
  changesUntilCut = Number.POSITIVE_INFINITY;
  #generation = 0;
  readonly #cut: () => void;

  constructor(cut: () => void) {
    this.#cut = cut;
  }

  /** The files as the running boot sees them. */
  view(): Map<string, Uint8Array> {
    const seen = new Map(this.disk);
    for (const apply of this.#unsynced) apply(seen);
    return seen;
  }

  powerLost(keepsUnsynced: boolean): void {
    this.#generation += 1;
    if (keepsUnsynced) for (const apply of this.#unsynced) apply(this.disk);
    this.#unsynced = [];
    this.changesUntilCut = Number.POSITIVE_INFINITY;
  }

  /** The files of one boot: after a power cut its calls never come back. */
  files(): Files {
    const generation = this.#generation;
    /** @returns whether the change is the one at which the power goes */
    const change = (): boolean => {
      if (this.isFull) throw new Full();
      this.changesUntilCut -= 1;
      return this.changesUntilCut <= 0;
    };
    const isDead = (): boolean => generation !== this.#generation;
    return {
      read: async (name) => {
        if (isDead()) return never;
        const bytes = this.view().get(name);
        return bytes && Uint8Array.from(bytes);
      },
      write: async (name, bytes) => {
        if (isDead()) return never;
        const isTorn = change();
        this.disk.set(name, Uint8Array.from(isTorn ? bytes.subarray(0, bytes.length >> 1) : bytes));
        if (!isTorn) return undefined;
        this.#cut();
        return never;
      },
      append: async (name, bytes) => {
        if (isDead()) return never;
        const isTorn = change();
        const before = this.disk.get(name) ?? new Uint8Array(0);
        this.disk.set(name, Buffer.concat([before, isTorn ? bytes.subarray(0, bytes.length >> 1) : bytes]));
        if (!isTorn) return undefined;
        this.#cut();
        return never;
      },
      rename: async (from, to) => {
        if (isDead()) return never;
        const isLast = change();
        this.#unsynced.push((disk) => {
          const bytes = disk.get(from);
          if (!bytes) return;
          disk.set(to, bytes);
          disk.delete(from);
        });
        if (!isLast) return undefined;
        this.#cut();
        return never;
      },
      syncFolder: async () => {
        if (isDead()) return never;
        this.changesUntilCut -= 1;
        if (this.changesUntilCut <= 0) {
          this.#cut();
          return never;
        }
        for (const apply of this.#unsynced) apply(this.disk);
        this.#unsynced = [];
        return undefined;
      },
      remove: async (name) => {
        if (isDead()) return never;
        this.changesUntilCut -= 1;
        this.#unsynced.push((disk) => disk.delete(name));
        if (this.changesUntilCut > 0) return undefined;
        this.#cut();
        return never;
      },
      list: async () => (isDead() ? never : [...this.view().keys()]),
    };
  }
}
