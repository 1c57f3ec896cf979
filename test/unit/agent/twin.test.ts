import { turns } from '@tsunagu/firmware-bridge/sales/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { openTwin, type Twin, untilWindowMs } from '@tsunagu/firmware-bridge/twin/index';
import { modelOf } from '@tsunagu/protocols/catalogue';
import {
  configuration,
  configurationHash,
  type Response,
  type SettingValues,
  type TwinReport,
} from '@tsunagu/protocols/fleet';
import { fail, ok, unwrap } from '@tsunagu/protocols/kit';
import { afterEach, describe, expect, it } from 'vitest';
import { fastWorld } from '../bridge/support/fast-world.ts';
import { MemoryFiles } from './memory-files.ts';

const ending: AbortController[] = [];
afterEach(() => {
  for (const one of ending.splice(0)) one.abort();
});

type Desired = Extract<Response, { kind: 'twin' }>;
const desired = (version: number, values: SettingValues): Desired => ({
  kind: 'twin',
  version,
  hash: configurationHash(values),
  layers: { defaults: 'ab' },
  values,
});

/** A server at the other end of a line that can be cut, and that answers unless it is told not to. */
class Line {
  wanted: Desired = desired(1, configuration.parse({}));
  isUp = true;
  /** Whether it answers a terminal that works by these values. */
  reaches: (twin: Twin) => boolean = () => true;
  readonly asked: string[] = [];
  readonly reports: TwinReport[] = [];
  redials = 0;
  twin: Twin | undefined;
  async ask(_topic: unknown, _ct: unknown, body: unknown) {
    const { pull } = body as { pull: string };
    this.asked.push(pull);
    if (pull === 'twin') return ok(this.wanted);
    if (this.twin && !this.reaches(this.twin)) return fail('ANSWER_TIMED_OUT');
    return ok({ kind: 'time' as const, now: 1 });
  }
  async publish(_topic: unknown, _ct: unknown, body: unknown) {
    this.reports.push(structuredClone(body as TwinReport));
    return ok(undefined);
  }
  redial() {
    this.redials += 1;
  }
}

async function boot(line: Line, files = new MemoryFiles(), { model = 'CT-5100', factor = 20 } = {}) {
  const { world, lines } = fastWorld(factor);
  const signal = new AbortController();
  ending.push(signal);
  const store = unwrap(await openSealedStore(files, world));
  const till = turns();
  let changes = 0;
  const twin = unwrap(
    await openTwin({
      world,
      store,
      model: modelOf(model) ?? expect.fail(),
      link: line,
      whenIdle: (work) => till.take(work),
      changed: () => (changes += 1),
      signal: signal.signal,
    }),
  );
  line.twin = twin;
  return {
    twin,
    files,
    till,
    lines,
    signal,
    get changes() {
      return changes;
    },
    /** Follows what is desired to the end. */
    async follow(wanted?: Desired) {
      if (wanted) line.wanted = wanted;
      twin.wake();
      await twin.idle();
      return line.reports.at(-1) ?? expect.fail('no report');
    },
  };
}

