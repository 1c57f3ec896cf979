import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type SideFile, type Store } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { Arrivals } from '@tsunagu/fleet-server/switch/journal/arrivals';
import { beginEpoch, isFenced } from '@tsunagu/fleet-server/switch/journal/epoch';
import { GroupCommit } from '@tsunagu/fleet-server/switch/journal/group-commit';
import { Journal } from '@tsunagu/fleet-server/switch/journal/journal';
import type { LoggedRow } from '@tsunagu/fleet-server/switch/journal/tables';
import type { SaleRow } from '@tsunagu/fleet-server/switch/journal/written';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld, type World } from '@tsunagu/protocols/world';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { besideWatched } from './watched-store.ts';

/** When nothing comes the rest of the log goes into the tables after a moment; in these tests that moment does not come. */
const still = systemWorld(() => undefined);
const world = { ...still, timers: { ...still.timers, after: () => ({ cancel: () => undefined }) } };
const day = '261126';
let folder: string;
let store: Store;
let journal: Journal;
/** Opens the switch's journal anew, as a start does. */
let open: (timers?: World['timers']) => Promise<Journal>;
/** What the disk does with the next commit of the log. */
let disk: 'works' | 'keeps-and-fails' | 'fails' = 'works';
/** What happens before the log goes into the tables. */
let projecting: (() => Promise<void>) | undefined;
/** The file of the log, for looking into it. */
let file: SideFile;
/** How the commits ended that were one statement, how what was brought into the tables in one statement, and how many transactions there were besides. */
let ends: string[] = [];
let projections: string[] = [];
let transactions = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commit-log-'));
  store = unwrap(await openStore(join(folder, 'store.sqlite'), migrations, world.clock));
  disk = 'works';
  projecting = undefined;
  const own = store;
  file = await (own.beside?.('switch-log') ?? Promise.reject(new Error('there is no file beside it')));
  const watched: Store = {
    ...store,
    write(work) {
      transactions += 1;
      return own.write(work);
    },
    async writeAlone(...statement) {
      await projecting?.();
      const end = (await own.writeAlone?.(...statement)) ?? 'refused';
      projections.push(end);
      return end;
    },
    ...besideWatched(own, async ([statement], write) => {
      if (!statement.includes('switch_commit ')) return await write();
      const does = disk;
      disk = 'works';
      if (does === 'fails') throw new Error('SQLITE_IOERR: disk I/O error');
      const end = await write();
      ends.push(end);
      if (does === 'keeps-and-fails') throw new Error('SQLITE_IOERR: disk I/O error');
      return end;
    }),
  };
  const vault = {
    panToken: () => '',
    seal: () => new Uint8Array(1),
    open: () => ({ ok: true, value: new Uint8Array(1) }) as const,
    translatePin: () => ({ ok: true, value: new Uint8Array(8) }) as const,
  };
  open = async (timers = world.timers) =>
    new Journal({ ...world, timers }, watched, vault, await beginEpoch(store, 1), {
      issuer: () => day,
      acquirer: () => day,
    });
  journal = await open();
  // The first commit makes what the others need, and its sale is in the tables.
  await arrive(row({ stan: '000001' }));
  await sales();
  ends = [];
  projections = [];
  transactions = 0;
});
afterEach(async () => {
  await journal.idle();
  await store.close();
  await rm(folder, { recursive: true });
});

const row = (of: Partial<SaleRow>): SaleRow => ({
  id: world.id(),
  serial: 'centre/1',
  stan: '000002',
  local_time: '261126120000',
  body_tag: 'tag',
  kind: 'sale',
  original_id: null,
  received_at: 1,
  amount_minor: 100,
  currency: 'JPY',
  scheme: 'visa',
  entry: 'stripe',
  pan_token: 'token',
  last_four: '0010',
  routing_version: 1,
  link: 'card-company-1',
  out_stan: '000001',
  rrn: '000000000001',
  state: 'send-intended',
  decided_by: null,
  action_code: null,
  approval_code: null,
  reason: null,
  answer: null,
  answered_at: null,
  image: Uint8Array.of(1, 2),
  origin: 'centre',
  acquirer: '1',
  terminal_id: '1',
  merchant_id: '1',
  acquirer_day: day,
  issuer_day: day,
  ...of,
});
const own = (actionCode: string) => ({ by: 'switch', actionCode, answer: Uint8Array.of(3) }) as const;
const arrivals = () => new Arrivals(world, journal);
const arrive = (sale: SaleRow) => arrivals().sale(sale, undefined, own);
const approve = (sale: SaleRow) =>
  journal.step(sale, { type: 'issuerAnswered', actionCode: '000', day }, '', () => ({ ...own('000'), by: 'issuer' }));
