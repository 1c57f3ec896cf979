import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmulatedCcidReader } from '@tsunagu/firmware-bridge/readers/emulated/ccid-device';
import { EmulatedBus } from '@tsunagu/firmware-bridge/usb/emulated/bus';
import { driverOf } from '@tsunagu/firmware-bridge/usb/host/driver-of';
import { usbCodeOf } from '@tsunagu/firmware-bridge/usb/host/errors';
import { HostUsb } from '@tsunagu/firmware-bridge/usb/host/transport';
import { readConfiguration } from '@tsunagu/firmware-bridge/usb/port';
import { unwrap } from '@tsunagu/protocols/kit';
import { describe, expect, it, vi } from 'vitest';
import { FakeUsbPackage } from './support/fake-usb-package.ts';
import { fastWorld } from './support/fast-world.ts';

const nowhere = { sysfs: '/nowhere/at/all', udevControl: '/nowhere/at/all' };

describe('the machine’s own USB bus', () => {
  it.runIf(process.platform === 'linux')('says that there is no USB host where the kernel has none', async () => {
    const usb = new HostUsb(fastWorld().world, nowhere);
    expect(await usb.list()).toMatchObject({ ok: false, fault: { code: 'USB_NO_HOST' } });
    expect(await usb.open('usb-1-1')).toMatchObject({ ok: false, fault: { code: 'USB_NO_HOST' } });
    const watch = usb.watch(() => undefined);
    await new Promise((done) => setTimeout(done, 20));
    watch.cancel();
    await usb.close();
  });

  it.each([
    ['/sys/bus/usb/devices/ not found', 'USB_NO_HOST'],
    ['transferIn error: Cancelled', 'USB_TIMEOUT'],
    ['transferOut error: Disconnected', 'USB_UNPLUGGED'],
    ['interface is busy (errno 16)', 'USB_BUSY'],
    ['something new', 'USB_TRANSFER_FAILED'],
  ])('reads the exception "%s" as %s', (text, code) => {
    expect(usbCodeOf(new Error(text))).toBe(code);
  });

  it('tells a kernel driver, which may be detached, from another process, which may not', async () => {
    const root = await mkdtemp(join(tmpdir(), 'usb-'));
    await mkdir(join(root, '1-2'));
    await writeFile(join(root, '1-2', 'busnum'), '1\n');
    await writeFile(join(root, '1-2', 'devnum'), '7\n');
    await writeFile(join(root, '1-2', 'bConfigurationValue'), '1\n');
    await mkdir(join(root, '1-2:1.0'));
    await symlink('../../drivers/usbfs', join(root, '1-2:1.0', 'driver'));
    expect(await driverOf(root, '001', 7, 0)).toBe('usbfs');
    expect(await driverOf(root, '001', 7, 1)).toBeUndefined();
    expect(await driverOf(root, '001', 8, 0)).toBeUndefined();
    await rm(root, { recursive: true });
  });
});

