import {
  type ExpiryEntry,
  expiryEntry,
  type ExpiryLevel,
  type ExpirySummary,
  parseJson,
  type Serial,
  serialSchema,
} from '@tsunagu/protocols/fleet';
import type { Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { SelectQueryBuilder, Transaction } from 'kysely';
import type { Note } from '../estate/index.ts';
import {
  type Database,
  isoTime,
  type Page,
  type PageRequest,
  type Queryable,
  type Store,
  oldestFirst,
  pageOn,
  viewPage,
} from '../store/index.ts';
import { type Ending, type Horizon, horizonOf, horizonPolicy, isWorse, lastDayBefore } from './horizon.ts';
import { longestSilence, noteContact, type Rhythm, rhythm } from './rhythm.ts';

/** What ends is told of by its end, which may lie before 1970: a clock that was never set. */
const soonestFirst = oldestFirst('until', 'serial', (_until, serial) => serialSchema.safeParse(serial).success);

/** Somebody who knows what terminals hang on. */
export interface ExpirySource {
  /** What ends for each of these terminals; a terminal that is left out hangs on nothing of this source. */
  endings(serials: readonly Serial[]): Promise<ReadonlyMap<Serial, readonly Ending[]>>;
}

/** A source for what ends for all terminals alike. */
export const commonSource = (endings: () => Promise<readonly Ending[]>): ExpirySource => ({
  async endings(serials) {
    const common = await endings();
    return new Map(serials.map((serial) => [serial, common]));
  },
});

export interface ExpiryRooms {
  readonly world: Pick<World, 'clock' | 'timers' | 'log'>;
  readonly store: Store;
  readonly sources: readonly ExpirySource[];
  readonly note: Note;
  announce(serial: Serial): void;
}

/** The expiry horizon: for every terminal the last day on which it can still be saved from afar. */
export interface Expiry {
  /** A terminal was heard of, in the transaction that notes it. */
  contacted(tx: Transaction<Database>, serial: Serial): Promise<void>;
  /** Something that a terminal hangs on has changed, or is changed by the transaction under way: its horizon is reckoned anew, soon and after that. */
  touch(serial: Serial): void;
  /** The same, for all. */
  touchAll(): void;
  /** Reckons every horizon now, and raises the alarms. */
  refresh(): Promise<void>;
  /** By date, the first to be lost at the head. */
  list(page: PageRequest): Promise<Result<Page<ExpiryEntry>, 'INPUT_INVALID'>>;
  summary(): Promise<ExpirySummary>;
  close(): void;
}

const refreshMs = 3_600_000;
const settleMs = 2_000;
const batchMax = 500;
/** So many single terminals are reckoned; above that, all of them are. */
const touchedMax = 2_000;

export function openExpiry(rooms: ExpiryRooms): Expiry {
  const { world, store } = rooms;
  const touched = new Set<Serial>();
  let isAllDue = false;
  let timer: { cancel(): void } | undefined;
  let work: Promise<void> = Promise.resolve();
  let isClosed = false;
  const failed = (cause: unknown): void => {
    if (!isClosed) world.log('error', 'horizonFailed', { fault: { code: 'INTERNAL', cause } });
  };
  /** One at a time: two would reckon the same rows. */
  const inTurn = (next: () => Promise<void>): Promise<void> => {
    work = work.then(next);
    const done = work;
    work = work.catch(() => undefined);
    return done;
  };

  const counting = (on: Queryable) =>
    on
      .selectFrom('terminals')
      .leftJoin('contacts', 'contacts.serial', 'terminals.serial')
      .leftJoin('horizons', 'horizons.serial', 'terminals.serial')
      .select(['terminals.serial', 'contacts.rhythm', 'horizons.level', 'horizons.details', 'horizons.until'])
      .where('terminals.serial', 'not in', (of) => givenUp(of.selectFrom('terminals')));
  type Row = Awaited<ReturnType<ReturnType<typeof counting>['execute']>>[number];

  const forgetGivenUp = async (): Promise<void> => {
    await store.db
      .deleteFrom('horizons')
      .where('serial', 'in', (of) => givenUp(of.selectFrom('terminals')))
      .execute();
  };

  /** Reckons these terminals; writes and tells only what has changed. */
  async function reckon(rows: readonly Row[]): Promise<void> {
    const now = world.clock.now();
    const serials = rows.map(({ serial }) => serialSchema.parse(serial));
    const known = await Promise.all(rooms.sources.map((source) => source.endings(serials)));
    const changed = rows.flatMap((row, index) => {
      const serial = serials[index];
      if (serial === undefined) return [];
      const heard = rhythmOf(row.rhythm);
      const learned = longestSilence(heard);
      const silenceMs = learned ?? horizonPolicy.assumedSilenceMs;
      const endings = known.flatMap((source) => source.get(serial) ?? []);
      const horizon = horizonOf(endings, silenceMs, now);
      if (!horizon) return [];
      const details = detailsOf(horizon, heard, learned);
      const isSame = row.level === horizon.level && row.details === details && row.until === horizon.until;
      return isSame ? [] : [{ serial, horizon, details, news: newsOf(horizon, row.details) }];
    });
    if (changed.length === 0) return;
    const alarmed: Serial[] = [];
    await store.write(async (tx) => {
      await tx
        .insertInto('horizons')
        .values(
          changed.map(({ serial, horizon: { level, until, first }, details }) => ({
            serial,
            until,
            ends_at: first.endsAt,
            first: first.kind,
            level,
            details,
          })),
        )
        .onConflict((conflict) =>
          conflict.column('serial').doUpdateSet((of) => ({
            until: of.ref('excluded.until'),
            ends_at: of.ref('excluded.ends_at'),
            first: of.ref('excluded.first'),
            level: of.ref('excluded.level'),
            details: of.ref('excluded.details'),
          })),
        )
        .execute();
      for (const { serial, horizon, news } of changed) {
        for (const reason of news)
          await rooms.note(tx, serial, 'alarm', {
            code: reason.level === 'passed' ? 'EXPIRY_PASSED' : 'EXPIRY_NEAR',
            level: reason.level,
            ends: reason.kind,
            lastDay: lastDayBefore(reason.until ?? horizon.until),
          });
        if (news.length > 0) alarmed.push(serial);
      }
    });
    for (const serial of alarmed) rooms.announce(serial);
    if (alarmed.length > 0) world.log('warn', 'horizonNear', { count: alarmed.length, first: alarmed[0] ?? '' });
  }

  /** What touched a terminal may be on its way to the disk still: reckoned now, its horizon would be that of before, and stay so. */
  const written = (): Promise<void> => store.write(() => Promise.resolve());

  async function refreshAll(): Promise<void> {
    await written();
    let after = '';
    while (!isClosed) {
      const rows = await counting(store.db)
        .where('terminals.serial', '>', after)
        .orderBy('terminals.serial')
        .limit(batchMax)
        .execute();
      if (rows.length === 0) break;
      await reckon(rows);
      after = rows.at(-1)?.serial ?? after;
    }
    await forgetGivenUp();
  }

  async function refreshTouched(): Promise<void> {
    const serials = [...touched];
    touched.clear();
    await written();
    for (let at = 0; at < serials.length && !isClosed; at += batchMax)
      await reckon(
        await counting(store.db)
          .where('terminals.serial', 'in', serials.slice(at, at + batchMax))
          .execute(),
      );
    await forgetGivenUp();
  }

  const soon = (): void => {
    if (isClosed) return;
    timer ??= world.timers.after(settleMs, () => {
      timer = undefined;
      const isAll = isAllDue || touched.size > touchedMax;
      isAllDue = false;
      if (isAll) touched.clear();
      inTurn(isAll ? refreshAll : refreshTouched).catch(failed);
    });
  };
  const periodic = world.timers.every(refreshMs, () => void inTurn(refreshAll).catch(failed));

  const expiry: Expiry = {
    async contacted(tx, serial) {
      const row = await tx.selectFrom('contacts').select('rhythm').where('serial', '=', serial).executeTakeFirst();
      const before = rhythmOf(row?.rhythm ?? null);
      const after = noteContact(before, world.clock.now());
      if (after === before) return;
      const values = { last_at: after.lastAt, rhythm: JSON.stringify(after) };
      await tx
        .insertInto('contacts')
        .values({ serial, ...values })
        .onConflict((conflict) => conflict.column('serial').doUpdateSet(values))
        .execute();
      expiry.touch(serial);
    },
    touch(serial) {
      if (touched.size <= touchedMax) touched.add(serial);
      soon();
    },
    touchAll() {
      isAllDue = true;
      soon();
    },
    refresh: () => inTurn(refreshAll),

    async list(page) {
      const horizons = await pageOn(store.db.selectFrom('horizons').selectAll(), soonestFirst, page);
      return viewPage(horizons, ({ serial, until, ends_at, first, level, details }) => ({
        serial: serialSchema.parse(serial),
        level,
        lastDay: lastDayBefore(until),
        until: isoTime(until),
        first,
        endsAt: isoTime(ends_at),
        ...detailsSchema.parse(JSON.parse(details)),
      }));
    },

    async summary() {
      const first = await store.db
        .selectFrom('horizons')
        .select(['serial', 'until', 'first'])
        .orderBy('until')
        .orderBy('serial')
        .executeTakeFirst();
      const rows = await store.db
        .selectFrom('horizons')
        .select((all) => ['level', all.fn.countAll<number>().as('count')])
        .groupBy('level')
        .execute();
      const of = (level: ExpiryLevel) => Number(rows.find((row) => row.level === level)?.count ?? 0);
      return {
        earliest: first
          ? { serial: serialSchema.parse(first.serial), lastDay: lastDayBefore(first.until), first: first.first }
          : null,
        near: of('near'),
        urgent: of('urgent'),
        passed: of('passed'),
      };
    },

    close() {
      isClosed = true;
      timer?.cancel();
      periodic.cancel();
    },
  };
  return expiry;
}

/** Terminals that nobody means to save from afar, and that have no horizon: lost, scrapped, or revoked by a person, until their claim is issued anew. */
const givenUp = (terminals: SelectQueryBuilder<Database, 'terminals', object>) =>
  terminals
    .leftJoin('claims', 'claims.serial', 'terminals.serial')
    .select('terminals.serial')
    .where((where) =>
      where.or([where('lifecycle', 'in', ['lost', 'scrap']), where('claims.ended_at', 'is not', null)]),
    );

/** What has come nearer since the horizon was reckoned last, each kind for itself: one alarm must not hide another. */
function newsOf(horizon: Horizon, before: string | null): Horizon['reasons'] {
  const known = before === null ? undefined : parseJson(detailsSchema, before);
  const levels = new Map(
    known?.ok ? known.value.reasons.map(({ kind, name, level }) => [`${kind} ${name}`, level]) : [],
  );
  const worst = new Map<string, Horizon['reasons'][number]>();
  for (const reason of horizon.reasons) {
    const { kind, name, level } = reason;
    if (isWorse(level, levels.get(`${kind} ${name}`) ?? 'fine') && isWorse(level, worst.get(kind)?.level ?? 'fine'))
      worst.set(kind, reason);
  }
  return [...worst.values()];
}

function rhythmOf(text: string | null): Rhythm | undefined {
  const read = text === null ? undefined : parseJson(rhythm, text);
  return read?.ok ? read.value : undefined;
}

const detailsSchema = expiryEntry.pick({ silence: true, reasons: true });

function detailsOf(horizon: Horizon, heard: Rhythm | undefined, learned: number | undefined): string {
  const details: Pick<ExpiryEntry, 'silence' | 'reasons'> = {
    silence: {
      longestHours: Math.round(((learned ?? horizonPolicy.assumedSilenceMs) / 3_600_000) * 10) / 10,
      contacts: heard?.recent.length ?? 0,
      isAssumed: learned === undefined,
      lastContact: heard ? isoTime(heard.lastAt) : null,
    },
    reasons: horizon.reasons.map(({ kind, name, level, endsAt, until }) => ({
      kind,
      name,
      level,
      endsAt: endsAt === null ? null : isoTime(endsAt),
      lastDay: until === null ? null : lastDayBefore(until),
    })),
  };
  return JSON.stringify(details);
}
