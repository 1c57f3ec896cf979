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
  it('tells of devices that come and go, and ends what was going on', async () => {
    const bus = new EmulatedBus(fastWorld().world);
    const events: string[] = [];
    bus.watch(({ type, device }) => events.push(`${type} ${device.id}`));
    const info = bus.plug(new EmulatedCcidReader('contact'));
    const device = unwrap(await bus.open(info.id));
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
    const read = device.interruptIn(3, 8, 500);
    expect(await device.interruptIn(3, 8, 500)).toMatchObject({ fault: { code: 'USB_TRANSFER_FAILED' } });
    expect(await read).toMatchObject({ fault: { code: 'USB_TIMEOUT' } });
  });
});
