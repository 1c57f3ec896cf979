import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStore, type Store } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { cardCompanyLink } from '@tsunagu/protocols/acquiring';
import { type JobState, parseJson } from '@tsunagu/protocols/fleet';
import { isApproval } from '@tsunagu/protocols/iso8583';
import { unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import { type BookedSale, type Said, said, type StandingSale } from './judge.ts';

const settings = z.record(z.string(), z.unknown());
const linesOf = (path: string): readonly string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];

export function readSaid(folder: string): readonly Said[] {
  return linesOf(join(folder, 'logs', 'bridge.log')).flatMap((line) => {
    const read = parseJson(said, line);
    return read.ok ? [read.value] : [];
  });
}

/** What the store of a server that does not run says. */
export interface StoreAtEnd {
  readonly jobs: ReadonlyMap<string, JobState>;
  readonly journal: readonly StandingSale[];
  readonly told: ReadonlyMap<string, number>;
  /** What each terminal last reported of its configuration, by serial. */
  readonly reported: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

/** @param isAtRest the server ended in order: nothing may be left beside the tables */
export async function readStore(folder: string, world: Pick<World, 'clock'>, isAtRest: boolean): Promise<StoreAtEnd> {
  const store: Store = unwrap(await openStore(join(folder, 'server', 'store.sqlite'), migrations, world.clock));
  const { db } = store;
  const log = await store.beside?.('switch-log');
  const left =
    (await log?.all(
      'SELECT seq FROM commits WHERE seq > (SELECT coalesce(max(seq), 0) FROM store.switch_log_place) LIMIT 1',
      [],
    )) ?? [];
  const jobs = await db.selectFrom('jobs').select(['id', 'state']).execute();
  // What is posted by an advice has the trace number of that towards its issuer.
  const sales = await db
    .selectFrom('switch_sales as sale')
    .leftJoin('switch_reversals as posting', (join) =>
      join.onRef('posting.sale_id', '=', 'sale.id').on('posting.advice', '=', 'posting'),
    )
    .select([
      'sale.serial',
      'sale.stan',
      'sale.amount_minor',
      'sale.link',
      'sale.out_stan',
      'posting.out_stan as posted',
    ])
    .where('sale.kind', '=', 'sale')
    .where('sale.state', 'in', ['approved', 'posting', 'posted'])
    .execute();
  const own = await db.selectFrom('terminal_sales').select('serial').execute();
  const reported = await db.selectFrom('reported_configurations').select(['serial', 'value']).execute();
  await store.close();
  if (isAtRest && left.length > 0) throw new Error('the switch ended in order, and left commits beside its tables');
  const told = new Map<string, number>();
  for (const { serial } of own) told.set(serial, (told.get(serial) ?? 0) + 1);
  return {
    jobs: new Map(jobs.map(({ id, state }) => [id, state])),
    journal: sales.map(({ serial, stan, amount_minor: amountMinor, link, out_stan, posted }) => ({
      serial,
      stan,
      amountMinor,
      link,
      outStan: posted ?? out_stan,
    })),
    told,
    reported: new Map(reported.map(({ serial, value }) => [serial, settings.parse(JSON.parse(value ?? '{}'))])),
  };
}

const key = z.string();
const booksLine = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('sale'),
    what: z.string().default('sale'),
    key,
    amountMinor: z.number(),
    actionCode: z.string(),
  }),
  z.object({ kind: z.literal('reversal'), key }),
  z.object({ kind: z.literal('closed') }),
  // The centre of the transit cards has books of its own.
  z.object({ kind: z.literal('ordered'), key, what: z.string(), amount: z.number(), isCorrection: z.boolean() }),
  z.object({ kind: z.literal('booked') }),
  z.object({ kind: z.literal('takenBack'), key }),
]);

/** What stands in the books of the card companies, by link. Each line is an entry: what was taken twice is there twice. */
export function readBooks(folder: string, links: readonly string[]): readonly BookedSale[] {
  const companies = join(folder, 'card-company');
  return links.flatMap((link) => {
    const own = link === cardCompanyLink.id ? companies : join(companies, link);
    const lines = [join(own, 'ledger.jsonl'), ...(link === transitLink ? [join(companies, 'transit.jsonl')] : [])]
      .flatMap(linesOf)
      .map((line) => booksLine.parse(JSON.parse(line)));
    const undone = new Set(
      lines.flatMap((line) => (line.kind === 'reversal' || line.kind === 'takenBack' ? [line.key] : [])),
    );
    return lines.flatMap((line): readonly BookedSale[] => {
      if (line.kind === 'sale' && line.what === 'sale' && isApproval(line.actionCode) && !undone.has(line.key))
        return [{ link, outStan: stanOf(line.key), amountMinor: line.amountMinor }];
      if (line.kind === 'ordered' && line.what === 'debit' && !line.isCorrection && !undone.has(line.key))
        return [{ link, outStan: stanOf(line.key), amountMinor: line.amount }];
      return [];
    });
  });
}

/** The link whose issuer is the centre of the transit cards, too. */
const transitLink = 'e-money';
const stanOf = (key: string): string => key.split('/')[0] ?? '';
