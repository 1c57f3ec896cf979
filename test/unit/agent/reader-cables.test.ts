import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReaderCables } from '@tsunagu/firmware-bridge/host/reader-cables';
import { EmulatedHand, EmvCard } from '@tsunagu/firmware-bridge/cards/index';
import { openEmulatedStation } from '@tsunagu/firmware-bridge/readers/station';
import { modelOf } from '@tsunagu/protocols/catalogue';
import { hex, unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { cableFiles, cablesState } from '@tsunagu/protocols/workshop';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, it, vi } from 'vitest';

const world = systemWorld(() => undefined);
const model = modelOf('CT-5100');
if (model === undefined) throw new Error('a model of the catalogue');

it('a reader whose cable is pulled is not there, stays away over a restart, and comes back when it is plugged', async () => {
  const cables = new ReaderCables();
  const first = openEmulatedStation(world, model);
  cables.attach(first);
  expect((await first.station.chip('contact')).ok).toBe(true);
  cables.obey({ id: '1', reader: 'contact', does: 'pull' });
  expect(await first.station.chip('contact')).toMatchObject({ ok: false });
  expect((await first.station.stripe()).ok).toBe(true);
  await first.station.close();

  const second = openEmulatedStation(world, model);
  cables.attach(second);
  expect(cables.readers().contact).toBe('pulled');
  // A terminal that goes off pulls no cable out of itself.
  expect(cables.readers().stripe).toBe('plugged');
  expect([(await second.station.stripe()).ok, (await second.station.chip('contactless')).ok]).toEqual([true, true]);
  cables.obey({ id: '2', reader: 'contact', does: 'plug' });
  // Plugged twice it is one device still.
  cables.obey({ id: '3', reader: 'contact', does: 'plug' });
  expect((await second.station.chip('contact')).ok).toBe(true);
  expect(cables.readers().contact).toBe('plugged');
  await second.station.close();
});

it('in the middle of a transfer: the command left, and its answer never comes', async () => {
  const cables = new ReaderCables();
  const stationAndBus = openEmulatedStation(world, model);
  const { station, emulated } = stationAndBus;
  cables.attach(stationAndBus);
  emulated.contact?.insert(new EmvCard(testCard('visa-contact')));
  const reader = unwrap(await station.chip('contact'));
  unwrap(await reader.powerOn());
  cables.obey({ id: '1', reader: 'contact', does: 'pull', atTransfer: 2 });
  expect((await reader.transmit(hex('00A404000E315041592E5359532E4444463031 00'.replaceAll(' ', '')))).ok).toBe(true);
  expect(cables.readers().contact).toBe('plugged');
  expect(await reader.transmit(hex('00B2010C00'))).toMatchObject({ ok: false, fault: { code: 'USB_UNPLUGGED' } });
  expect(cables.readers().contact).toBe('pulled');
  await station.close();
});

it('a chip card is taken at the antenna for FeliCa while its own hangs loose, and at its own when that is plugged in again', async () => {
  const cables = new ReaderCables();
  const stationAndBus = openEmulatedStation(world, model);
  const { station, emulated } = stationAndBus;
  cables.attach(stationAndBus);
  const hand = new EmulatedHand(emulated);
  const reads = async (): Promise<string> => {
    const presented = unwrap(hand.present('visa-contactless'));
    const reader = unwrap(await station.chip('contactless'));
    const powered = await reader.powerOn();
    presented.remove();
    if (!powered.ok) return powered.fault.code;
    expect(presented.entry).toBe('contactless');
    return reader.felica === undefined ? 'own antenna' : 'antenna for FeliCa';
  };
  expect(await reads()).toBe('own antenna');
  cables.obey({ id: '1', reader: 'contactless', does: 'pull' });
  expect(await reads()).toBe('antenna for FeliCa');
  // It hangs behind the other one on the bus now.
  cables.obey({ id: '2', reader: 'contactless', does: 'plug' });
  expect(await reads()).toBe('own antenna');
  await station.close();
});

it('a head for stripes is pulled in the swipe that was named and in no later one; plugging it in takes that back', async () => {
  const cables = new ReaderCables();
  const stationAndBus = openEmulatedStation(world, model);
  const { station, emulated } = stationAndBus;
  cables.attach(stationAndBus);
  const hand = new EmulatedHand(emulated);
  const swipe = async (): Promise<unknown> => {
    unwrap(hand.present('visa-stripe'));
    const head = await station.stripe();
    return head.ok ? (await head.value.swipe(1000)).ok : head.fault.code;
  };
  const pull = { id: '1', reader: 'stripe', does: 'pull', atTransfer: 2 } as const;
  const plug = { id: '2', reader: 'stripe', does: 'plug' } as const;
  cables.obey(pull);
  // Said twice it is pulled once.
  cables.obey(pull);
  expect([await swipe(), await swipe()]).toEqual([true, 'USB_NOT_FOUND']);
  cables.obey(plug);
  expect([await swipe(), await swipe(), await swipe()]).toEqual([true, true, true]);
  cables.obey(pull);
  cables.obey(plug);
  expect([await swipe(), await swipe(), await swipe()]).toEqual([true, true, true]);
  await station.close();
});

it('a file in the terminal’s folder is an order, and another one says that it was done; what is no order does nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tsunagu-cables-'));
  const ending = new AbortController();
  const cables = new ReaderCables();
  const { station, ...rest } = openEmulatedStation(world, model);
  cables.attach({ station, ...rest });
  cables.watch(world, folder, ending.signal);
  await writeFile(join(folder, cableFiles.order), '{"id":"0","reader":"antenna","does":"pull"}');
  await writeFile(join(folder, cableFiles.order), '{"id":"7","reader":"stripe","does":"pull"}');
  await vi.waitFor(
    async () =>
      expect(cablesState.parse(JSON.parse(await readFile(join(folder, cableFiles.state), 'utf8')))).toEqual({
        done: '7',
        readers: { ...cables.readers(), stripe: 'pulled' },
      }),
    60_000,
  );
  ending.abort();
  await station.close();
  await rm(folder, { recursive: true });
});
