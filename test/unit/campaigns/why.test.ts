import { causeTexts, jobOrder, openDocument, parseJson, type Why } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { describe, expect, it } from 'vitest';
import { until } from '../core/support.ts';
import { act, detail, propose, publish, spec, start, Terminal, why } from './support.ts';

/** A house whose clock is put ahead. */
async function withClock() {
  const ahead = { ms: 0 };
  const around = (world: World): World => ({
    ...world,
    clock: { ...world.clock, now: () => world.clock.now() + ahead.ms },
  });
  return { ahead, house: await start(undefined, { around }) };
}

const hour = 3_600_000;
/** hh:mm in Tokyo, so long from now. */
const clockIn = (ms: number): string =>
  new Date(Date.now() + ms).toLocaleTimeString('sv-SE', { timeZone: 'Asia/Tokyo', hour: '2-digit', minute: '2-digit' });
const codesOf = ({ causes }: Why): readonly string[] => causes.map(({ code }) => code);

describe('an order of a campaign with windows', () => {
  it('is taken back when its window closes before the terminal began, and comes again in the next one', async () => {
    const { ahead, house } = await withClock();
    const terminal = await Terminal.open(house, 'WIND-0001');
    await terminal.configure();
    const windows = [{ from: clockIn(-hour), until: clockIn(hour) }];
    const { id } = await propose(house, {
      name: 'night',
      action: { kind: 'configuration', values: { taxPercent: 8 } },
      windows,
      gate: null,
    });
    await act(house, id, 'approve');
    await until('the order', async () => (await detail(house, id)).terminals.ordered === 1);
    expect(codesOf(await why(house, id, 'WIND-0001'))).toEqual(['JOB_OPEN']);

    ahead.ms = 2 * hour;
    await until('the order is taken back', async () => (await detail(house, id)).terminals.ordered === 0);
    const shut = await why(house, id, 'WIND-0001');
    expect(codesOf(shut)).toEqual(['WINDOW_CLOSED']);
    // The next opening, a day after this one's.
    expect(Date.parse(shut.nextTryAt ?? '') - Date.now()).toBeGreaterThan(22 * hour);
    // In the middle of the day nothing is handed out, and nothing else is desired of it either.
    expect(await terminal.work()).toEqual([]);
    await terminal.configure();
    expect(terminal.configuration.values).toMatchObject({ taxPercent: 10 });
    // No attempt was lost by that.
    expect(await detail(house, id)).toMatchObject({ terminals: { waiting: 1, failed: 0, retrying: 0 } });

    ahead.ms = 24 * hour;
    await until('the next window', async () => {
      await terminal.work();
      return (await detail(house, id)).terminals.done === 1;
    });
    expect(terminal.configuration.values).toMatchObject({ taxPercent: 8 });
  });
});

it('software whose signatures end under a running campaign holds it back, and says so, until it is signed anew', async () => {
  const { ahead, house } = await withClock();
  await house.register('HELD-0001');
  const digest = await publish(house, '2.0.0');
  const more = { endAt: new Date(Date.now() + 900 * 24 * hour).toISOString(), rings: [{ percent: 100 }] };
  const { id } = await propose(house, spec([digest], [], more));
  await act(house, id, 'approve');
  expect(codesOf(await why(house, id, 'HELD-0001'))).toEqual(['NEVER_ENROLLED']);
  expect((await detail(house, id)).held).toBeNull();

  ahead.ms = 400 * 24 * hour;
  await until('the campaign to notice', async () => (await detail(house, id)).events[0]?.what === 'held');
  const { held, phase, events } = await detail(house, id);
  expect([phase, held?.code, held?.facts['role']]).toEqual(['running', 'SOFTWARE_EXPIRED', 'targets']);
  expect(events[0]?.facts).toMatchObject({ code: 'SOFTWARE_EXPIRED', role: 'targets' });
  const found = await why(house, id, 'HELD-0001');
  expect([codesOf(found), found.nextTryAt]).toEqual([['NEVER_ENROLLED', 'SOFTWARE_EXPIRED'], null]);
  for (const [language, way] of [
    ['en', 'tsunagu software renew'],
    ['ja', '署名し直して'],
  ] as const)
    expect(causeTexts.SOFTWARE_EXPIRED[language](found.causes[1]?.facts ?? {})).toContain(way);

  await publish(house, '2.0.1');
  await until('the campaign to go on', async () => (await detail(house, id)).events[0]?.what === 'letGo');
  expect((await detail(house, id)).held).toBeNull();
  // Told once each, however many looks there were.
  expect((await detail(house, id)).events.filter(({ what }) => what === 'held')).toHaveLength(1);
});

