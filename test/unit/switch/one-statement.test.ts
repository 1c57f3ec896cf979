import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrations, openStore, type Store } from '@tsunagu/fleet-server/store/index';
import { beginEpoch, isFenced } from '@tsunagu/fleet-server/switch/journal/epoch';
import { Journal, type SaleRow } from '@tsunagu/fleet-server/switch/journal/journal';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterEach, beforeEach, expect, test } from 'vitest';

const world = systemWorld(() => undefined);
const day = '261126';
let folder: string;
let store: Store;
let journal: Journal;
/** How the commits ended that were one statement, and how many transactions there were besides. */
let ends: string[] = [];
let transactions = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'one-statement-'));
  store = unwrap(await openStore(join(folder, 'store.sqlite'), migrations, world.clock));
  const fence = await beginEpoch(store, 1);
  const watched: Store = {
    ...store,
    write(work) {
      transactions += 1;
      return store.write(work);
    },
    async writeAlone(...statement) {
      const end = (await store.writeAlone?.(...statement)) ?? 'refused';
      ends.push(end);
      return end;
    },
  };
  const vault = {
    panToken: () => '',
    seal: () => new Uint8Array(1),
    open: () => ({ ok: true, value: new Uint8Array(1) }) as const,
    translatePin: () => ({ ok: true, value: new Uint8Array(8) }) as const,
  };
  journal = new Journal(world, watched, vault, fence, { issuer: () => day, acquirer: () => day });
  // The first commit makes what the others need.
  await arrive(row({ stan: '000001' }));
  ends = [];
  transactions = 0;
});
afterEach(async () => {
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
const arrive = (sale: SaleRow) => journal.arriveSale(sale, undefined, own);
const approve = (sale: SaleRow) =>
  journal.step(sale, { type: 'issuerAnswered', actionCode: '000', day }, '', () => ({ ...own('000'), by: 'issuer' }));
const sales = () => store.db.selectFrom('switch_sales').selectAll().orderBy('stan').execute();
const reversalBefore = (stan: string) =>
  journal.arriveReversal(
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

test('sales that arrive together are one statement, and so are their outcomes', async () => {
  const all = ['000002', '000003', '000004'].map((stan) => row({ stan }));
  const arrivals = await Promise.all(all.map(arrive));
  expect(arrivals.map(({ type }) => type)).toEqual(['stored', 'stored', 'stored']);
  await Promise.all(all.map(approve));
  expect(ends).toEqual(['kept', 'kept']);
  expect(transactions).toBe(0);
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
  const journalled = await store.db.selectFrom('switch_journal').select('entry').orderBy('seq').execute();
  expect(journalled.slice(1).map(({ entry }) => entry)).toEqual([
    ...Array.from({ length: 3 }, () => 'received send-intended'),
    ...Array.from({ length: 3 }, () => 'answered'),
  ]);
  const postings = await store.db.selectFrom('switch_postings').select(['side', 'kind', 'day']).execute();
  expect(postings).toHaveLength(6);
});

test('a request that is known is told from new ones beside it, and they are kept', async () => {
  const again = row({ stan: '000001' });
  const arrivals = await Promise.all([row({}), again, { ...again, body_tag: 'other' }].map(arrive));
  expect(arrivals.map(({ type }) => type)).toEqual(['stored', 'in-progress', 'differs']);
  expect([ends, transactions]).toEqual([['refused'], 1]);
  expect((await sales()).map(({ stan }) => stan)).toEqual(['000001', '000002']);
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
  expect(ends).toEqual(['kept', 'refused']);
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
