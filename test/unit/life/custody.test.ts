import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  custodyAlarm,
  handoverHash,
  noCustody,
  openHandover,
  type SignedHandover,
  verifyCustody,
} from '@tsunagu/protocols/custody';
import { custodyView } from '@tsunagu/protocols/fleet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newFolder, removeFolder, type TestHouse, testHouse } from '../core/support.ts';
import { chainOf, hand } from './hands.ts';

const [depot, carrier, shop] = [hand('depot'), hand('carrier'), hand('shop')];
const holders = [depot, carrier, shop].map(({ holder }) => holder);
const known = new Map(holders.map((each) => [each.kid, each]));
const file = (...handovers: readonly SignedHandover[]): string[] => [
  JSON.stringify({ custody: 'tsunagu-custody-v1', tenant: 'demo', holders }),
  ...handovers.map((handover) => JSON.stringify({ handover })),
];
const codes = (lines: Iterable<string>) => verifyCustody(lines).findings.map(({ code, line }) => `${line} ${code}`);

describe('a file of custody', () => {
  const chain = chainOf('LIFE-0001');
  const [one, two, three] = [
    chain.next(depot, carrier, { bag: 'BAG-0001' }),
    chain.next(carrier, shop),
    chain.next(shop, depot),
  ];
  it('verifies without any server', () => {
    const report = verifyCustody(file(one, two, three));
    expect([report.findings, report.terminals, report.handovers]).toEqual([[], 1, 3]);
    expect(report.heads.get('LIFE-0001')).toEqual({ seq: 3, hash: handoverHash(three), holder: depot.holder.kid });
  });

  it('shows what was changed, left out, put elsewhere, signed by other hands, or by one hand only', () => {
    const changed = { ...two, payload: two.payload.replace('倉庫', '店舗') };
    expect(codes(file(one, changed, three))[0]).toBe('3 CUSTODY_NOT_AUTHENTIC');
    expect(codes(file(one, three))).toEqual(['3 CUSTODY_CHAIN_BROKEN']);
    expect(codes(file(two, one))[0]).toBe('2 CUSTODY_CHAIN_BROKEN');
    const stranger = hand('stranger');
    expect(codes(file(chainOf('LIFE-0002').next(depot, stranger)))).toEqual(['2 CUSTODY_HOLDER_UNKNOWN']);
    expect(codes(file(chainOf('LIFE-0002').next(depot, depot)))).toEqual(['2 CUSTODY_HOLDER_UNKNOWN']);
    const forged = { ...one, receiver: { ...one.receiver, sig: one.giver.sig } };
    expect(codes(file(forged))).toEqual(['2 CUSTODY_NOT_AUTHENTIC']);
    expect(codes(['{']).length).toBe(1);
  });

  it('shows a terminal that was given away by somebody who did not have it', () => {
    const other = chainOf('LIFE-0003');
    expect(codes(file(other.next(depot, carrier), other.next(depot, shop)))).toEqual(['3 CUSTODY_GAP']);
    const first = chainOf('LIFE-0004').next(depot, carrier);
    expect(openHandover(first, known, noCustody)).toMatchObject({ ok: true });
  });
});

it('shows what a revoked hand signed from then on, and nothing that stands on it; a successor gives away what it held', () => {
  const heir = hand('carrier, new key');
  const chain = chainOf('LIFE-0006');
  const [one, two, three] = [chain.next(depot, carrier), chain.next(carrier, shop), chain.next(shop, depot)];
  const at = (index: number) => new Date(1_700_000_000_000 + index * 60_000).toISOString();
  const revokedFrom = (revokedAt: string, ...handovers: readonly SignedHandover[]) => {
    const hands = [
      depot.holder,
      shop.holder,
      { ...carrier.holder, revokedAt, successor: heir.holder.kid },
      heir.holder,
    ];
    return codes([
      JSON.stringify({ custody: 'tsunagu-custody-v1', tenant: 'demo', holders: hands }),
      ...handovers.map((handover) => JSON.stringify({ handover })),
    ]);
  };
  expect(revokedFrom(at(2), one, two, three)).toEqual([]);
  expect(revokedFrom(at(1), one, two, three)).toEqual(['3 CUSTODY_HOLDER_REVOKED']);
  const other = chainOf('LIFE-0007');
  expect(revokedFrom(at(1), other.next(depot, carrier), other.next(heir, shop))).toEqual([]);
});

it('alarms by state and time: what left with no hand on it, and what stays too long', () => {
  const day = 86_400_000;
  const at = (state: 'in-transit' | 'deployed' | 'refurbish', handedOverAt: number | null, now: number) =>
    custodyAlarm({ state, since: 0, handedOverAt }, now)?.kind;
  expect(at('in-transit', null, day)).toBeUndefined();
  expect(at('in-transit', null, day + 1)).toBe('gap');
  expect(at('in-transit', 10, 5 * day)).toBeUndefined();
  expect(at('in-transit', 10, 6 * day)).toBe('dwell');
  expect(at('refurbish', null, 45 * day + 1)).toBe('dwell');
  expect(at('deployed', null, 4_000 * day)).toBeUndefined();
});

