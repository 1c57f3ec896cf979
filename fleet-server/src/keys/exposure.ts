import type { KeyExposure } from '@tsunagu/protocols/fleet';
import { ok, type Result } from '@tsunagu/protocols/kit';
import { isoTime, newestFirst, type PageRequest, type Queryable, pageOn, viewPage } from '../store/index.ts';
import { hostNameOf } from './distribution.ts';

type Below = Pick<KeyExposure, 'terminals' | 'count' | 'next'>;

/**
 * A part of what ever was below a key, newest first: keys that were derived from it or are copies of it, keys that travelled under it, and, below a key
 * host of TR-34, keys that travelled under the protection keys it sent. Each with the time in which transactions stood under it.
 */
export async function keysBelow(
  on: Queryable,
  key: string,
  page: PageRequest,
): Promise<Result<Below, 'INPUT_INVALID'>> {
  const host = hostNameOf(key);
  const below = on
    .selectFrom('key_ledger')
    .where((all) =>
      host === undefined
        ? all.or([all('parent_key', '=', key), all('protected_by', '=', key)])
        : all('protected_by', 'in', all.selectFrom('key_bindings').select('vault_key').where('host', '=', host)),
    );
  const { count } = await below.select((all) => all.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
  const query = below
    .leftJoin('switch_counters', 'switch_counters.initial_key_id', 'key_ledger.initial_key_id')
    .select([
      'key_ledger.id',
      'serial',
      'slot',
      'kcv',
      'state',
      'allocated_at',
      'replaced_at',
      'key_ledger.initial_key_id',
      'switch_counters.counter',
      'switch_counters.used_at',
    ]);
  const found = viewPage(
    await pageOn(query, newestFirst('allocated_at', 'key_ledger.id'), page),
    (row): KeyExposure['terminals'][number] => ({
      serial: row.serial,
      slot: row.slot,
      kcv: row.kcv,
      state: row.state,
      from: isoTime(row.allocated_at),
      to: row.replaced_at === null ? null : isoTime(row.replaced_at),
      initialKeyId: row.initial_key_id,
      countersSeen: row.counter,
      lastSeen: row.used_at === null ? null : isoTime(row.used_at),
    }),
  );
  return found.ok ? ok({ terminals: [...found.value.items], count: Number(count), next: found.value.next }) : found;
}
