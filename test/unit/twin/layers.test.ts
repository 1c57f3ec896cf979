import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { openTwin, twinField } from '@tsunagu/fleet-server/twin/index';
import { configuration, configurationHash, type LayerRef } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { sql } from 'kysely';
import { afterEach, describe, expect, it } from 'vitest';
import { by, serial, twinOnDisk } from './store.ts';

const open: (() => Promise<void>)[] = [];
const start = async (...args: Parameters<typeof twinOnDisk>) => {
  const made = await twinOnDisk(...args);
  open.push(made.close);
  return made;
};
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const merchant: LayerRef = { layer: 'merchant', merchant: 'M' };
const fleet = [
  { serial: 'AAAA-1', shop: 'one' },
  { serial: 'AAAA-2', shop: 'two' },
  { serial: 'AAAA-3', shop: 'two', model: 'CATS200' },
  { serial: 'BBBB-1', merchant: 'N', shop: 'one' },
];
const valueOf = async (made: Awaited<ReturnType<typeof start>>, of: string, setting: string) =>
  unwrap(await made.twin.drift.effective(serial(of))).settings.find((one) => one.setting === setting);

describe('layers in the store', () => {
  it('each have one stream of versions with writer, time and reason, and reach exactly the terminals below them', async () => {
    const made = await start(fleet);
    const { documents } = made.twin;
    const set = async (ref: LayerRef, taxPercent: number) =>
      unwrap(await documents.change(ref, unwrap(await documents.layer(ref)).version, { taxPercent }, by));
    expect((await set({ layer: 'defaults' }, 1)).terminals).toBe(4);
    expect((await set({ layer: 'model', model: 'CT-5100' }, 2)).terminals).toBe(3);
    expect((await set(merchant, 3)).terminals).toBe(3);
    expect((await set({ layer: 'shop', merchant: 'M', shop: 'two' }, 4)).terminals).toBe(2);
    expect((await set({ layer: 'terminal', serial: serial('AAAA-3') }, 5)).terminals).toBe(1);
    const seen = await Promise.all(fleet.map(({ serial: one }) => valueOf(made, one, 'taxPercent')));
    expect(seen.map((one) => [one?.value, one?.from])).toEqual([
      [3, 'merchant'],
      [4, 'shop'],
      [5, 'terminal'],
      // A shop of another merchant is another shop, whatever it is called.
      [2, 'model'],
    ]);
    expect(seen[2]?.chain.map(({ layer, value }) => [layer, value])).toEqual([
      ['factory', 10],
      ['defaults', 1],
      ['merchant', 3],
      ['shop', 4],
      ['terminal', 5],
    ]);
    expect(unwrap(await documents.layer(merchant))).toMatchObject({
      version: 1,
      by: 'taro',
      reason: 'test',
      values: { taxPercent: 3 },
    });
    const page = unwrap(await documents.layers({ limit: 3 }));
    expect([
      page.items.length,
      unwrap(await documents.layers({ limit: 3, cursor: page.next ?? '' })).items.length,
    ]).toEqual([3, 2]);
  });

  it('give a terminal that moves what its new place has', async () => {
    const made = await start(fleet);
    unwrap(await made.twin.documents.change({ layer: 'merchant', merchant: 'N' }, 0, { taxPercent: 8 }, by));
    expect((await valueOf(made, 'AAAA-1', 'taxPercent'))?.value).toBe(10);
    await made.store.db.updateTable('terminals').set({ merchant: 'N' }).where('serial', '=', 'AAAA-1').execute();
    expect(unwrap(await made.twin.reports.desired(serial('AAAA-1'))).values['taxPercent']).toBe(8);
  });

  it('say who does not get what and why; what one model or terminal cannot do cannot be set there', async () => {
    const made = await start(fleet);
    const { documents } = made.twin;
    const changed = unwrap(await documents.change(merchant, 0, { floorLimitMinor: 5_000 }, by));
    expect(changed).toMatchObject({
      terminals: 3,
      unable: [{ setting: 'floorLimitMinor', layer: 'merchant', model: 'CATS200', needs: 'offline', terminals: 1 }],
    });
    expect(await valueOf(made, 'AAAA-3', 'floorLimitMinor')).toMatchObject({
      value: null,
      needs: 'offline',
      from: 'merchant',
    });
    expect(unwrap(await made.twin.reports.desired(serial('AAAA-3'))).values).not.toHaveProperty('floorLimitMinor');
    for (const ref of [
      { layer: 'model', model: 'CATS200' },
      { layer: 'terminal', serial: serial('AAAA-3') },
    ] as const)
      expect(await documents.change(ref, 0, { floorLimitMinor: 1 }, by)).toMatchObject({
        fault: {
          code: 'CONFIGURATION_BEYOND_MODEL',
          field: 'floorLimitMinor',
          facts: { model: 'CATS200', needs: 'offline', layer: ref.layer },
        },
      });
    expect(await documents.change({ layer: 'model', model: 'ABACUS' }, 0, {}, by)).toMatchObject({
      fault: { code: 'MODEL_UNKNOWN' },
    });
    expect(await documents.change({ layer: 'terminal', serial: serial('NONE-1') }, 0, {}, by)).toMatchObject({
      fault: { code: 'TERMINAL_UNKNOWN' },
    });
  });

  it('are not written where something below would not hold together, and nothing of it is kept', async () => {
    const made = await start(fleet);
    const { documents } = made.twin;
    unwrap(await documents.change({ layer: 'shop', merchant: 'M', shop: 'two' }, 0, { amountMaxMinor: 2_000 }, by));
    expect(await documents.change(merchant, 0, { floorLimitMinor: 5_000 }, by)).toMatchObject({
      fault: {
        code: 'CONFIGURATION_CONTRADICTS',
        field: 'floorLimitMinor',
        facts: { with: 'amountMaxMinor', model: 'CT-5100' },
      },
    });
    expect(unwrap(await documents.layer(merchant)).version).toBe(0);
    expect((await valueOf(made, 'AAAA-1', 'floorLimitMinor'))?.value).toBe(0);
    expect(unwrap(await documents.change(merchant, 0, { floorLimitMinor: 2_000 }, by)).version).toBe(1);
  });

  it('lose no update: of writers on one version one wins, and every one that reads again and repeats gets through', async () => {
    const { twin } = await start(fleet);
    const { documents } = twin;
    const writers = 12;
    let conflicts = 0;
    await Promise.all(
      Array.from({ length: writers }, async (_, index) => {
        // Each adds one to what it read: the sum shows whether anybody wrote over anybody.
        for (let tries = 0; tries < 100; tries++) {
          const { version, values } = unwrap(await documents.layer(merchant));
          const answerTimeoutMs = Number(values['answerTimeoutMs'] ?? 1_000) + 1;
          const done = await documents.change(
            merchant,
            version,
            { answerTimeoutMs },
            { subject: `w${index}`, reason: '' },
          );
          if (done.ok) return;
          expect(done.fault).toMatchObject({ code: 'VERSION_CONFLICT' });
          conflicts += 1;
        }
        expect.fail('never got through');
      }),
    );
    expect(unwrap(await documents.layer(merchant))).toMatchObject({
      version: writers,
      values: { answerTimeoutMs: 1_000 + writers },
    });
    expect(conflicts).toBeGreaterThan(0);
    const history = unwrap(await documents.history(merchant, { limit: 100 })).items;
    expect(new Set(history.map((one) => one.by)).size).toBe(writers);
    expect(history.map(({ version }) => version)).toEqual(
      Array.from({ length: writers }, (_, index) => writers - index),
    );
  });

  it('make no version out of a change that changes nothing, compare any two, and go back by a new one', async () => {
    const { twin } = await start(fleet);
    const { documents } = twin;
    unwrap(await documents.change(merchant, 0, { taxPercent: 8 }, by));
    expect(unwrap(await documents.change(merchant, 1, { taxPercent: 8 }, by)).version).toBe(1);
    unwrap(await documents.change(merchant, 1, { taxPercent: null, language: 'en' }, by));
    expect(unwrap(await documents.diff(merchant, 1, 2))).toEqual([
      { setting: 'language', from: null, to: 'en' },
      { setting: 'taxPercent', from: 8, to: null },
    ]);
    expect(unwrap(await documents.diff(merchant, 0, 1))).toEqual([{ setting: 'taxPercent', from: null, to: 8 }]);
    const back = unwrap(await documents.rollBack(merchant, 2, 1, { subject: 'hanako', reason: 'wrong tax' }));
    expect(back).toMatchObject({ version: 3, by: 'hanako', reason: 'wrong tax', values: { taxPercent: 8 } });
    expect(back.hash).toBe(unwrap(await documents.version(merchant, 1)).hash);
    expect(await documents.rollBack(merchant, 2, 1, by)).toMatchObject({ fault: { code: 'VERSION_CONFLICT' } });
    expect(await documents.rollBack(merchant, 3, 9, by)).toMatchObject({
      fault: { code: 'CONFIGURATION_VERSION_UNKNOWN' },
    });
    const [newest] = unwrap(await documents.history(merchant, { limit: 1 })).items;
    expect(newest?.changes).toHaveLength(2);
  });

  it('take over the versions of a house that had one configuration only', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsunagu-twin-'));
    const path = join(folder, 'store.sqlite');
    const world = systemWorld(() => undefined);
    const old = unwrap(
      await openStore(
        path,
        migrations.filter(({ name }) => !name.startsWith('twin-') || name === 'twin-0001-configurations'),
        world.clock,
      ),
    );
    for (const [version, values] of [
      [1, configuration.parse({})],
      [2, configuration.parse({ taxPercent: 8 })],
      [3, configuration.parse({ taxPercent: 8, language: 'en' })],
    ] as const)
      await sql`insert into desired_configurations values (${version}, ${JSON.stringify(values)}, ${version})`.execute(
        old.db,
      );
    await old.close();
    const store = unwrap(await openStore(path, migrations, world.clock));
    open.push(async () => {
      await store.close();
      rmSync(folder, { recursive: true });
    });
    const { documents } = await openTwin({ world, store, note: () => Promise.resolve(), tell: () => undefined });
    const defaults: LayerRef = { layer: 'defaults' };
    // What was as it left the factory is set by nobody.
    expect(unwrap(await documents.layer(defaults))).toMatchObject({
      version: 3,
      values: { taxPercent: 8, language: 'en' },
    });
    expect(unwrap(await documents.diff(defaults, 1, 2))).toEqual([{ setting: 'taxPercent', from: null, to: 8 }]);
    expect(unwrap(await documents.change(defaults, 3, { language: null }, by)).version).toBe(4);
  });
});