describe('custody at the server', () => {
  const folder = newFolder();
  let house: TestHouse;
  beforeAll(async () => {
    house = await testHouse(folder);
    await house.register('LIFE-0001');
    for (const { name, publicKey } of holders)
      expect((await house.call('POST', '/custody/holders', { name, publicKey })).status).toBe(200);
  });
  afterAll(async () => {
    await house?.house.close();
    removeFolder(folder);
  });
  const deliver = (signed: SignedHandover) => house.call('POST', '/custody/handovers', signed);

  it('takes hand-overs in their order, each once, and gives them out as they came', async () => {
    const chain = chainOf('LIFE-0001');
    const [one, two] = [
      chain.next(depot, carrier, { bag: 'BAG-0001' }),
      chain.next(carrier, shop, { bag: 'BAG-0001' }),
    ];
    expect((await deliver(two)).body.code).toBe('CUSTODY_CHAIN_BROKEN');
    expect((await deliver(one)).status).toBe(200);
    expect((await deliver(one)).body).toMatchObject({ seq: 1 });
    expect((await deliver({ ...two, receiver: { ...two.receiver, kid: depot.holder.kid } })).body.code).toBe(
      'CUSTODY_NOT_AUTHENTIC',
    );
    expect(custodyView.parse((await deliver(two)).body)).toMatchObject({
      seq: 2,
      hash: handoverHash(two),
      holder: { name: 'shop' },
      bag: 'BAG-0001',
    });
    expect((await deliver(chainOf('NOBODY-0001').next(depot, carrier))).body.code).toBe('TERMINAL_UNKNOWN');
    const { token } = JSON.parse(readFileSync(join(folder, 'access.json'), 'utf8')) as { token: string };
    const exported = await fetch(`${house.house.managementUrl}/api/v1/custody/export`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const report = verifyCustody((await exported.text()).split('\n'));
    expect([report.findings, report.terminals, report.handovers]).toEqual([[], 1, 2]);
  });

  it('takes nothing of a hand that was revoked, whatever date it bears, and keeps what it took before', async () => {
    await house.register('LIFE-0008');
    const [thief, lost, heir] = [hand('thief'), hand('lost'), hand('found')];
    for (const { holder } of [thief, lost, heir])
      await house.call('POST', '/custody/holders', { name: holder.name, publicKey: holder.publicKey });
    const chain = chainOf('LIFE-0008');
    const one = chain.next(depot, lost);
    expect((await deliver(one)).status).toBe(200);
    const path = `/custody/holders/${lost.holder.kid}/revocation`;
    const reason = '鍵の紛失';
    const refused = async (body: object) => (await house.call('POST', path, body)).body;
    expect(await refused({ reason, at: '2999-01-01T00:00:00.000Z' })).toMatchObject({ field: 'at' });
    expect(await refused({ reason, successor: lost.holder.kid })).toMatchObject({ field: 'successor' });
    const unknown = await house.call('POST', `/custody/holders/${'0'.repeat(16)}/revocation`, { reason });
    expect(unknown.body.code).toBe('CUSTODY_HOLDER_UNKNOWN');
    // The whole of what was signed since the day that is named is in doubt.
    const since = '2023-11-14T22:13:20.000Z';
    expect((await house.call('POST', path, { reason })).body).toMatchObject({ holds: ['LIFE-0008'], doubtful: [] });
    expect((await house.call('POST', path, { reason, at: since, successor: heir.holder.kid })).body).toMatchObject({
      revokedAt: since,
      successor: heir.holder.kid,
      doubtful: ['LIFE-0008'],
    });
    expect((await deliver(one)).body).toMatchObject({ seq: 1 });
    const stolen = chain.next(lost, thief, { at: '2023-11-14T00:00:00.000Z' });
    expect((await deliver(stolen)).body.code).toBe('CUSTODY_HOLDER_REVOKED');
    // Registered again it is as revoked as before.
    await house.call('POST', '/custody/holders', { name: 'lost', publicKey: lost.holder.publicKey });
    expect((await deliver(stolen)).body.code).toBe('CUSTODY_HOLDER_REVOKED');
    const again = chainOf('LIFE-0008');
    again.next(depot, lost);
    const { body } = await house.call('GET', '/terminals/LIFE-0008/custody');
    const byHeir = again.next(heir, shop, { seq: 2, prev: String(body.hash) });
    expect((await deliver(byHeir)).body).toMatchObject({ seq: 2, holder: { name: 'shop' } });
  });

  it('quarantines a terminal that came in another bag, so that it gets no keys', async () => {
    await house.register('LIFE-0005');
    expect((await house.call('POST', '/terminals/LIFE-0005/custody/mismatches', { seen: 'BAG-0009' })).status).toBe(
      200,
    );
    const { body } = await house.call('GET', '/terminals/LIFE-0005/lifecycle');
    expect(body).toMatchObject({ state: 'quarantined', permits: [] });
    const keyed = await house.call('POST', '/terminals/LIFE-0005/lifecycle', { to: 'keyed', reason: 'all is well' });
    expect(keyed.body.code).toBe('LIFECYCLE_EDGE_UNKNOWN');
  });
});
