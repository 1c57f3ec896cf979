import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmulatedCcidReader } from '@tsunagu/firmware-bridge/readers/emulated/ccid-device';
import { EmulatedBus } from '@tsunagu/firmware-bridge/usb/emulated/bus';
import { driverOf } from '@tsunagu/firmware-bridge/usb/host/driver-of';
import { usbCodeOf } from '@tsunagu/firmware-bridge/usb/host/errors';
import { HostUsb } from '@tsunagu/firmware-bridge/usb/host/transport';
import { unwrap } from '@tsunagu/protocols/kit';
import { describe, expect, it } from 'vitest';
import { fastWorld } from './support/fast-world.ts';

describe('the machine’s own USB bus', () => {
  it.runIf(process.platform === 'linux')('says that there is no USB host where the kernel has none', async () => {
    const usb = new HostUsb(fastWorld().world, '/nowhere/at/all');
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