/** Whoever reads the tables waits until they have what was committed. */
const sales = () => store.db.selectFrom('switch_sales').selectAll().orderBy('stan').execute();
/** What the tables have, whatever is in the log. */
const inTables = () =>
  store.write((tx) => tx.selectFrom('switch_sales').select(['stan', 'state']).orderBy('stan').execute());
/** Commits that the tables do not have. */
const inLog = () => file.all('SELECT seq FROM commits WHERE seq > (SELECT max(seq) FROM store.switch_log_place)', []);
const reversalBefore = (stan: string) =>
  arrivals().reversal(
    {
      serial: 'centre/1',
      stan: `9${stan.slice(1)}`,
      localTime: '261126120000',
      bodyTag: 'tag',
      original: { stan, localTime: '261126120000' },
      reason: '4021',
      forbids: () => undefined,
      answer: () => Uint8Array.of(4),
    },
    undefined,
    { link: null, stan: '' },
    () => own('911'),
  );

test('sales that arrive together are one row of the log, and so are their outcomes; the tables have them when they are read', async () => {
  const all = ['000002', '000003', '000004'].map((stan) => row({ stan }));
  const arrivals = await Promise.all(all.map(arrive));
  expect(arrivals.map(({ type }) => type)).toEqual(['stored', 'stored', 'stored']);
  await Promise.all(all.map(approve));
  expect(ends).toEqual(['kept', 'kept']);
  expect(transactions).toBe(0);
  expect(await inTables()).toEqual([{ stan: '000001', state: 'send-intended' }]);
  expect(await inLog()).toHaveLength(2);
  const outcome = { state: 'approved', decided_by: 'issuer', action_code: '000' } as const;
  expect((await sales()).slice(1)).toEqual(
    all.map((sale) => ({
      ...sale,
      ...outcome,
      seq: expect.any(Number),
      answered_at: expect.any(Number),
      image: Buffer.from([1, 2]),
      answer: Buffer.from([3]),
    })),
  );
  // Three sales, and nothing was written twice: they went in as they were at the end.
  expect([projections, transactions, await inLog()]).toEqual([['kept'], 0, []]);
  const journalled = await store.db.selectFrom('switch_journal').select('entry').orderBy('seq').execute();
  expect(journalled.slice(1).map(({ entry }) => entry)).toEqual([
    ...Array.from({ length: 3 }, () => 'received send-intended'),
    ...Array.from({ length: 3 }, () => 'answered'),
  ]);
  const postings = await store.db.selectFrom('switch_postings').select(['side', 'kind', 'day']).execute();
  expect(postings).toHaveLength(6);
});

test('a request that is known is told from new ones beside it, and they are kept, whether the log knows it or the tables', async () => {
  const again = row({ stan: '000001' });
  const arrivals = await Promise.all([row({}), again, { ...again, body_tag: 'other' }].map(arrive));
  expect(arrivals.map(({ type }) => type)).toEqual(['stored', 'in-progress', 'differs']);
  expect([ends, transactions]).toEqual([['refused'], 1]);
  const logged = row({ stan: '000003' });
  await arrive(logged);
  await approve(logged);
  const beside = await Promise.all([row({ stan: '000004' }), logged, { ...logged, body_tag: 'other' }].map(arrive));
  expect(beside.map(({ type }) => type)).toEqual(['stored', 'replay', 'differs']);
  expect([ends.slice(1), transactions]).toEqual([['kept', 'kept', 'kept'], 1]);
  expect((await sales()).map(({ stan }) => stan)).toEqual(['000001', '000002', '000003', '000004']);
});

test('when nothing comes any more, the rest of the log goes into the tables, without anybody who reads them', async () => {
  await arrive(row({}));
  expect(await inLog()).toHaveLength(1);
  journal = await open(still.timers);
  await arrive(row({ stan: '000003' }));
  while ((await inLog()).length > 0) await still.timers.sleep(10);
  expect((await inTables()).map(({ stan }) => stan)).toEqual(['000001', '000002', '000003']);
});

