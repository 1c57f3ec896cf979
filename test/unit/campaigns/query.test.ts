import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test as property } from '@fast-check/vitest';
import { factsOf, numberTerminals } from '@tsunagu/fleet-server/campaigns/facts';
import { firstFailure, matches } from '@tsunagu/fleet-server/campaigns/rules/match';
import { select } from '@tsunagu/fleet-server/campaigns/select';
import { openStore, type Store } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { parseQuery } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const now = Date.UTC(2026, 10, 25);
const hour = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-query-'));
let store: Store;

/** Terminals of every sort: without a hello, without a version that is one, with fields that are absent or of another type. */
const hellos = [
  undefined,
  { software: { version: '1.9.0' }, battery: 20, keys: [{ slot: 'dukpt' }] },
  { software: { version: '1.10.0' }, battery: 80, keys: [], tampered: { at: 1, sensor: 'case' } },
  { software: { version: '2.0.0-rc.1' }, keys: [{ slot: 'negative' }, { slot: 'dukpt' }] },
  { software: { version: '2.0.0' }, battery: 100 },
  { software: { version: 'Build-7' }, battery: 'full' },
];
/** Of what they hold: nothing, one key that is on its way, one that is proven, another, one that gives way to another, one that does not count. */
const ledgers = [
  [],
  [['bdk/1', 'allocated']],
  [['bdk/1', 'loaded']],
  [['bdk/2', 'loaded']],
  [
    ['bdk/1', 'loaded'],
    ['bdk/2', 'allocated'],
  ],
  [['bdk/1', 'replaced']],
] as const;
beforeAll(async () => {
  store = unwrap(await openStore(join(folder, 'store.sqlite'), migrations, { now: () => now, monotonicMs: () => now }));
  for (const [index, hello] of hellos.entries())
    for (const shop of ['本店', 'Honten', '梅田 "2"']) {
      const serial = `Q-${index}-${shop === '本店' ? 'A' : shop === 'Honten' ? 'B' : 'C'}`;
      const at = { serial, model: index % 2 ? 'CT-5100' : 'CATS-200', merchant: '喫茶つなぐ', shop, lane: '' };
      await store.db
        .insertInto('terminals')
        .values({
          ...at,
          parent: null,
          relay_port: null,
          registered_at: index,
          enrolled_at: index > 1 ? now - index * hour : null,
        })
        .execute();
      for (const [base, keyState] of ledgers[index] ?? [])
        await store.db
          .insertInto('key_ledger')
          .values({
            id: `${serial} ${base} ${keyState}`,
            serial,
            slot: 'dukpt',
            kcv: '',
            initial_key_id: null,
            parent_key: base,
            protected_by: '',
            key_block: '',
            state: keyState,
            allocated_at: 0,
            loaded_at: null,
          })
          .execute();
      if (!hello) continue;
      const state = index % 3 ? ('ready' as const) : ('lost' as const);
      await store.db
        .insertInto('presence')
        .values({
          serial,
          state,
          since: now - index * hour,
          boot_seq: 1,
          hello_seq: 1,
          hello_at: now,
          hello: JSON.stringify(hello),
        })
        .execute();
      const value = JSON.stringify({
        language: index % 2 ? 'ja' : 'en',
        floorLimitMinor: index * 1_000,
        deep: { list: [index] },
      });
      await store.db
        .insertInto('reported_configurations')
        .values({
          serial,
          version: 1,
          hash: '',
          value,
          drift: index === 4 ? 'PENDING' : null,
          at: now,
          boot_seq: 1,
          seq: 1,
          answers: '',
          field: null,
          layers: '{}',
        })
        .execute();
      if (index > 3) continue;
      await store.db
        .insertInto('last_sales')
        .values({ serial, at: now - index * 60_000, outcome: 'approved', amount_minor: 1, last_four: '', reason: null })
        .execute();
    }
  await numberTerminals(store.db);
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const context = { now };
const found = async (text: string): Promise<string[]> =>
  (await select(store.db, unwrap(parseQuery(text)), context)).map(({ serial }) => serial).toSorted();

const leaves = [
  'model = CT-5100',
  'model != CT-5100',
  'model in (CT-5100, X)',
  'serial ~ "-a"',
  'shop = 本店',
  'shop ~ "ten"',
  'shop = "梅田 \\"2\\""',
  'shop not in (本店, Honten)',
  'version >= 1.10.0',
  'version < 2',
  'version != 1.9.0',
  'version = Build-7',
  'version in (1.9.0, 2.0.0)',
  'version ~ "rc"',
  'enrolled',
  'enrolled = false',
  'tampered != true',
  'link = ready',
  'link != never',
  'drift = PENDING',
  'battery >= 80',
  'battery != 20',
  'offlineHours > 2',
  'idleMinutes <= 3',
  'idleMinutes > 3',
  'baseKey = "bdk/1"',
  'baseKey != "bdk/1"',
  'hello.keys.0.slot = dukpt',
  'hello.battery = full',
  'hello.software.version > 1.9.5',
  'hello.nothing.at.all = 1',
  'reported.language = ja',
  'reported.language != ja',
  'reported.floorLimitMinor >= 3000',
  'reported.deep.list.0 < 3',
  'desired.language = ja',
] as const;
const queries = fc.letrec<{ query: string }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...leaves),
    fc.tuple(tie('query'), fc.constantFrom('and', 'or'), tie('query')).map(([a, word, b]) => `(${a} ${word} ${b})`),
    tie('query').map((one) => `not (${one})`),
  ),
})).query;