describe('drift', () => {
  it('has a reason for each terminal that is not as desired, in pages, and a summary', async () => {
    const made = await start([
      ...['FRSH-1', 'OFFL-1', 'NEVR-1', 'RFSD-1', 'RVRT-1', 'LOCL-1', 'SYNC-1', 'WAIT-1'].map((one) => ({
        serial: one,
      })),
      { serial: 'MODL-1', model: 'CATS200' },
    ]);
    const { twin, store, link } = made;
    unwrap(await twin.documents.change({ layer: 'defaults' }, 1, { floorLimitMinor: 1_000 }, by));
    await twin.told();
    const say = async (
      one: string,
      drift: string | undefined,
      values = configuration.parse({ taxPercent: 1 }),
      field?: string,
    ) => {
      const { hash } = unwrap(await twin.reports.desired(serial(one)));
      await store.write(async (tx) =>
        twin.reports.report(
          tx,
          serial(one),
          { boot: 1, seq: 1 },
          {
            base: 1,
            answers: hash,
            version: 1,
            hash: configurationHash(values),
            values,
            ...(drift !== undefined && { drift }),
            ...(field !== undefined && { field }),
          },
        ),
      );
      await link(one, 'ready');
    };
    await link('FRSH-1', 'ready');
    await link('OFFL-1', 'lost');
    await say('RFSD-1', 'CONFIGURATION_BEYOND_MODEL', undefined, 'floorLimitMinor');
    await say('RVRT-1', 'CONFIGURATION_REVERTED');
    await say('LOCL-1', 'CONFIGURATION_CHANGED_LOCALLY', undefined, 'Suzuki');
    await say('WAIT-1', 'CONFIGURATION_WAITS');
    await say('SYNC-1', undefined, configuration.parse({ floorLimitMinor: 1_000 }));
    const able = unwrap(await twin.reports.desired(serial('MODL-1'))).values;
    await store.write((tx) =>
      twin.reports.report(
        tx,
        serial('MODL-1'),
        { boot: 1, seq: 1 },
        { base: 1, answers: '', version: 2, hash: configurationHash(able), values: able },
      ),
    );
    await link('MODL-1', 'ready');

    const listed = unwrap(await twin.drift.list({ limit: 50 })).items;
    expect(listed.map((one) => [one.serial, one.reason, one.code, one.field])).toEqual([
      ['FRSH-1', 'unfetched', null, null],
      ['LOCL-1', 'local', 'CONFIGURATION_CHANGED_LOCALLY', 'Suzuki'],
      ['MODL-1', 'model', null, null],
      ['NEVR-1', 'offline', null, null],
      ['OFFL-1', 'offline', null, null],
      ['RFSD-1', 'refused', 'CONFIGURATION_BEYOND_MODEL', 'floorLimitMinor'],
      ['RVRT-1', 'reverted', 'CONFIGURATION_REVERTED', null],
      ['WAIT-1', 'waiting', 'CONFIGURATION_WAITS', null],
    ]);
    expect(listed.find((one) => one.serial === 'FRSH-1')?.behind).toEqual(['defaults']);
    expect(listed.find((one) => one.serial === 'OFFL-1')?.since).toBe(new Date(7).toISOString());
    const first = unwrap(await twin.drift.list({ limit: 5 }));
    expect([
      first.items.length,
      unwrap(await twin.drift.list({ limit: 5, cursor: first.next ?? '' })).items.length,
    ]).toEqual([5, 3]);
    expect(unwrap(await twin.drift.list({ limit: 50, reason: 'refused' })).items).toHaveLength(1);
    expect(await twin.drift.summary()).toEqual({
      terminals: 9,
      inSync: 2,
      reasons: { unfetched: 1, offline: 2, waiting: 1, refused: 1, reverted: 1, local: 1, model: 1 },
    });
    expect(await twin.inSync()).toBe(2);
    // What was refused is not asked for again; what else is desired next is.
    expect(made.told).toEqual([]);
    unwrap(await twin.documents.change({ layer: 'defaults' }, 2, { floorLimitMinor: 2_000 }, by));
    await twin.told();
    expect([...made.told].sort()).toEqual(['FRSH-1', 'LOCL-1', 'RFSD-1', 'RVRT-1', 'SYNC-1', 'WAIT-1']);

    // The model that cannot do it is as it can be.
    expect(await twin.inSync()).toBe(1);
    unwrap(await twin.documents.change({ layer: 'merchant', merchant: 'M' }, 0, { floorLimitMinor: 1_000 }, by));
    expect([await twin.inSync(), (await twin.drift.summary()).inSync]).toEqual([2, 2]);
    unwrap(await twin.documents.change({ layer: 'merchant', merchant: 'M' }, 1, { floorLimitMinor: null }, by));

    const differs = unwrap(await twin.drift.compare(serial('SYNC-1'), undefined));
    expect(differs).toEqual([{ setting: 'floorLimitMinor', from: 2_000, to: 1_000 }]);
    const other = unwrap(await twin.drift.compare(serial('SYNC-1'), serial('MODL-1')));
    expect(other.find((one) => one.setting === 'floorLimitMinor')).toEqual({
      setting: 'floorLimitMinor',
      from: 2_000,
      to: null,
    });
  });

  it('lets others ask for any field, of what is desired and of what is reported', async () => {
    const { twin, store } = await start(fleet);
    unwrap(await twin.documents.change(merchant, 0, { floorLimitMinor: 5_000, pinBypass: true }, by));
    const found = await store.db
      .selectFrom('terminal_configurations')
      .select('serial')
      .where(twinField('desired', 'floorLimitMinor'), '>=', 5_000)
      .where(twinField('desired', 'pinBypass'), '=', 1)
      .where(twinField('reported', 'language'), 'is', null)
      .orderBy('serial')
      .execute();
    expect(found.map((one) => one.serial)).toEqual(['AAAA-1', 'AAAA-2']);
  });
});