describe('"why not?"', () => {
  const asked = async (house: Awaited<ReturnType<typeof start>>, target: object, serial: string): Promise<Why> => {
    const { body } = await house.call('POST', '/why', { target, serials: [serial] });
    return (body as unknown as { items: Why[] }).items[0] as Why;
  };

  it('answers for whatever a query finds, part by part, and says what a query is that is none', async () => {
    const house = await start();
    for (const serial of ['MANY-0001', 'MANY-0002', 'MANY-0003', 'ELSE-0001']) await house.register(serial);
    const about = async (more: object) => {
      const { status, body } = await house.call('POST', '/why', { target: { kind: 'configuration' }, ...more });
      const { items, next, code, field } = body as { items?: Why[]; next?: string; code?: string; field?: string };
      return { status, serials: items?.map(({ serial }) => serial), next, code, field };
    };
    const where = 'serial ~ MANY';
    const first = await about({ where, limit: 2 });
    expect(first).toMatchObject({ status: 200, serials: ['MANY-0001', 'MANY-0002'] });
    const cursor = first.next;
    expect(await about({ where, limit: 2, cursor })).toMatchObject({ serials: ['MANY-0003'], next: null });
    expect((await about({ where: '' })).serials).toHaveLength(4);
    expect(await about({ where: 'serial = NONE-0001' })).toMatchObject({ serials: [], next: null });
    expect(await about({ where: 'modle = CT-5100' })).toMatchObject({
      status: 400,
      code: 'QUERY_INVALID',
      field: 'where:0',
    });
    expect(await about({})).toMatchObject({ status: 400, code: 'INPUT_INVALID', field: 'serials' });
    expect(await about({ where, serials: ['MANY-0001'] })).toMatchObject({ status: 400, code: 'INPUT_INVALID' });
    expect(await about({ where, cursor: 'x' })).toMatchObject({ status: 400, code: 'INPUT_INVALID', field: 'cursor' });
  });

  it('knows of what was ordered of a terminal alone, and when a failed attempt is followed by another', async () => {
    const house = await start();
    const terminal = await Terminal.open(house, 'ALON-0001');
    const digest = await publish(house, '2.0.0');
    const target = { kind: 'software', version: '2.0.0' };
    expect(codesOf(await asked(house, target, 'ALON-0001'))).toEqual(['CAMPAIGN_NONE']);
    expect((await house.call('POST', '/terminals/ALON-0001/software', { digest })).status).toBe(202);
    expect(codesOf(await asked(house, target, 'ALON-0001'))).toEqual(['JOB_OPEN']);
    // Of another version nothing was ordered.
    expect(codesOf(await asked(house, { kind: 'software', version: '2.0.1' }, 'ALON-0001'))).toEqual(['CAMPAIGN_NONE']);

    await failOnce(terminal);
    const paused = await asked(house, target, 'ALON-0001');
    expect(paused.causes).toMatchObject([{ code: 'RETRY', facts: { attempts: 1, fault: 'ARTEFACT_UNAVAILABLE' } }]);
    expect(paused.nextTryAt).toBe(paused.causes[0]?.until);
    expect(Date.parse(paused.nextTryAt ?? '')).toBeGreaterThan(Date.now());
  });

  it('says the same of an order of a campaign', async () => {
    // A clock that stands: what waits for its next attempt waits however long the test takes.
    const begun = Date.now();
    const house = await start(undefined, {
      around: (world) => ({ ...world, clock: { ...world.clock, now: () => begun } }),
    });
    const terminal = await Terminal.open(house, 'CAMP-0001');
    const images = [await publish(house, '2.0.0')];
    const { id } = await propose(house, { name: 'all', action: { kind: 'software', images }, gate: null });
    await act(house, id, 'approve');
    await until('the order', async () => (await detail(house, id)).terminals.ordered === 1);
    await failOnce(terminal);
    const paused = await why(house, id, 'CAMP-0001');
    expect(paused.causes).toMatchObject([{ code: 'RETRY', facts: { attempts: 1, fault: 'ARTEFACT_UNAVAILABLE' } }]);
    expect(Date.parse(paused.nextTryAt ?? '')).toBeGreaterThan(begun);
    // And so do the campaign and its list of exceptions.
    expect(await detail(house, id)).toMatchObject({
      terminals: { waiting: 0, ordered: 0, retrying: 1 },
      rings: [{ ordered: 0, retrying: 1, failed: 0 }],
    });
    expect((await house.call('GET', `/campaigns/${id}/exceptions`)).body).toMatchObject({
      items: [
        {
          serial: 'CAMP-0001',
          state: 'retrying',
          attempts: 1,
          fault: 'ARTEFACT_UNAVAILABLE',
          job: paused.causes[0]?.facts['job'],
          nextAt: paused.nextTryAt,
        },
      ],
    });
  });

  it('tells when the window of the terminal’s own opens for which it keeps what it fetched', async () => {
    const house = await start();
    const terminal = await Terminal.open(house, 'OWNW-0001');
    const write = (values: object, version: number) =>
      house.call('PATCH', '/configuration?layer=terminal&serial=OWNW-0001', values, { 'if-match': `"${version}"` });
    await write({ maintenanceWindow: `${clockIn(2 * hour)}-${clockIn(3 * hour)}` }, 0);
    await terminal.configure();
    await write({ taxPercent: 8 }, 1);
    const target = { kind: 'configuration' };
    expect(codesOf(await asked(house, target, 'OWNW-0001'))).toEqual(['NEXT']);
    await terminal.configure('CONFIGURATION_WAITS');
    const waiting = await asked(house, target, 'OWNW-0001');
    expect(codesOf(waiting)).toEqual(['WINDOW_CLOSED']);
    const inMs = Date.parse(waiting.nextTryAt ?? '') - Date.now();
    expect(inMs).toBeGreaterThan(1.9 * hour);
    expect(inMs).toBeLessThan(2.1 * hour);
    // What it answered to something older says nothing any more.
    await write({ taxPercent: 9 }, 2);
    expect(codesOf(await asked(house, target, 'OWNW-0001'))).toEqual(['NEXT']);
    await terminal.configure('CONFIGURATION_REVERTED');
    expect((await asked(house, target, 'OWNW-0001')).causes).toMatchObject([
      { code: 'DRIFT', facts: { reason: 'CONFIGURATION_REVERTED' } },
    ]);
  });
});

