import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReaderCables } from '@tsunagu/firmware-bridge/host/reader-cables';
import { EmvCard } from '@tsunagu/firmware-bridge/cards/index';
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
  cables.obey({ id: '2', reader: 'contact', does: 'plug' });
  // Plugged twice it is one device still.
  cables.obey({ id: '3', reader: 'contact', does: 'plug' });
  expect((await second.station.chip('contact')).ok).toBe(true);
  expect(cables.readers().contact).toBe('plugged');
  await second.station.close();
});

it('in the middle of a transfer: the command left, and its answer never comes', async () => {
  const cables = new ReaderCables();
  const { station, emulated } = openEmulatedStation(world, model);
  cables.attach({ station, emulated, bus: openEmulatedStation(world, model).bus });
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

it('a file in the terminal’s folder is an order, and another one says that it was done; what is no order does nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tsunagu-cables-'));
  const ending = new AbortController();
  const cables = new ReaderCables();
  const { station, ...rest } = openEmulatedStation(world, model);
  cables.attach({ station, ...rest });
  cables.watch(world, folder, ending.signal);
  await writeFile(join(folder, cableFiles.order), '{"id":"0","reader":"antenna","does":"pull"}');
  await writeFile(join(folder, cableFiles.order), '{"id":"7","reader":"stripe","does":"pull"}');
  await vi.waitFor(async () =>
    expect(cablesState.parse(JSON.parse(await readFile(join(folder, cableFiles.state), 'utf8')))).toEqual({
      done: '7',
      readers: { ...cables.readers(), stripe: 'pulled' },
    }),
  );
  ending.abort();
  await station.close();
  await rm(folder, { recursive: true });
});
