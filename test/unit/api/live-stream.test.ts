import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventLog } from '@tsunagu/fleet-server/live/index';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { serialSchema } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterEach, describe, expect, it } from 'vitest';
import { callOn } from '../audit/support.ts';
import { until } from '../core/support.ts';
import { type OpenedApi, type OpenedOptions, openedApi } from './opened-api.ts';

let house: OpenedApi | undefined;
const open = async (options?: OpenedOptions): Promise<OpenedApi> => (house = await openedApi(options));
afterEach(() => house?.api.close());

interface Frame {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Reads the stream until `count` frames other than beats have come, or `forMs` are over. */
async function frames(
  { ask }: OpenedApi,
  count: number,
  { after, query = '', forMs = 60_000 }: { after?: string; query?: string; forMs?: number } = {},
) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), forMs);
  const response = await ask(`/api/v1/events${query}`, {
    signal: stop.signal,
    ...(after === undefined ? {} : { headers: { 'last-event-id': after } }),
  });
  const found: Frame[] = [];
  const done = (async () => {
    let text = '';
    try {
      for await (const part of response.body ?? []) {
        text += Buffer.from(part).toString('utf8');
        const whole = text.split('\n\n');
        text = whole.pop() ?? '';
        for (const frame of whole) {
          const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1] ?? '';
          if (field('event') !== '' && field('event') !== 'beat')
            found.push({ id: field('id'), event: field('event'), data: field('data') });
        }
        if (found.length >= count) break;
      }
    } catch {
      // the time is over
    }
    clearTimeout(timer);
    stop.abort();
    return found;
  })();
  return { response, done };
}

describe('the live stream', () => {
  it('tells of a sale as it happens', async () => {
    const opened = await open();
    const { response, done } = await frames(opened, 2);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const sale = opened.rooms.sell(0);
    const [first, second] = await done;
    expect(first?.event).toBe('sale');
    expect(JSON.parse(first?.data ?? '')).toMatchObject({ id: sale.id, amountMinor: sale.amountMinor });
    expect(second?.event).toBe('terminal');
  });

  it('narrows to the topics that were asked for, and refuses one that there is not', async () => {
    const opened = await open();
    const { done } = await frames(opened, 2, { query: '?topics=sale' });
    opened.rooms.sell(0);
    opened.rooms.sell(1);
    expect((await done).map(({ event }) => event)).toEqual(['sale', 'sale']);
    expect((await opened.ask('/api/v1/events?topics=sail')).status).toBe(400);
  });

  it('resumes after the last event that a client has seen', async () => {
    const opened = await open();
    const before = await frames(opened, 2);
    opened.rooms.sell(0);
    const seen = (await before.done).at(-1)?.id ?? '';
    const missed = opened.rooms.sell(1);
    const after = await frames(opened, 2, { after: seen });
    const [first] = await after.done;
    expect(JSON.parse(first?.data ?? '')).toMatchObject({ id: missed.id });
  });

  it('says resync when the ring was passed, and to a client of another run', async () => {
    const opened = await open({ ringMax: 10 });
    const before = await frames(opened, 2);
    opened.rooms.sell(0);
    const seen = (await before.done).at(-1)?.id ?? '';
    for (let index = 0; index < 20; index += 1) opened.rooms.sell(0);
    const passed = await (await frames(opened, 1, { after: seen })).done;
    const foreign = await (await frames(opened, 1, { after: '00000000-3' })).done;
    const garbage = await (await frames(opened, 1, { after: 'rubbish' })).done;
    expect([passed, foreign, garbage].map(([first]) => first?.event)).toEqual(['resync', 'resync', 'resync']);
  });

  it('holds no more than its bound for a client that does not read, and has it fetch anew', async () => {
    const opened = await open();
    const socket = connect(opened.api.port, '127.0.0.1');
    socket.write(`GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${opened.token}\r\n\r\n`);
    socket.pause();
    await until('it is open', () => opened.api.streams === 1);
    for (let index = 0; index < 50_000; index += 1) opened.rooms.sell(index % 8);
    await new Promise((resolve) => setTimeout(resolve, 200));
    let tail = '';
    let length = 0;
    socket.on('data', (part) => {
      length += part.length;
      tail = (tail + part.toString('utf8')).slice(-400);
    });
    socket.resume();
    await until('the end of what is held', () => tail.includes('event: resync'));
    socket.destroy();
    expect(length).toBeLessThan(45_000_000); // all of it would be more than 50 MB: the kernel's buffers and our bound are less
    await until('it is closed', () => opened.api.streams === 0);
  });

  it('refuses somebody who is not signed in', async () => {
    const opened = await open();
    expect((await fetch(`${opened.api.url}/api/v1/events`)).status).toBe(401);
  });

  it('cuts off who takes nothing for long, and keeps nothing for them', async () => {
    const opened = await open({ streamPatienceMs: 200 });
    const socket = connect(opened.api.port, '127.0.0.1');
    socket.write(`GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${opened.token}\r\n\r\n`);
    socket.pause();
    await until('it is open', () => opened.api.streams === 1);
    // How much the system's buffers take before anything waits is its own affair.
    await until('it is cut off', () => {
      for (let index = 0; index < 1_000; index += 1) opened.rooms.sell(index % 8);
      return opened.api.streams === 0;
    });
    expect(opened.lines.some(({ event }) => event === 'slow live stream cut off')).toBe(true);
    socket.destroy();
  });

  it('narrows to the terminals that were asked for', async () => {
    const opened = await open();
    const serial = opened.rooms.terminals[1]?.serial ?? '';
    const { done } = await frames(opened, 2, { query: `?topics=sale&serial=${serial}` });
    for (let index = 0; index < 16; index += 1) opened.rooms.sell(index % 8);
    expect((await done).map(({ data }) => JSON.parse(data).serial)).toEqual([serial, serial]);
  });

  it('ends for a token that was revoked', async () => {
    const opened = await open();
    const call = callOn(opened);
    const made = await call('POST', '/tokens', { name: 'eye', roles: ['viewer'] });
    const response = await opened.ask('/api/v1/events', { headers: { authorization: `Bearer ${made.body.token}` } });
    await until('it is open', () => opened.api.streams === 1);
    await call('DELETE', `/tokens/${made.body.id}`);
    await until('it is ended', () => opened.api.streams === 0);
    await response.body?.cancel();
  });
});