describe('what was learnt of the usb package 3.1.0', () => {
  const bench = async (hasUdev = true) => {
    const { world } = fastWorld(50);
    const root = await mkdtemp(join(tmpdir(), 'usb-'));
    await mkdir(join(root, '1-2'));
    await writeFile(join(root, '1-2', 'busnum'), '1\n');
    await writeFile(join(root, '1-2', 'devnum'), '1\n');
    await writeFile(join(root, '1-2', 'bConfigurationValue'), '1\n');
    await mkdir(join(root, '1-2:1.0'));
    const usb = new FakeUsbPackage(world);
    usb.hasUdev = hasUdev;
    const places = { sysfs: root, udevControl: hasUdev ? root : join(root, 'nowhere') };
    const host = new HostUsb(world, places, () => Promise.resolve(usb));
    usb.plug(new EmulatedCcidReader('contact'));
    const held = (driver: string): Promise<void> => symlink(`../../drivers/${driver}`, join(root, '1-2:1.0', 'driver'));
    const open = async () => unwrap(await host.open(unwrap(await host.list())[0]?.id ?? ''));
    return { usb, host, held, open };
  };

  it.runIf(process.platform === 'linux')('never loads it, nor listens, where there is no bus (1)', async () => {
    let loads = 0;
    const host = new HostUsb(fastWorld().world, nowhere, () => Promise.reject(new Error(`loaded ${++loads}`)));
    const watch = host.watch(() => undefined);
    await new Promise((done) => setTimeout(done, 20));
    watch.cancel();
    expect(await host.list()).toMatchObject({ fault: { code: 'USB_NO_HOST' } });
    expect(loads).toBe(0);
  });

  it('listens where udevd runs, lists again and again where it does not, and stops either (2)', async () => {
    for (const hasUdev of [true, false]) {
      const { usb, host } = await bench(hasUdev);
      const seen: string[] = [];
      const watch = host.watch(({ type }) => seen.push(type));
      if (hasUdev) await vi.waitFor(() => expect(usb.listenerCount).toBe(2), 60_000);
      else await vi.waitFor(() => expect(usb.listings).toBeGreaterThan(1), 60_000);
      expect(usb.listenerCount).toBe(hasUdev ? 2 : 0);
      usb.plug(new EmulatedCcidReader('contactless'));
      await vi.waitFor(() => expect(seen).toEqual(['plugged']), 60_000);
      watch.cancel();
      expect(usb.listenerCount).toBe(0);
      usb.plug(new EmulatedCcidReader('contactless'));
      await new Promise((done) => setTimeout(done, 100));
      expect(seen).toEqual(['plugged']);
    }
  });

  it('tells time-out, unplugging and a stall apart by their texts (3)', async () => {
    const { usb, open } = await bench();
    const device = await open();
    unwrap(await device.claim(0));
    expect(await device.bulkIn(2, 64, 50)).toMatchObject({ fault: { code: 'USB_TIMEOUT' } });
    const read = device.bulkIn(2, 64, 5_000);
    usb.unplugAll();
    expect(await read).toMatchObject({ fault: { code: 'USB_UNPLUGGED' } });
  });

  it('keeps one read at an endpoint, and calls an interrupt read back within a second (4)', async () => {
    const { open } = await bench();
    const device = await open();
    unwrap(await device.claim(0));
    const waiting = device.interruptIn(3, 8, 600_000);
    expect(await device.interruptIn(3, 8, 100)).toMatchObject({ fault: { code: 'USB_TRANSFER_FAILED' } });
    await device.close();
    expect(await waiting).toMatchObject({ ok: false });
  });

  it('sends a control request without data as an empty array (5), and reads descriptors itself (6, 7)', async () => {
    const { open } = await bench();
    const device = await open();
    const setup = { type: 'standard', recipient: 'device', request: 9, value: 1, index: 0 } as const;
    expect(await device.controlOut(setup, new Uint8Array(0))).toMatchObject({ ok: true });
    expect(unwrap(await readConfiguration(device))[1]).toBe(2);
  });

  it('takes an interface from a kernel driver, and never from another process (8)', async () => {
    const other = await bench();
    other.usb.holder = 'usbfs';
    await other.held('usbfs');
    expect(await (await other.open()).claim(0)).toMatchObject({
      fault: { code: 'USB_BUSY', facts: { driver: 'usbfs' } },
    });
    expect(other.usb.calls).not.toContain('detach 0');
    const kernel = await bench();
    kernel.usb.holder = 'usbhid';
    await kernel.held('usbhid');
    expect(await (await kernel.open()).claim(0)).toMatchObject({ ok: true });
    // Who holds it cannot be told: it is left alone.
    const unknown = await bench();
    unknown.usb.holder = 'usbhid';
    expect(await (await unknown.open()).claim(0)).toMatchObject({ fault: { code: 'USB_BUSY' } });
    expect(unknown.usb.calls).not.toContain('detach 0');
  });

  it('releases what it claimed before it closes, also when all is closed at once (9)', async () => {
    const { usb, host, open } = await bench();
    unwrap(await (await open()).claim(0));
    await host.close();
    expect(usb.calls.slice(-2)).toEqual(['release 0', 'close']);
  });
});