describe('a configuration on its way into force', () => {
  it('is staged, tried, proven by an answer of the server, kept and told; what is in force already costs nothing', async () => {
    const line = new Line();
    const one = await boot(line);
    const values = configuration.parse({ taxPercent: 8 });
    const told = await one.follow(desired(2, values));
    expect(line.asked).toEqual(['twin', 'time']);
    expect(told).toMatchObject({
      base: 2,
      version: 2,
      hash: configurationHash(values),
      values,
      layers: { defaults: 'ab' },
    });
    expect(told.drift).toBeUndefined();
    expect(one.twin.inForce).toMatchObject({ version: 2, values: { taxPercent: 8 } });
    expect(one.changes).toBe(1);
    const writes = one.files.changes;
    await one.follow();
    expect([line.asked.at(-1), one.files.changes, one.changes]).toEqual(['twin', writes, 1]);
    const again = await boot(line, one.files.afterPowerLoss(false));
    expect(again.twin.report()).toEqual({ version: 2, hash: configurationHash(values), layers: { defaults: 'ab' } });
  });

  it('is not switched while a sale is in hand', async () => {
    const line = new Line();
    const one = await boot(line);
    let endSale = (): void => undefined;
    const sale = one.till.take(() => new Promise<void>((resolve) => (endSale = resolve)));
    line.wanted = desired(2, configuration.parse({ taxPercent: 8 }));
    one.twin.wake();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([one.twin.inForce.version, one.twin.inForce.values.taxPercent]).toEqual([0, 10]);
    endSale();
    await sale;
    await one.twin.idle();
    expect([one.twin.inForce.version, one.twin.inForce.values.taxPercent]).toEqual([2, 8]);
  });

  it('is the old or the new one, whole, wherever the power fails, and the new one in the end', async () => {
    const first = new Line();
    const before = await boot(first);
    const old = configuration.parse({ taxPercent: 8, merchantName: 'old' });
    await before.follow(desired(1, old));
    const next = configuration.parse({ taxPercent: 3, merchantName: 'new', fleetPort: 9 });
    const seen = new Set<string>();
    let cuts = 0;
    for (let failAt = 1; ; failAt++) {
      for (const keepUnsynced of [false, true]) {
        const line = new Line();
        const files = before.files.afterPowerLoss(false, failAt);
        const running = await boot(line, files, { factor: 20 });
        line.wanted = desired(2, next);
        running.twin.wake();
        await running.twin.idle().catch(() => undefined);
        const isOver = files.changes < failAt;
        running.signal.abort();
        const booted = await boot(new Line(), files.afterPowerLoss(keepUnsynced), { factor: 20 });
        const { version, hash, values } = booted.twin.inForce;
        const is = hash === configurationHash(old) ? 'old' : hash === configurationHash(next) ? 'new' : 'torn';
        expect([is, version, values], `cut ${failAt}`).toEqual(is === 'old' ? ['old', 1, old] : ['new', 2, next]);
        seen.add(is);
        await booted.follow(desired(2, next));
        expect(booted.twin.inForce.hash, `after cut ${failAt}`).toBe(configurationHash(next));
        if (isOver) {
          expect([...seen].sort()).toEqual(['new', 'old']);
          expect(cuts).toBeGreaterThan(8);
          return;
        }
        cuts += 1;
      }
    }
  });

  it('goes back to the last good one when it cuts the terminal off, is tried three times, and not again until something else is desired', async () => {
    const line = new Line();
    const one = await boot(line, new MemoryFiles(), { factor: 400 });
    const good = configuration.parse({ taxPercent: 8 });
    await one.follow(desired(1, good));
    line.reaches = (twin) => twin.inForce.values.fleetPort === 0;
    const bad = desired(2, configuration.parse({ taxPercent: 8, fleetPort: 1 }));
    const told = await one.follow(bad);
    expect(told).toMatchObject({
      version: 1,
      hash: configurationHash(good),
      drift: 'CONFIGURATION_REVERTED',
      answers: bad.hash,
    });
    expect(one.twin.inForce.values).toEqual(good);
    expect(line.redials).toBe(2); // there and back
    await expect.poll(() => line.redials, { timeout: 60_000 }).toBe(6); // by itself, with growing pauses
    await one.twin.idle();
    await one.follow();
    expect(line.redials).toBe(6);
    // A boot does not forget that.
    const again = await boot(line, one.files.afterPowerLoss(false));
    expect(again.twin.report()).toMatchObject({ version: 1, drift: 'CONFIGURATION_REVERTED', answers: bad.hash });
    await again.follow();
    expect(line.redials).toBe(6);
    line.reaches = () => true;
    expect(
      (await again.follow(desired(3, configuration.parse({ taxPercent: 8, fleetPort: 2 })))).drift,
    ).toBeUndefined();
    expect(again.twin.inForce.version).toBe(3);
  });

  it('is not tried for ever by a terminal that dies of it', async () => {
    let files = new MemoryFiles();
    const tries: string[] = [];
    for (let boots = 0; boots < 6; boots++) {
      const line = new Line();
      line.wanted = desired(2, configuration.parse({ taxPercent: 8 }));
      const one = await boot(line, files, { factor: 1 });
      line.reaches = () => false;
      one.twin.wake();
      // It is in force, unproven: the terminal dies.
      await expect
        .poll(() => one.twin.inForce.version === 2 || line.reports.at(-1)?.drift === 'CONFIGURATION_REVERTED', {
          timeout: 5_000,
        })
        .toBe(true);
      tries.push(one.twin.inForce.version === 2 ? 'died' : 'stayed');
      one.signal.abort();
      files = files.afterPowerLoss(false);
    }
    expect(tries).toEqual(['died', 'died', 'died', 'stayed', 'stayed', 'stayed']);
  });

  it('that the model cannot do is refused whole, with setting and code, once', async () => {
    const line = new Line();
    const one = await boot(line, new MemoryFiles(), { model: 'CATS200' });
    const told = await one.follow(desired(2, { taxPercent: 8, floorLimitMinor: 500 }));
    expect(told).toMatchObject({ version: 0, drift: 'CONFIGURATION_BEYOND_MODEL', field: 'floorLimitMinor' });
    expect(one.twin.inForce.values.taxPercent).toBe(10);
    const writes = one.files.changes;
    await one.follow();
    expect(one.files.changes).toBe(writes);
    expect((await one.follow(desired(3, { taxPercent: 8 }))).drift).toBeUndefined();
  });

  it('that is not what its hash says has no effect', async () => {
    const one = await boot(new Line());
    const told = await one.follow({ ...desired(2, { taxPercent: 8 }), values: { taxPercent: 0 } });
    expect(told).toMatchObject({ version: 0, drift: 'CONFIGURATION_DAMAGED', answers: '' });
    expect(one.twin.inForce.version).toBe(0);
  });

  it('may hold what the software does not know: it is kept, told of, and does not stop the rest', async () => {
    const one = await boot(new Line());
    const told = await one.follow(desired(2, { taxPercent: 8, fromTomorrow: true }));
    expect(told).toMatchObject({ unknown: ['fromTomorrow'], values: { fromTomorrow: true }, version: 2 });
    expect(one.twin.inForce.values.taxPercent).toBe(8);
  });

  it('that disturbs waits for the maintenance window, other changes do not', async () => {
    const line = new Line();
    const one = await boot(line, new MemoryFiles(), { factor: 1 });
    const hour = (shift: number) =>
      new Date(Date.now() + shift * 3_600_000).toLocaleTimeString('sv-SE', { timeZone: 'Asia/Tokyo' }).slice(0, 5);
    const later = { maintenanceWindow: `${hour(2)}-${hour(4)}` };
    await one.follow(desired(2, later));
    expect((await one.follow(desired(3, { ...later, taxPercent: 8 }))).drift).toBeUndefined();
    const told = await one.follow(desired(4, { ...later, taxPercent: 7, fleetPort: 9 }));
    expect(told).toMatchObject({ version: 3, drift: 'CONFIGURATION_WAITS', field: 'fleetPort' });
    expect(one.twin.inForce.values.taxPercent).toBe(8);
    await one.follow(desired(5, { maintenanceWindow: `${hour(-1)}-${hour(1)}` }));
    expect(
      (await one.follow(desired(6, { maintenanceWindow: `${hour(-1)}-${hour(1)}`, fleetPort: 9 }))).drift,
    ).toBeUndefined();
  });
});

