import { sql } from 'kysely';
import { among, type Queryable } from '../store/index.ts';
import type { TerminalFacts } from './rules/match.ts';

/** The base key that a terminal's DUKPT key hangs on: of the one it proved; of the one on its way where it proved none. */
export const baseKeyOf = sql<string | null>`(select parent_key from key_ledger
  where key_ledger.serial = terminals.serial and slot = 'dukpt' and state in ('allocated', 'loaded')
  order by state desc, allocated_at desc limit 1)`;

/** Everything that queries and rules look at, in one row a terminal. */
export const factsRows = (on: Queryable) =>
  on
    .selectFrom('terminal_ordinals as ordinals')
    .innerJoin('terminals', 'terminals.serial', 'ordinals.serial')
    .leftJoin('presence', 'presence.serial', 'terminals.serial')
    .innerJoin('terminal_configurations as twin', 'twin.serial', 'terminals.serial')
    .leftJoin('configuration_layers as own', 'own.id', 'twin.terminal_layer')
    .leftJoin('last_sales as sale', 'sale.serial', 'terminals.serial');

/** Whose facts: those with these ordinals or serials, or a page of all. */
export type Wanted =
  | { readonly ordinals: readonly number[] }
  | { readonly serials: readonly string[] }
  | { readonly after: number; readonly limit: number };

/** The facts of terminals, by rising ordinal. */
export async function factsOf(on: Queryable, wanted: Wanted): Promise<readonly TerminalFacts[]> {
  let query = factsRows(on)
    .select([
      'ordinals.ordinal',
      'terminals.serial',
      'terminals.model',
      'terminals.merchant',
      'terminals.shop',
      'terminals.lane',
      'terminals.parent',
      'terminals.lifecycle',
      'terminals.enrolled_at',
      'presence.state',
      'presence.since',
      'presence.hello',
      'twin.reported',
      'twin.desired',
      'twin.reported_hash',
      'twin.desired_hash',
      'twin.desired_version',
      'twin.drift',
      'twin.reason',
      'own.value as own',
      'sale.at as sale_at',
      sql<number>`exists (select 1 from certificates where certificates.kind = 'terminal'
        and certificates.subject = terminals.serial and certificates.ended_at is null)`.as('certified'),
      baseKeyOf.as('base_key'),
      sql<string | null>`(select coalesce(upper.state, 'never') from terminals as over
        left join presence as upper on upper.serial = over.serial where over.serial = terminals.parent)`.as(
        'parent_link',
      ),
    ])
    .orderBy('ordinals.ordinal');
  if ('after' in wanted) query = query.where('ordinals.ordinal', '>', wanted.after).limit(wanted.limit);
  // One parameter however many there are: the statement stays one, and compiled.
  else if ('ordinals' in wanted) query = query.where(among('ordinals.ordinal', wanted.ordinals));
  else query = query.where(among('ordinals.serial', wanted.serials));
  const rows = await query.execute();
  return rows.map((row): TerminalFacts => {
    const hello = parsed(row.hello);
    return {
      ordinal: row.ordinal,
      serial: row.serial,
      model: row.model,
      merchant: row.merchant,
      shop: row.shop,
      lane: row.lane,
      parent: row.parent ?? undefined,
      parentLink: row.parent_link ?? undefined,
      lifecycle: row.lifecycle,
      link: row.state ?? 'never',
      linkSince: row.since ?? undefined,
      drift: row.drift ?? undefined,
      driftReason: row.reason ?? undefined,
      version: textOf(member(member(hello, 'software'), 'version')),
      hardware: textOf(member(hello, 'hardware')),
      enrolled: row.enrolled_at !== null,
      isCertified: row.certified === 1,
      tampered: member(hello, 'tampered') !== undefined,
      idleSince: row.sale_at ?? row.enrolled_at ?? undefined,
      battery: numberOf(member(hello, 'battery')),
      baseKey: row.base_key ?? undefined,
      hello,
      reported: parsed(row.reported),
      desired: parsed(row.desired),
      own: parsed(row.own),
      desiredVersion: row.desired_version ?? 0,
      isAsDesired: row.reported_hash !== null && row.reported_hash === row.desired_hash,
    };
  });
}

/** What we wrote ourselves; it is JSON. */
const parsed = (text: string | null): unknown => (text === null ? undefined : JSON.parse(text));
const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && name in value
    ? (Object.getOwnPropertyDescriptor(value, name)?.value ?? undefined)
    : undefined;
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** Gives every terminal its ordinal that has none yet. */
export async function numberTerminals(on: Queryable): Promise<void> {
  await on
    .insertInto('terminal_ordinals')
    .columns(['serial'])
    .expression((from) =>
      from
        .selectFrom('terminals')
        .leftJoin('terminal_ordinals as known', 'known.serial', 'terminals.serial')
        .select('terminals.serial')
        .where('known.serial', 'is', null)
        .orderBy('terminals.registered_at')
        .orderBy('terminals.serial'),
    )
    .execute();
}