test('a start finds in the log what the tables lack, and goes on from there', async () => {
  const [one, other] = [row({}), row({ stan: '000003' })];
  await Promise.all([one, other].map(arrive));
  await approve(one);
  expect(await inTables()).toHaveLength(1);
  journal = await open();
  expect(await arrive({ ...one, id: world.id() })).toMatchObject({
    type: 'replay',
    row: { id: one.id, answer: Uint8Array.of(3) },
  });
  await approve(other);
  expect((await journal.openSales()).map(({ stan }) => stan)).toEqual(['000001']);
  expect((await sales()).map(({ stan, state, image }) => [stan, state, image])).toEqual([
    ['000001', 'send-intended', Buffer.from([1, 2])],
    ['000002', 'approved', Buffer.from([1, 2])],
    ['000003', 'approved', Buffer.from([1, 2])],
  ]);
  expect(await store.db.selectFrom('switch_postings').select('seq').execute()).toHaveLength(4);
});

test('after a commit that failed the log is read again: what was kept is there, and what was not may come again', async () => {
  for (const [stan, does] of [
    ['000002', 'keeps-and-fails'],
    ['000003', 'fails'],
  ] as const) {
    disk = does;
    await expect(arrive(row({ stan }))).rejects.toThrow('disk I/O error');
  }
  const arrivals = await Promise.all([row({ stan: '000002' }), row({ stan: '000003' })].map(arrive));
  expect(arrivals.map(({ type }) => type)).toEqual(['in-progress', 'stored']);
  expect(await sales()).toHaveLength(3);
});

test('who reads the tables while others are served is served, too', async () => {
  await arrive(row({}));
  let late: Promise<unknown[]> | undefined;
  projecting = async () => {
    projecting = undefined;
    late = sales();
    // Its question is there before the answer to the first.
    await new Promise((resolve) => setImmediate(resolve));
  };
  expect(await sales()).toHaveLength(2);
  expect(await late).toHaveLength(2);
});

test('a commit does not wait while the log goes into the tables, and who waits for the tables has what was committed before', async () => {
  await arrive(row({ stan: '000002' }));
  let go: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (go = resolve));
  let isProjecting: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (isProjecting = resolve));
  projecting = () => {
    isProjecting();
    return held;
  };
  const read = sales();
  await begun;
  // All of it while the tables are being written.
  const later = row({ stan: '000003' });
  await arrive(later);
  await approve(later);
  expect(projections).toEqual([]);
  go();
  expect((await read).map(({ stan }) => stan).slice(0, 2)).toEqual(['000001', '000002']);
  expect((await sales()).map(({ stan, state }) => [stan, state])).toEqual([
    ['000001', 'send-intended'],
    ['000002', 'send-intended'],
    ['000003', 'approved'],
  ]);
});

test('what the tables have is not taken out of the log a second time, although it stands there still', async () => {
  await arrive(row({ stan: '000002' }));
  expect(await sales()).toHaveLength(2);
  const standing = await file.all('SELECT seq FROM commits', []);
  expect([standing.length, await inLog()]).toEqual([1, []]);
  // As after a kill: nobody has tidied up.
  journal = await open();
  await arrive(row({ stan: '000003' }));
  expect((await sales()).map(({ stan }) => stan)).toEqual(['000001', '000002', '000003']);
  expect(new Set(projections)).toEqual(new Set(['kept']));
  await journal.idle();
  expect(await file.all('SELECT seq FROM commits', [])).toEqual([]);
});

test('what a version left that had its log among the tables is brought there', async () => {
  await arrive(row({ stan: '000002' }));
  const [left] = await file.all('SELECT * FROM commits ORDER BY seq DESC LIMIT 1', []);
  await file.writeAlone('DELETE FROM commits', []);
  await store.write((tx) =>
    tx
      .insertInto('switch_log')
      .values({ ...(left as unknown as LoggedRow), seq: 7 })
      .execute(),
  );
  journal = await open();
  expect((await sales()).map(({ stan }) => stan)).toEqual(['000001', '000002']);
  expect(await store.write((tx) => tx.selectFrom('switch_log').select('seq').execute())).toEqual([]);
});

test('two who think that they are the switch: only one appends, whatever the tables say', async () => {
  await file.writeAlone('UPDATE epochs SET epoch = epoch + 1', []);
  await arrive(row({}));
  expect([ends, transactions > 0]).toEqual([['refused'], true]);
});