describe('a technician at the terminal', () => {
  it('changes what stays until something else is desired; taken over into a layer it is no difference any more', async () => {
    const line = new Line();
    const one = await boot(line);
    const base = desired(1, configuration.parse({ taxPercent: 8 }));
    await one.follow(base);
    unwrap(await one.twin.service('Suzuki', { language: 'en' }));
    const local = configuration.parse({ taxPercent: 8, language: 'en' });
    expect(line.reports.at(-1)).toMatchObject({
      hash: configurationHash(local),
      drift: 'CONFIGURATION_CHANGED_LOCALLY',
      answers: base.hash,
      local: { by: 'Suzuki', settings: ['language'] },
    });
    await one.follow();
    expect(one.twin.inForce.values.language).toBe('en');
    const again = await boot(line, one.files.afterPowerLoss(false));
    expect(again.twin.report()).toMatchObject({ drift: 'CONFIGURATION_CHANGED_LOCALLY', answers: base.hash });
    expect((await again.follow(desired(2, local))).local).toBeUndefined();
    unwrap(await again.twin.service('Suzuki', { taxPercent: 1 }));
    expect(await again.follow(desired(3, configuration.parse({ taxPercent: 9 })))).toMatchObject({ version: 3 });
    expect([again.twin.inForce.values.taxPercent, again.twin.report().drift]).toEqual([9, undefined]);
    expect(await again.twin.service('Suzuki', { taxPercent: 99 })).toMatchObject({ fault: { field: 'taxPercent' } });
  });
});

it('a maintenance window is local time, also over midnight', () => {
  const at = (text: string) => Date.parse(text);
  const minutes = (window: string, zone: string, now: string) => untilWindowMs(window, zone, at(now)) / 60_000;
  expect(minutes('', 'Asia/Tokyo', '2026-11-25T00:00Z')).toBe(0);
  expect(minutes('02:00-05:00', 'Asia/Tokyo', '2026-11-24T17:00Z')).toBe(0);
  expect(minutes('02:00-05:00', 'Asia/Tokyo', '2026-11-24T19:59Z')).toBe(0);
  expect(minutes('02:00-05:00', 'Asia/Tokyo', '2026-11-24T20:00Z')).toBe(21 * 60);
  expect(minutes('02:00-05:00', 'Europe/Berlin', '2026-11-24T20:00Z')).toBe(5 * 60);
  expect(minutes('22:30-01:00', 'UTC', '2026-11-24T00:59Z')).toBe(0);
  expect(minutes('22:30-01:00', 'UTC', '2026-11-24T01:00Z')).toBe(21.5 * 60);
  // New York: 01:00-02:00 comes twice on 1 November 2026, 02:00-03:00 not at all on 14 March 2027. Nobody sleeps through a window by that.
  const newYork = (window: string, now: string) => minutes(window, 'America/New_York', now);
  expect(newYork('01:30-02:00', '2026-11-01T05:45Z')).toBe(0);
  expect(newYork('01:30-02:00', '2026-11-01T06:10Z')).toBe(20);
  expect(newYork('01:30-02:00', '2026-11-01T06:45Z')).toBe(0);
  expect(newYork('03:30-04:00', '2027-03-14T06:00Z')).toBe(15);
  expect(newYork('03:30-04:00', '2027-03-14T07:00Z')).toBe(30);
  expect(newYork('02:30-03:15', '2027-03-14T06:50Z')).toBe(15);
  expect(newYork('02:30-03:15', '2027-03-14T07:05Z')).toBe(0);
  expect(newYork('02:30-02:45', '2027-03-14T07:35Z')).toBe(22 * 60 + 55);
});