describe('the emulated bus', () => {
  it('answers the standard requests of a host out of the descriptors', async () => {
    const bus = new EmulatedBus(fastWorld().world);
    const model = new EmulatedCcidReader('contact');
    const device = unwrap(await bus.open(bus.plug(model).id));
    const standard = { type: 'standard', recipient: 'device', request: 6, index: 0 } as const;
    const get = async (value: number) => device.controlIn({ ...standard, value }, 255);
    expect(unwrap(await get(0x0100))).toHaveLength(18);
    const configuration = unwrap(await get(0x0200));
    expect((configuration[2] ?? 0) | ((configuration[3] ?? 0) << 8)).toBe(configuration.length);
    expect(Buffer.from(unwrap(await get(0x0301)).subarray(2)).toString('utf16le')).toBe('Tsunagu');
    expect(await get(0x0600)).toMatchObject({ fault: { code: 'USB_STALLED' } });
    const out = { ...standard, request: 9, value: 1 } as const;
    expect(await device.controlOut(out, new Uint8Array(0))).toMatchObject({ ok: true });
    expect(await device.controlOut({ ...out, value: 2 }, new Uint8Array(0))).toMatchObject({ ok: false });
    // An endpoint is halted, seen as halted, and cleared.
    const halt = { type: 'standard', recipient: 'endpoint', request: 3, value: 0, index: 0x82 } as const;
    unwrap(await device.claim(0));
    unwrap(await device.controlOut(halt, new Uint8Array(0)));
    expect(await device.bulkIn(2, 64, 100)).toMatchObject({ fault: { code: 'USB_STALLED' } });
    expect([...unwrap(await device.controlIn({ ...halt, request: 0 }, 2))]).toEqual([1, 0]);
    unwrap(await device.clearHalt('in', 2));
    expect(await device.bulkIn(2, 64, 100)).toMatchObject({ fault: { code: 'USB_TIMEOUT' } });
  });

  it('gives a read whole packets and keeps the rest, and fails one that a packet does not fit', async () => {
    const bus = new EmulatedBus(fastWorld().world);
    const model = new EmulatedCcidReader('contact');
    const device = unwrap(await bus.open(bus.plug(model).id));
    unwrap(await device.claim(0));
    const echo = Uint8Array.of(0x65, 0, 0, 0, 0, 0, 7, 0, 0, 0);
    unwrap(await device.bulkOut(1, echo, 100));
    expect(await device.bulkIn(2, 4, 100)).toMatchObject({ fault: { code: 'USB_TRANSFER_FAILED' } });
    unwrap(await device.bulkOut(1, echo, 100));
    expect(unwrap(await device.bulkIn(2, 64, 100))).toHaveLength(10);
  });

  it('tells of devices that come and go, and ends what was going on', async () => {
    const bus = new EmulatedBus(fastWorld().world);
    const events: string[] = [];
    bus.watch(({ type, device }) => events.push(`${type} ${device.id}`));
    const info = bus.plug(new EmulatedCcidReader('contact'));
    const device = unwrap(await bus.open(info.id));
    unwrap(await device.claim(0));
    const read = device.bulkIn(2, 512, 60_000);
    bus.unplug(info.id);
    expect(await read).toMatchObject({ ok: false, fault: { code: 'USB_UNPLUGGED' } });
    expect(await device.bulkOut(1, new Uint8Array(10), 100)).toMatchObject({ fault: { code: 'USB_UNPLUGGED' } });
    expect(await bus.open(info.id)).toMatchObject({ fault: { code: 'USB_NOT_FOUND' } });
    expect(events).toEqual([`plugged ${info.id}`, `unplugged ${info.id}`]);
  });

  it('lets one claim an interface, and the next one after it is closed', async () => {
    const bus = new EmulatedBus(fastWorld().world);
    const { id } = bus.plug(new EmulatedCcidReader('contact'));
    const first = unwrap(await bus.open(id));
    const second = unwrap(await bus.open(id));
    expect(await first.claim(0)).toMatchObject({ ok: true });
    expect(await second.claim(0)).toMatchObject({ ok: false, fault: { code: 'USB_BUSY' } });
    await first.close();
    expect(await second.claim(0)).toMatchObject({ ok: true });
  });

  it('ends a read that nothing answers, and refuses a second one at the same endpoint', async () => {
    const bus = new EmulatedBus(fastWorld().world);
    const { id } = bus.plug(new EmulatedCcidReader('contact'));
    const device = unwrap(await bus.open(id));
    unwrap(await device.claim(0));
    const read = device.interruptIn(3, 8, 500);
    expect(await device.interruptIn(3, 8, 500)).toMatchObject({ fault: { code: 'USB_TRANSFER_FAILED' } });
    expect(await read).toMatchObject({ fault: { code: 'USB_TIMEOUT' } });
  });
});
