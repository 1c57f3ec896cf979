import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmulatedBus } from '@tsunagu/firmware-bridge/usb/emulated/bus';
import { HostUsb } from '@tsunagu/firmware-bridge/usb/host/transport';
import { describe, it } from 'vitest';
import { FakeUsbPackage } from '../unit/bridge/support/fake-usb-package.ts';
import { fastWorld } from '../unit/bridge/support/fast-world.ts';
import { type TransportBench, transportContract } from './usb-transport.ts';

function emulatedBus(): Promise<TransportBench> {
  const bus = new EmulatedBus(fastWorld(20).world);
  let plugged = '';
  return Promise.resolve({
    transport: bus,
    plug: (model) => {
      plugged = bus.plug(model).id;
      return Promise.resolve();
    },
    unplug: () => {
      bus.unplug(plugged);
      return Promise.resolve();
    },
    close: () => bus.close(),
  });
}

/** The driver of the `usb` package over a package that behaves as the real one was seen to behave. */
const hostUsb = (hasUdev: boolean) => async (): Promise<TransportBench> => {
  const { world } = fastWorld(20);
  const root = await mkdtemp(join(tmpdir(), 'usb-'));
  await mkdir(join(root, 'devices'));
  if (hasUdev) await writeFile(join(root, 'control'), '');
  const usb = new FakeUsbPackage(world);
  usb.hasUdev = hasUdev;
  const places = { sysfs: join(root, 'devices'), udevControl: join(root, 'control') };
  const transport = new HostUsb(world, places, () => Promise.resolve(usb));
  return {
    transport,
    plug: (model) => {
      usb.plug(model);
      return Promise.resolve();
    },
    unplug: () => {
      usb.unplugAll();
      return Promise.resolve();
    },
    close: async () => {
      await transport.close();
      await rm(root, { recursive: true });
    },
  };
};

transportContract('devices in this process', emulatedBus, { describe, it });
transportContract('the usb package, with udevd', hostUsb(true), { describe, it });
transportContract('the usb package, without udevd', hostUsb(false), { describe, it });
