import type { Leniency } from '@tsunagu/protocols/iso8583';

/** How often a link's far side made use of what its profile allows beyond the strict reading (`allow`). */
export interface LenientUse {
  readonly leniency: Leniency;
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly lastAt: number;
}

/** Counts the messages that made use of a leniency, since the switch was opened. */
export class LeniencyBook {
  readonly #uses = new Map<Leniency, LenientUse>();

  note(leniencies: readonly Leniency[], at: number): void {
    for (const leniency of leniencies)
      this.#uses.set(leniency, { leniency, count: (this.#uses.get(leniency)?.count ?? 0) + 1, lastAt: at });
  }

  uses(): readonly LenientUse[] {
    return [...this.#uses.values()];
  }
}
