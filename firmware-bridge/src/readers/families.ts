import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { UsbDevice, UsbDeviceInfo, UsbTransport } from '../usb/port.ts';
import { acr122u, openAcr122u } from './acr122u/open.ts';
import { openCcid } from './ccid/open.ts';
import type { Reader, ReaderCode } from './port.ts';
import { openRcs300, rcs300 } from './rcs300/open.ts';
import { openRcs380, rcs380 } from './rcs380/open.ts';
import { openStripe } from './stripe/reader.ts';
import { stripeHead } from './stripe/reader.ts';

/** A family of readers: which devices it drives, and how. */
interface ReaderFamily {
  readonly id: string;
  /** Written from documents, and never met the hardware. */
  readonly isUnproven?: true;
  readonly drives: (info: UsbDeviceInfo) => boolean;
  /** The readers of one device: one for each slot. */
  readonly open: (world: World, device: UsbDevice) => Promise<Result<readonly Reader[], ReaderCode>>;
}

/** All families; the first that drives a device gets it. A new one is a folder beside this file and an entry here. */
export const readerFamilies: readonly ReaderFamily[] = [
  {
    id: 'stripe',
    drives: ({ vendorId, productId }) => vendorId === stripeHead.vendorId && productId === stripeHead.productId,
    open: async (_world, device) => {
      const head = await openStripe(device);
      return head.ok ? ok([head.value]) : head;
    },
  },
  {
    id: 'acr122u',
    drives: ({ vendorId, productId }) => vendorId === acr122u.vendorId && productId === acr122u.productId,
    open: openAcr122u,
  },
  {
    id: 'rcs380',
    drives: ({ vendorId, productId }) =>
      vendorId === rcs380.vendorId && rcs380.productIds.some((known) => known === productId),
    open: openRcs380,
  },
  {
    id: 'rcs300',
    isUnproven: true,
    drives: ({ vendorId, productId }) =>
      vendorId === rcs300.vendorId && rcs300.productIds.some((known) => known === productId),
    open: openRcs300,
  },
  // Any device may hold a CCID interface: its class descriptor decides, so this family comes last.
  { id: 'ccid', drives: () => true, open: openCcid },
];

/** Opens one device as the readers that it is, one for each slot; READER_UNKNOWN when it is none. */
export async function openReaders(
  world: World,
  transport: UsbTransport,
  info: UsbDeviceInfo,
): Promise<Result<readonly Reader[], ReaderCode>> {
  const family = readerFamilies.find(({ drives }) => drives(info));
  if (family === undefined) return fail('READER_UNKNOWN');
  const device = await transport.open(info.id);
  if (!device.ok) return device;
  const readers = await family.open(world, device.value);
  if (!readers.ok) await device.value.close();
  return readers;
}

/** Opens one device as the reader that it is: the first of its slots. */
export async function openReader(
  world: World,
  transport: UsbTransport,
  info: UsbDeviceInfo,
): Promise<Result<Reader, ReaderCode>> {
  const opened = await openReaders(world, transport, info);
  if (!opened.ok) return opened;
  const [first, ...others] = opened.value;
  await Promise.all(others.map((reader) => reader.close()));
  return first === undefined ? fail('READER_UNKNOWN') : ok(first);
}
