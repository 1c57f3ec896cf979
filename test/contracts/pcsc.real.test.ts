import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EmvCard } from '@tsunagu/firmware-bridge/cards/index';
import { listPcscReaders, openPcscReader } from '@tsunagu/firmware-bridge/readers/pcsc/reader';
import { hex, unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VpcdCard } from '../unit/bridge/support/vpcd-card.ts';
import { readerContract } from './reader.ts';

/** vpcd listens on every address, and pcscd where the system's own does: both run in a network and a mount namespace of their own. */
const isInside = process.env.TSUNAGU_PCSC_NAMESPACE === '1';
const drivers = '/usr/lib/pcsc/drivers/serial/libifdvpcd.so';
const missing = !existsSync('/usr/sbin/pcscd')
  ? 'pcscd is not installed (apt-get install pcscd)'
  : !existsSync(drivers)
    ? 'vpcd is not installed (apt-get install vsmartcard-vpcd)'
    : process.getuid?.() !== 0
      ? 'namespaces need root'
      : undefined;

const world = systemWorld(() => undefined);
const readerName = 'Virtual PCD 00 00';

if (!isInside) {
  describe('the PC/SC reader with pcscd', () => {
    if (missing !== undefined) console.log(`skipped: ${missing}`);
    it.skipIf(missing !== undefined)('keeps the contract of a chip reader, in namespaces of its own', () => {
      const root = fileURLToPath(new URL('..', import.meta.url));
      const run = spawnSync(
        'unshare',
        [
          '--net',
          '--mount',
          'sh',
          '-c',
          'ip link set lo up && mkdir -p /run/pcscd && mount -t tmpfs tmpfs /run/pcscd && exec "$0" "$@"',
          process.execPath,
          fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url)),
          'run',
          '--root',
          root,
          '--config',
          'vitest.real.config.ts',
          'contracts/pcsc.real.test.ts',
        ],
        { env: { ...process.env, TSUNAGU_PCSC_NAMESPACE: '1', NO_COLOR: '1' }, encoding: 'utf8', timeout: 110_000 },
      );
      expect(run.status, `${run.stdout}\n${run.stderr}`).toBe(0);
      expect(run.stdout).toMatch(/Tests {2}\d+ passed/);
    });
  });
} else {
  let daemon: ChildProcess;
  beforeAll(async () => {
    daemon = spawn('/usr/sbin/pcscd', ['--foreground', '--error'], { stdio: 'ignore' });
    for (let attempt = 0; attempt < 200; attempt++) {
      const names = await listPcscReaders(world);
      if (names.ok && names.value.includes(readerName)) return;
      await world.timers.sleep(50);
    }
    throw new Error('pcscd does not show the reader of vpcd');
  });
  afterAll(() => {
    daemon.kill();
  });

  readerContract({
    name: 'PC/SC, pcscd with vpcd',
    atr: '3B6700005453554E414755',
    selectDirectory: hex('00A404000E315041592E5359532E444446303100'),
    faults: { removed: 'READER_CARD_ABSENT' },
    open: async () => {
      const reader = unwrap(await openPcscReader(world, readerName));
      let card: VpcdCard | undefined;
      // The daemon looks for cards a few times a second.
      const until = async (wanted: boolean): Promise<void> => {
        for (let attempt = 0; attempt < 2_400; attempt++) {
          const state = await reader.state();
          if (state.ok && (state.value !== 'absent') === wanted) return;
          await world.timers.sleep(25);
        }
        throw new Error('pcscd does not see what happened to the card');
      };
      await until(false);
      const remove = async (): Promise<void> => {
        card?.remove();
        card = undefined;
        await until(false);
      };
      return {
        reader,
        insert: async () => {
          // vpcd takes a card for gone when it next looks: one that comes before that is not seen.
          await until(false);
          await world.timers.sleep(1_500);
          card = new VpcdCard(new EmvCard(testCard('visa-contact')));
          await until(true);
        },
        remove,
        inject: () => {
          card?.remove();
          card = undefined;
        },
        replug: () => Promise.reject(new Error('a virtual reader is not unplugged')),
        close: async () => {
          card?.remove();
          await reader.close();
        },
      };
    },
  });

  describe('the PC/SC reader', () => {
    it('has a card for itself, and says so to another program', async () => {
      const first = unwrap(await openPcscReader(world, readerName));
      const second = unwrap(await openPcscReader(world, readerName));
      await world.timers.sleep(1_500);
      const card = new VpcdCard(new EmvCard(testCard('visa-contact')));
      unwrap(await first.waitForCard(10_000));
      unwrap(await first.powerOn());
      expect(await second.powerOn()).toMatchObject({ fault: { code: 'USB_BUSY' } });
      await first.close();
      unwrap(await second.powerOn());
      await second.close();
      card.remove();
    });

    it('finds no reader of another name, and says what to do when the daemon has gone', async () => {
      expect(await openPcscReader(world, 'no such reader')).toMatchObject({ fault: { code: 'READER_UNKNOWN' } });
      const reader = unwrap(await openPcscReader(world, readerName));
      daemon.kill();
      await new Promise((gone) => daemon.once('exit', gone));
      expect(await reader.state()).toMatchObject({ fault: { code: 'PCSC_UNAVAILABLE' } });
      await reader.close();
    });
  });
}
