// Runs in the guest: the contract of a USB transport over the real `usb` package, whose devices the kernel imports from this very process.
// Prints one JSON object per case.
import { ExportedDevice } from '@tsunagu/firmware-bridge/export/usbip/exported-device';
import { UsbipServer } from '@tsunagu/firmware-bridge/export/usbip/server';
import { HostUsb } from '@tsunagu/firmware-bridge/usb/host/transport';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { type TransportBench, transportContract } from '../../contracts/usb-transport.ts';
import { attach } from './attach.ts';

const world = systemWorld(() => undefined);
const devices: ExportedDevice[] = [];
const server = new UsbipServer(world, devices, () => undefined);
const port = unwrap(await server.listen({ host: '127.0.0.1', port: 3250 }));

function open(): Promise<TransportBench> {
  const transport = new HostUsb(world);
  const plugged: ExportedDevice[] = [];
  return Promise.resolve({
    transport,
    async plug(model) {
      const device = new ExportedDevice(model, devices.length + 1);
      devices.push(device);
      plugged.push(device);
      await attach(world.timers, device.busId, port);
    },
    unplug() {
      for (const device of plugged.splice(0)) device.unplug();
      return Promise.resolve();
    },
    async close() {
      await transport.close();
      for (const device of plugged) device.unplug();
      await world.timers.sleep(2_000);
    },
  });
}

const cases: { readonly name: string; readonly body: () => Promise<void> }[] = [];
transportContract('the usb package in a guest', open, {
  describe: (_name, body) => body(),
  it: (name, body) => cases.push({ name, body }),
});
for (const { name, body } of cases) {
  const fault = await body().then(
    () => undefined,
    (error: unknown) => String(error),
  );
  console.log(JSON.stringify({ name, fault }));
}
process.exit(0);
