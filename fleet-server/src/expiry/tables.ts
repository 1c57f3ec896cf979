import type { ExpiryKind, ExpiryLevel } from '@tsunagu/protocols/fleet';

/** Tables of the horizon. */
export interface ExpiryTables {
  /** When terminals are heard of. One row a terminal, written once a day. */
  readonly contacts: { serial: string; last_at: number; rhythm: string };
  /** The horizon of each terminal as it was reckoned last. */
  readonly horizons: {
    serial: string;
    until: number;
    ends_at: number;
    first: ExpiryKind;
    level: ExpiryLevel;
    /** JSON: `expiryEntry` without what stands in the columns. */
    details: string;
  };
}
