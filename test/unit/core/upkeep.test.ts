import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { endingsOf, horizonOf } from '@tsunagu/fleet-server/expiry/index';
import { linkCredentials, linkCredentialsPath } from '@tsunagu/fleet-server/switch/index';
import { expiryEntry } from '@tsunagu/protocols/fleet';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { person } from './person.ts';
import { enrol, lateClock, newFolder, removeFolder, type TestHouse, testHouse, TestLink, until } from './support.ts';

const dayMs = 86_400_000;
let folder: string;
let house: TestHouse;
beforeEach(() => {
  folder = newFolder();
});
afterEach(async () => {
  await house.house.close();
  removeFolder(folder);
});

it('a house that runs makes the certificates of the line to the card company anew before they end', async () => {
  const hourly: (() => void)[] = [];
  const { late, around } = lateClock(31 * dayMs);
  house = await testHouse(folder, {
    lives: { leafMs: 40 * dayMs },
    around(world) {
      const { timers, ...others } = around(world);
      return {
        ...others,
        timers: {
          ...timers,
          every(periodMs, work) {
            if (periodMs === 3_600_000) hourly.push(work);
            return timers.every(periodMs, work);
          },
        },
      };
    },
  });
  const read = () => linkCredentials.parse(JSON.parse(readFileSync(linkCredentialsPath(folder), 'utf8')));
  const leftDays = (pem: string) => (Date.parse(new X509Certificate(pem).validTo) - Date.now()) / dayMs;
  const first = read();
  expect(leftDays(first.certificate)).toBeLessThan(9.1);
  // Nothing changes while nothing is near its end.
  for (const work of hourly) work();
  expect(read()).toEqual(first);
  late.behindMs = 0;
  for (const work of hourly) work();
  const next = await until('a next certificate', () => {
    const now = read();
    return now.certificate !== first.certificate && now;
  });
  expect(leftDays(next.certificate)).toBeGreaterThan(39);
  expect(next).toMatchObject({ peer: first.peer, zoneKbpk: first.zoneKbpk });
});

it('what people have signed of the software is in the horizon of every terminal', async () => {
  house = await testHouse(folder);
  await house.register('SIGNED-0001');
  const reasons = async () => {
    const { body } = await house.call('GET', '/expiry');
    const [entry] = expiryEntry.array().parse(body['items']);
    return entry?.reasons.filter(({ kind }) => kind === 'software-signing') ?? [];
  };
  expect(await reasons()).toEqual([]);
  await (await person(house, folder, join(folder, 'signing'))).init();
  const found = await until('what was signed to be reckoned with', async () => {
    const now = await reasons();
    return now.length > 0 && now;
  });
  const days = ({ endsAt }: (typeof found)[number]) => (Date.parse(endsAt ?? '') - Date.now()) / dayMs;
  expect(found.map((reason) => [reason.name, Math.round(days(reason)), reason.level])).toEqual([
    ['targets', 365, 'fine'],
    ['root', 3 * 365, 'fine'],
  ]);
});

it('the CA keys of card schemes that a terminal holds are in its horizon, with an alarm half a year before', async () => {
  house = await testHouse(folder);
  const link = await TestLink.open(house, await enrol(house, await house.register('CARDKEY-0001')));
  const expiry = new Date(Date.now() + 100 * dayMs).toISOString().slice(0, 10);
  await link.hello({ cardKeys: [{ rid: 'A000000003', index: '92', expiry }] });
  const alarmed = await until('the alarm', async () => {
    const { body } = await house.call('GET', '/terminals/CARDKEY-0001/timeline');
    const facts = (body as unknown as { items: { facts: Record<string, unknown> }[] }).items.map(
      (entry) => entry.facts,
    );
    return facts.find((one) => one['code'] === 'EXPIRY_NEAR');
  });
  expect(alarmed).toMatchObject({ ends: 'card-key', level: 'near' });
  const { body } = await house.call('GET', '/expiry');
  const [entry] = expiryEntry.array().parse(body['items']);
  expect(entry?.reasons.find(({ kind }) => kind === 'card-key')).toMatchObject({
    name: 'A000000003 92',
    level: 'near',
  });
  // Chips go online without it: the terminal is not lost by it, and its last day is that of what loses it.
  expect(entry?.first).not.toBe('card-key');
  await link.close();
});

it('what a source says that a model ends with gives an alarm a year before, and nothing is said without a source', () => {
  const now = Date.UTC(2029, 4, 1);
  const ends = {
    ptsApproval: { on: '2030-04-29', name: '4-40404', source: 'a listing' },
    softwareSupport: { on: '2029-06-30', name: 'Android 10', source: 'a notice' },
  };
  expect(horizonOf(endingsOf(ends), 35 * dayMs, now)?.reasons).toMatchObject([
    { kind: 'software-support', name: 'Android 10', level: 'urgent', endsAt: Date.UTC(2029, 6, 1) },
    { kind: 'pts-approval', name: '4-40404', level: 'near', endsAt: Date.UTC(2030, 3, 30) },
  ]);
  expect(endingsOf(undefined)).toEqual([]);
});