describe('the event log', () => {
  const line = (index: number) => ({
    name: 'timeline' as const,
    data: {
      id: index,
      serial: serialSchema.parse('ALFA-0001'),
      at: '2026-11-25T00:00:00.000Z',
      kind: 'connected' as const,
      facts: {},
    },
  });
  const ids = (events: readonly { event: { data: object } }[] | undefined) =>
    events?.map(({ event }) => ('id' in event.data ? event.data.id : undefined));

  it('is read on after a restart, and says so when it no longer reaches back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsunagu-events-'));
    const world = systemWorld(() => {});
    const openStored = async () => unwrap(await openStore(join(folder, 'store.sqlite'), migrations, world.clock));
    let store = await openStored();
    const before = await openEventLog(world, store, 3_000);
    const heard: number[] = [];
    before.listen(({ id }) => heard.push(id));
    for (let index = 1; index <= 10; index++) before.publish(line(index));
    await until('they are written', () => heard.length === 10);
    expect(ids(await before.read(7, 100))).toEqual([8, 9, 10]);
    await before.close();
    await store.close();
    store = await openStored();
    const after = await openEventLog(world, store, 3_000);
    expect([after.run, after.latest]).toEqual([before.run, 10]);
    expect(ids(await after.read(7, 100))).toEqual([8, 9, 10]);
    expect(await after.read(11, 100)).toBeUndefined();
    for (let index = 11; index <= 6_000; index++) after.publish(line(index));
    await until('all are written', () => after.latest === 6_000);
    expect(await after.read(5, 100)).toBeUndefined();
    expect(ids(await after.read(3_500, 2))).toEqual([3_501, 3_502]);
    const { kept } = await store.db
      .selectFrom('live_events')
      .select((all) => all.fn.countAll<number>().as('kept'))
      .executeTakeFirstOrThrow();
    expect(kept).toBeLessThan(5_001);
    await after.close();
    await store.close();
  });

  it('holds no more than its bound while nothing can be written, and tells everybody to fetch anew', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsunagu-events-'));
    const world = systemWorld(() => {});
    const store = unwrap(await openStore(join(folder, 'store.sqlite'), migrations, world.clock));
    const log = await openEventLog(world, store);
    let resyncs = 0;
    log.listen(({ event }) => (resyncs += event.name === 'resync' ? 1 : 0));
    for (let index = 1; index <= 60_000; index++) log.publish(line(index));
    await until('what fits is written', () => resyncs === 1);
    expect(log.latest).toBe(20_001);
    await log.close();
    await store.close();
  });
});