describe('what a terminal tells of itself', () => {
  it('keeps an image from it: the revision of its hardware, and a battery too low; and custody keeps all from it', async () => {
    const house = await start();
    const terminal = await Terminal.open(house, 'HARD-0001');
    const other = await Terminal.open(house, 'HARD-0002');
    const says = (one: Terminal, hardware: string, battery: number) =>
      one.link.hello({ software: { version: '1.0.0', slot: 'A' }, hardware, battery });
    await says(terminal, 'A', 20);
    await says(other, 'B', 20);
    const digest = await publish(house, '2.0.0', 1, {
      hardwareRevisions: ['B', 'C'],
      requires: { batteryPercentMin: 30 },
    });
    const { id } = await propose(house, spec([digest], [], { rings: [{ percent: 100 }], requires: 'battery >= 15' }));
    await act(house, id, 'approve');
    const unfit = await why(house, id, 'HARD-0001');
    expect(unfit.causes).toMatchObject([
      { code: 'HARDWARE_UNFIT', facts: { revision: 'A', wanted: 'B, C' }, until: null },
    ]);
    expect(unfit.nextTryAt).toBeNull();
    expect((await why(house, id, 'HARD-0002')).causes).toMatchObject([
      { code: 'BATTERY_LOW', facts: { test: 'battery >= 30' } },
    ]);
    await says(other, 'B', 10);
    await until('what it said', async () => {
      const { causes } = await why(house, id, 'HARD-0002');
      return causes[0]?.facts['test'] === 'battery >= 30';
    });
    await says(other, 'B', 80);
    await until('the order', async () => codesOf(await why(house, id, 'HARD-0002'))[0] === 'JOB_OPEN');
    // It was lost meanwhile: whatever else stands in the way, that decides.
    expect((await house.call('POST', '/terminals/HARD-0001/lifecycle', { to: 'lost', reason: 'gone' })).status).toBe(
      200,
    );
    const lost = await why(house, id, 'HARD-0001');
    expect([codesOf(lost)[0], lost.causes[0]?.facts, lost.nextTryAt]).toEqual(['LIFECYCLE', { state: 'lost' }, null]);
  });

  it('is asked for by a campaign: hardware is a field of queries', async () => {
    const house = await start();
    for (const [serial, hardware] of [
      ['REVI-0001', 'A'],
      ['REVI-0002', 'B'],
    ] as const)
      await (await Terminal.open(house, serial)).link.hello({ hardware });
    const dry = await house.call('POST', '/campaigns/dry-runs', {
      name: 'revision B',
      target: 'hardware = B',
      action: { kind: 'configuration', values: { taxPercent: 8 } },
      gate: null,
    });
    expect(dry.body).toMatchObject({ cohort: 1, sample: ['REVI-0002'] });
  });
});

/** The terminal takes its orders, and says that the image is not to be had. */
async function failOnce({ link }: Terminal): Promise<void> {
  for (;;) {
    const answer = await link.ask('pull', 'request', { pull: 'job' });
    if (answer.kind !== 'job' || !answer.order) throw new Error('nothing was ordered');
    const { job, attempt, type } = unwrap(
      parseJson(jobOrder, unwrap(openDocument('tsunagu-job-v1', answer.order, link.terminal.answer.jobKey))),
    );
    const fault = type === 'software.install' ? 'ARTEFACT_UNAVAILABLE' : 'SOFTWARE_REVERTED';
    await link.ask({ kind: 'job', job }, 'job', { attempt, state: 'failed', fault });
    if (type === 'software.install') return;
  }
}
