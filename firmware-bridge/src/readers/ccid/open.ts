import { findCcidInterfaces } from '@tsunagu/protocols/ccid';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { readConfiguration, type UsbDevice } from '../../usb/port.ts';
import type { ReaderCode } from '../port.ts';
import { CcidReader } from './reader.ts';

/**
 * Opens a device as a CCID reader: its class descriptor says what it can do, whatever its vendor. The descriptor does not say
 * whether a slot has contacts, so `contactless` names the products known to have none.
 */
export async function openCcid(world: World, device: UsbDevice): Promise<Result<CcidReader, ReaderCode>> {
  const configuration = await readConfiguration(device);
  if (!configuration.ok) return configuration;
  const [ccid] = findCcidInterfaces(configuration.value);
  if (ccid === undefined) return fail('CCID_DESCRIPTOR_INVALID');
  const claimed = await device.claim(ccid.interfaceNumber);
  if (!claimed.ok) return claimed;
  const { vendorId, productId } = device.info;
  const kind = contactless.some((known) => known.vendorId === vendorId && known.productId === productId)
    ? 'contactless'
    : 'contact';
  return ok(new CcidReader(world, device, ccid, { kind, name: `CCID ${kind} ${device.info.id}` }));
}

/** CCID products whose slot is an antenna. 0e0f:0005 is our emulated one; the others answer PC/SC part 3 as it does. */
const contactless: readonly { readonly vendorId: number; readonly productId: number }[] = [
  { vendorId: 0x0e0f, productId: 0x0005 },
  { vendorId: 0x072f, productId: 0x223b },
  { vendorId: 0x072f, productId: 0x223e },
];
