import { connect, type PeerCertificate } from 'node:tls';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSmallHouse, type SmallHouse, until } from './small-house.ts';

const dayMs = 86_400_000;
const { clock } = systemWorld(() => undefined);
let behindMs = 31 * dayMs;
let house: SmallHouse;
beforeAll(async () => {
  house = await openSmallHouse(undefined, {
    clock: { ...clock, now: () => clock.now() - behindMs },
    lives: { leafMs: 40 * dayMs },
  });
});
afterAll(() => house?.close());

/** What the card company shows now. */
const shown = (): Promise<PeerCertificate> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: house.cardCompanyPort(), rejectUnauthorized: false });
    socket.once('secureConnect', () => resolve(socket.getPeerCertificate())).on('error', reject);
    socket.once('secureConnect', () => socket.destroy());
  });
const sells = async (): Promise<void> => {
  const terminal = await house.terminal('CT5100-0001');
  expect((await terminal.ask(terminal.sale('visa-contact', 700))).text(39)).toBe('000');
  terminal.close();
};

test('a card company that runs shows its next certificate, and the line signs on again with those of both ends', async () => {
  const first = await shown();
  expect(Date.parse(first.valid_to) - Date.now()).toBeLessThan(9.1 * dayMs);
  await sells();
  behindMs = 0;
  await house.renewLine();
  await until(async () => (await shown()).fingerprint256 !== first.fingerprint256);
  expect(Date.parse((await shown()).valid_to) - Date.now()).toBeGreaterThan(39 * dayMs);
  // The line that is there stays, and sells.
  await sells();
  await house.stopCardCompany();
  await until(() => house.sw.links()[0]?.state === 'down');
  await house.startCardCompany();
  await until(() => house.sw.links()[0]?.state === 'signed-on');
  await sells();
});
