import type { Serial } from '@tsunagu/protocols/fleet';
import type { Transaction } from 'kysely';
import type { Database } from '../store/index.ts';
import type { Hierarchy } from './hierarchy.ts';

/** What terminals say of the roots that they know. */
export interface TrustKnown {
  /**
   * A terminal says which version it holds. Only what was announced is believed: above that nothing can have been verified.
   * @returns the newest version, when that is another
   */
  heard(tx: Transaction<Database>, serial: Serial, version: number): Promise<number | undefined>;
}

/** @param changed called after a terminal has taken up a newer version; the transaction may still be open */
export const openTrustKnown = (hierarchy: Hierarchy, changed: (serial: Serial) => void): TrustKnown => ({
  async heard(tx, serial, version) {
    const newest = hierarchy.trust.version;
    const held = Math.min(version, newest);
    const row = await tx.selectFrom('terminal_trust').select('version').where('serial', '=', serial).executeTakeFirst();
    if (row?.version !== held) {
      await tx
        .insertInto('terminal_trust')
        .values({ serial, version: held })
        .onConflict((conflict) => conflict.column('serial').doUpdateSet({ version: held }))
        .execute();
      changed(serial);
    }
    return held < newest ? newest : undefined;
  },
});
