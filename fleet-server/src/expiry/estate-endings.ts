import { modelOf, type TerminalModel } from '@tsunagu/protocols/catalogue';
import { type Hello, type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import type { ExpirySource } from './expiry.ts';
import type { Ending } from './horizon.ts';
import { among, type Store } from '../store/index.ts';
import { helloOf } from '../estate/index.ts';

const dayMs = 86_400_000;
/** The end of a day, UTC. */
const endOf = (day: string): number => Date.parse(day) + dayMs;

/** What ends of a model, as far as the catalogue has a source for it, and of the CA keys of card schemes that a terminal told of. */
export function endingsOf(
  ends: TerminalModel['ends'],
  cardKeys: NonNullable<Hello['cardKeys']> = [],
): readonly Ending[] {
  const models = [
    ['pts-approval', ends?.ptsApproval],
    ['software-support', ends?.softwareSupport],
  ] as const;
  return [
    ...models.flatMap(([kind, end]) => (end ? [{ kind, name: end.name, endsAt: endOf(end.on) }] : [])),
    ...cardKeys.map(({ rid, index, expiry }) => ({
      kind: 'card-key' as const,
      name: `${rid} ${index}`,
      endsAt: endOf(expiry),
    })),
  ];
}

/** What ends of the terminals themselves and of what is in them. */
export const estateEndings = (store: Store): ExpirySource => ({
  async endings(serials) {
    const rows = await store.db
      .selectFrom('terminals')
      .leftJoin('presence', 'presence.serial', 'terminals.serial')
      .select(['terminals.serial', 'terminals.model', 'presence.hello'])
      .where(among('terminals.serial', serials))
      .execute();
    return new Map(
      rows.map((row): [Serial, readonly Ending[]] => [
        serialSchema.parse(row.serial),
        endingsOf(modelOf(row.model)?.ends, helloOf(row)?.cardKeys),
      ]),
    );
  },
});