describe('a query', () => {
  it('finds terminals by the base key of the DUKPT key that they proved, or of the one on its way', async () => {
    expect(await found('baseKey = "bdk/1" and shop = 本店')).toEqual(['Q-1-A', 'Q-2-A', 'Q-4-A']);
    expect(await found('baseKey = "bdk/2" and shop = 本店')).toEqual(['Q-3-A']);
  });

  it('finds who never sold by its enrolment, and nobody who never enrolled', async () => {
    expect(await found('idleMinutes >= 240 and shop = 本店')).toEqual(['Q-4-A', 'Q-5-A']);
    expect(await found('not idleMinutes >= 0 and shop = 本店')).toEqual(['Q-0-A']);
  });

  it.each([...leaves, ''])('finds the same terminals in the database as by its rule: %s', async (text) => {
    const query = unwrap(parseQuery(text));
    const all = await factsOf(store.db, { after: 0, limit: 1_000 });
    expect(await found(text)).toEqual(
      all.flatMap((facts) => (matches(query, facts, now) ? [facts.serial] : [])).toSorted(),
    );
  });

  property.prop([queries], { numRuns: 150 })('does so however its tests are put together', async (text) => {
    const query = unwrap(parseQuery(text));
    const all = await factsOf(store.db, { after: 0, limit: 1_000 });
    expect(await found(text)).toEqual(
      all.flatMap((facts) => (matches(query, facts, now) ? [facts.serial] : [])).toSorted(),
    );
  });

  it('of the README can be read', () => {
    const readme = readFileSync(new URL('../../../fleet-server/src/campaigns/README.md', import.meta.url), 'utf8');
    const examples = /```query\n([^`]*)```/.exec(readme)?.[1]?.trim().split('\n') ?? [];
    expect(examples).toHaveLength(4);
    for (const example of examples) expect(parseQuery(example)).toMatchObject({ ok: true });
  });

  it('orders versions as Semantic Versioning does, and what is none stands aside', async () => {
    expect(await found('version >= 1.10.0')).toEqual([
      'Q-2-A',
      'Q-2-B',
      'Q-2-C',
      'Q-3-A',
      'Q-3-B',
      'Q-3-C',
      'Q-4-A',
      'Q-4-B',
      'Q-4-C',
    ]);
    expect(await found('version < 2.0.0 and shop = 本店')).toEqual(['Q-1-A', 'Q-2-A', 'Q-3-A']);
  });

  it('names the test that keeps a terminal out', async () => {
    const [facts] = await factsOf(store.db, { serials: ['Q-1-A'] });
    if (!facts) throw new Error('no facts');
    const failing = (text: string) => firstFailure(unwrap(parseQuery(text)), facts, now)?.text;
    expect(failing('model = CT-5100 and version >= 2.0.0 and battery > 50')).toBe('version >= 2.0.0');
    expect(failing('version > 2 or battery > 50')).toBe('version > 2 or battery > 50');
    expect(failing('not link = ready')).toBe('not link = ready');
    expect(failing('version < 2')).toBeUndefined();
  });

  it.each([
    ['model', 5, 'an operator or "in"'],
    ['model =', 7, 'a value'],
    ['model = CT-5100 model', 16, '"and", "or" or the end'],
    ['colour = red', 0, 'one of serial'],
    ['battery > high', 10, 'a number'],
    ['battery ~ 5', 8, 'a comparison of numbers'],
    ['model < B', 6, '"=", "!=" or "~"'],
    ['enrolled = maybe', 11, '"true" or "false"'],
    ['version >= next', 11, 'a version like 1.2.3'],
    ['shop = "本店', 7, 'a closing quotation mark'],
    ['hello = 1', 0, 'a path after "hello."'],
    ['(model = A', 10, '")"'],
    ['model not A', 10, '"in"'],
    ['model in A', 9, '"("'],
    ['model = A & model = B', 10, 'a field, value or operator'],
    [`${'('.repeat(40)}`, 33, 'less nesting'],
    ['x'.repeat(2_001), 2_000, 'an end'],
  ])('that cannot be read is refused where the fault is: %s', (text, at, expected) => {
    const read = parseQuery(text);
    expect(read.ok).toBe(false);
    if (read.ok) return;
    expect(read.fault).toMatchObject({ code: 'QUERY_INVALID', offset: at });
    expect(String(read.fault.facts?.['expected'])).toContain(expected);
  });

  property.prop([fc.string({ maxLength: 200, unit: 'binary' })])('is read or refused whatever it is', (text) => {
    const read = parseQuery(text);
    expect(read.ok || read.fault.code === 'QUERY_INVALID').toBe(true);
  });
});