test('what looks at the tables has so much time in a commit, and sales are next', async () => {
  let nowMs = 0;
  const clock = { ...world.clock, monotonicMs: () => nowMs };
  const group = new GroupCommit({ clock, timers: world.timers }, store);
  const order: string[] = [];
  const does = (name: string, takesMs: number) => () => {
    order.push(name);
    nowMs += takesMs;
    return Promise.resolve(name);
  };
  const pieces = ['first', 'second', 'third'].map((name) => group.write(does(name, 30)));
  const done = await Promise.all([...pieces, group.write(does('sale', 0), {})]);
  expect(order).toEqual(['first', 'second', 'sale', 'third']);
  expect(done).toEqual(['first', 'second', 'third', 'sale']);
});

test('a sale that is only in the log is found without bringing that into the tables', async () => {
  const { stan, local_time, serial, id } = row({});
  await arrive(row({ id }));
  expect(await journal.saleByKey(serial, stan, local_time)).toMatchObject({ id });
  expect([projections, await inLog()]).toEqual([[], [{ seq: expect.any(Number) }]]);
});

test('sales that nobody reads go into the tables many at a time, and none is left out', async () => {
  const stans = Array.from({ length: 600 }, (_, index) => String(index + 2).padStart(6, '0'));
  for (let first = 0; first < stans.length; first += 40)
    await Promise.all(
      stans.slice(first, first + 40).map(async (stan) => {
        const sale = row({ stan });
        await arrive(sale);
        await approve(sale);
      }),
    );
  await journal.idle();
  expect(await inLog()).toEqual([]);
  const there = await inTables();
  expect([there.length, there.filter(({ state }) => state === 'approved').length]).toEqual([601, 600]);
  // As many lots as there were would be one for each commit.
  expect(projections.length).toBeLessThan(ends.length);
  expect(new Set(projections)).toEqual(new Set(['kept']));
});

test('a reversal that came first wins, whether its sale would have been sent or not', async () => {
  await reversalBefore('000002');
  expect(await arrive(row({}))).toMatchObject({ type: 'reversed-before' });
  await reversalBefore('000003');
  const posting = row({ stan: '000003', state: 'posting', kind: 'offlineSale', answer: Uint8Array.of(5) });
  expect(await arrive(posting)).toMatchObject({ type: 'reversed-before' });
  expect(ends).toEqual(['refused', 'refused']);
});

test('what comes for a day that is closed counts on the next one', async () => {
  const sale = row({});
  await arrive(sale);
  const closed = { day, state: 'closed', ours: '{}', theirs: null, result: 'balanced', differences: 0, at: 1 } as const;
  await store.db
    .insertInto('switch_days')
    .values({ ...closed, link: 'card-company-1' })
    .execute();
  await approve(sale);
  expect(ends).toEqual(['kept', 'kept']);
  // One statement knows nothing of the next day.
  const postings = await store.db.selectFrom('switch_postings').select(['side', 'day', 'said_day']).execute();
  expect(postings.toSorted((one, other) => one.side.localeCompare(other.side))).toEqual([
    { side: 'acquirer', day, said_day: day },
    { side: 'issuer', day: '261127', said_day: day },
  ]);
});

test('what happens to one sale in one commit is one row, and a second one where a fact would take the place of another', async () => {
  const sale = row({});
  await arrive(sale);
  await approve(sale);
  const never = () => {
    throw new Error('a late answer answers nobody');
  };
  const late = (actionCode: string) =>
    journal.step(sale, { type: 'issuerAnswered', actionCode }, '', never, { actionCode, outStan: '000007' });
  // Whoever comes while a commit is under way goes into the next one, together.
  await Promise.all([arrive(row({ stan: '000009' })), late('000'), late('116'), late('116')]);
  const entries = await store.db
    .selectFrom('switch_journal')
    .select(['entry', 'facts'])
    .where('sale_id', '=', sale.id)
    .where('entry', 'like', 'late%')
    .orderBy('seq')
    .execute();
  expect(entries.map(({ entry, facts }) => [entry, (JSON.parse(facts) as { actionCode: string }).actionCode])).toEqual([
    ['late-answer', '000'],
    ['late-answer late-answer', '116'],
  ]);
});

test('a switch whose epoch is over keeps nothing', async () => {
  await beginEpoch(store, 2);
  const failure: unknown = await arrive(row({})).catch((error: unknown) => error);
  expect(isFenced(failure)).toBe(true);
  expect(ends).toEqual(['refused']);
  expect(await sales()).toHaveLength(1);
});
