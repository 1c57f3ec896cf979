import { findCcidInterfaces } from '@tsunagu/protocols/ccid';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { readConfiguration, type UsbDevice } from '../../usb/port.ts';
import type { ReaderCode } from '../port.ts';
import { CcidChannel } from './channel.ts';
import { CcidReader } from './reader.ts';

/** Slots that are opened of one reader. */
const slotsMax = 8;

/** Takes the first CCID interface of a device for this process. */
export async function openChannel(world: World, device: UsbDevice): Promise<Result<CcidChannel, ReaderCode>> {
  const configuration = await readConfiguration(device);
  if (!configuration.ok) return configuration;
  const [ccid] = findCcidInterfaces(configuration.value);
  if (ccid === undefined) return fail('CCID_DESCRIPTOR_INVALID');
  const claimed = await device.claim(ccid.interfaceNumber);
  return claimed.ok ? ok(new CcidChannel(world, device, ccid)) : claimed;
}

/**
 * Opens a device as a CCID reader: its class descriptor says what it can do, whatever its vendor. Each slot is a reader of its
 * own. The descriptor does not say whether a slot has contacts, so `contactless` names the products known to have none.
 */
export async function openCcid(world: World, device: UsbDevice): Promise<Result<readonly CcidReader[], ReaderCode>> {
  const channel = await openChannel(world, device);
  if (!channel.ok) return channel;
  const { vendorId, productId } = device.info;
  const kind = contactless.some((known) => known.vendorId === vendorId && known.productId === productId)
    ? 'contactless'
    : 'contact';
  const count = Math.min(channel.value.ccid.descriptor.slotIndexMax + 1, slotsMax);
  let open = count;
  // The device is closed with the last of its slots.
  const onClose = async (): Promise<void> => {
    open -= 1;
    if (open === 0) await channel.value.close();
  };
  const readers = Array.from({ length: count }, (_, slot) => {
    const name = `CCID ${kind} ${device.info.id}${count > 1 ? ` slot ${slot}` : ''}`;
    return new CcidReader(world, channel.value, { kind, name, slot, onClose });
  });
  return ok(readers);
}

/** CCID products whose slot is an antenna. 0e0f:0005 is our emulated one; the others answer PC/SC part 3 as it does. */
const contactless: readonly { readonly vendorId: number; readonly productId: number }[] = [
  { vendorId: 0x0e0f, productId: 0x0005 },
  { vendorId: 0x072f, productId: 0x223b },
  { vendorId: 0x072f, productId: 0x223e },
];
