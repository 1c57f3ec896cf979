import { fail, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { UsbDevice, UsbDeviceInfo, UsbTransport } from '../usb/port.ts';
import { openCcid } from './ccid/open.ts';
import type { Reader, ReaderCode } from './port.ts';
import { openStripe } from './stripe/reader.ts';
import { stripeHead } from './stripe/reader.ts';

/** A family of readers: which devices it drives, and how. */
interface ReaderFamily {
  readonly id: string;
  readonly drives: (info: UsbDeviceInfo) => boolean;
  readonly open: (world: World, device: UsbDevice) => Promise<Result<Reader, ReaderCode>>;
}

/** All families; the first that drives a device gets it. A new one is a folder beside this file and an entry here. */
export const readerFamilies: readonly ReaderFamily[] = [
  {
    id: 'stripe',
    drives: ({ vendorId, productId }) => vendorId === stripeHead.vendorId && productId === stripeHead.productId,
    open: (_world, device) => openStripe(device),
  },
  // Any device may hold a CCID interface: its class descriptor decides, so this family comes last.
  { id: 'ccid', drives: () => true, open: openCcid },
];

/** Opens one device as the reader that it is; READER_UNKNOWN when it is none. */
export async function openReader(
  world: World,
  transport: UsbTransport,
  info: UsbDeviceInfo,
): Promise<Result<Reader, ReaderCode>> {
  const family = readerFamilies.find(({ drives }) => drives(info));
  if (family === undefined) return fail('READER_UNKNOWN');
  const device = await transport.open(info.id);
  if (!device.ok) return device;
  const reader = await family.open(world, device.value);
  if (!reader.ok) await device.value.close();
  return reader;
}
