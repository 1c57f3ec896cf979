import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keepMosquittoFiles } from '@tsunagu/fleet-server/broker/index';
import { openCertificates } from '@tsunagu/fleet-server/identity/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { X509Certificate } from 'node:crypto';
import type { KyselyPlugin } from 'kysely';
import { expect, test } from 'vitest';
import { openVirtualHouse } from '../identity/virtual-house.ts';
import { newFolder, removeFolder, watchedWorld } from './support.ts';

test('a list that is being made while a certificate is revoked is not the one that is given out afterwards', async () => {
  const house = await openVirtualHouse(Date.UTC(2026, 0, 5), {});
  try {
    const terminal = await house.enrol('LIST-0001');
    let [reached, go] = [() => {}, () => {}];
    const isRead = new Promise<void>((resolve) => (reached = resolve));
    const mayGoOn = new Promise<void>((resolve) => (go = resolve));
    let isHeld = true;
    /** Holds what the first list was made of until the revocation is on disk. */
    const holding: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        if (!isHeld) return result;
        isHeld = false;
        reached();
        await mayGoOn;
        return result;
      },
    };
    const { world, store, authority } = house;
    const certificates = openCertificates({
      world,
      store: { ...store, db: store.db.withPlugin(holding) },
      authority,
      note: () => Promise.resolve(),
      isOrdered: () => Promise.resolve(false),
      renewed: () => Promise.resolve(),
      disconnect: () => undefined,
    });
    const number = new X509Certificate(terminal.chain).serialNumber.toLowerCase();
    const listNow = async () => Buffer.from(unwrap(await certificates.revocationList())).toString('hex');
    const early = listNow();
    await isRead;
    unwrap(await certificates.revoke(terminal.serial, { subject: 'test' }));
    go();
    expect(await early).not.toContain(number);
    expect(await listNow()).toContain(number);
  } finally {
    await house.close();
  }
});

test('lists that could not be handed to mosquitto are handed over soon after, and not with the next revocation', async () => {
  const folder = newFolder();
  const waiting: { readonly ms: number; readonly work: () => void }[] = [];
  const { world, lines } = watchedWorld();
  let made = 0;
  const files = await keepMosquittoFiles(
    {
      timers: {
        ...world.timers,
        every: () => ({ cancel: () => undefined }),
        after: (ms, work) => {
          waiting.push({ ms, work });
          return { cancel: () => undefined };
        },
      },
      log: world.log,
    },
    folder,
    () => {
      made += 1;
      return made === 2
        ? Promise.reject(new Error('the disk is full'))
        : Promise.resolve({ tls: { cert: 'c', key: 'k', root: `root ${made}` }, lists: [Uint8Array.of(made)] });
    },
  );
  const file = (name: string) => readFile(join(folder, name), 'utf8');
  const written = () => file('revoked.pem');
  const first = await written();
  files.changed();
  waiting.shift()?.work();
  await expect.poll(() => waiting.length).toBe(1);
  expect([lines.map(({ event }) => event), await written()]).toEqual([['brokerFilesNotHandedOver'], first]);
  waiting.shift()?.work();
  await expect.poll(written).not.toBe(first);
  expect(await file('root.pem')).toBe('root 3');
  await files.close();
  expect(waiting).toEqual([]);
  removeFolder(folder);
});
