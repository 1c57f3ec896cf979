import type { Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { openReader } from '../readers/families.ts';
import type { Reader, ReaderCode } from '../readers/port.ts';
import type { UsbDeviceInfo, UsbPlugEvent, UsbTransport } from '../usb/port.ts';

/** Where readers of the bench are plugged in. */
export interface Bus {
  list(): Promise<Result<readonly UsbDeviceInfo[], ReaderCode>>;
  /** Opens a device as the reader that it is: the first of its slots. */
  open(info: UsbDeviceInfo): Promise<Result<Reader, ReaderCode>>;
  watch(onEvent: (event: UsbPlugEvent) => void): { cancel(): void };
  close(): Promise<void>;
}

/** A USB bus: its devices are readers where one of our families drives them. */
export const usbBus = (world: World, transport: UsbTransport): Bus => ({
  list: () => transport.list(),
  open: (info) => openReader(world, transport, info),
  watch: (onEvent) => transport.watch(onEvent),
  close: () => transport.close(),
});
