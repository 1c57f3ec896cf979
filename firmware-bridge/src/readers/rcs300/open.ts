import { ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { UsbDevice } from '../../usb/port.ts';
import { AntennaReader } from '../antenna/reader.ts';
import { openChannel } from '../ccid/open.ts';
import { CcidSlot } from '../ccid/slot.ts';
import type { ReaderCode } from '../port.ts';
import { Rcs300Antenna } from './antenna.ts';

/** Sony PaSoRi RC-S300/S and RC-S300/P. */
export const rcs300 = { vendorId: 0x054c, productIds: [0x0dc8, 0x0dc9] } as const;

/** Opens an RC-S300. Unproven: its name says so wherever a person sees it. */
export async function openRcs300(
  world: World,
  device: UsbDevice,
): Promise<Result<readonly AntennaReader[], ReaderCode>> {
  const channel = await openChannel(world, device);
  if (!channel.ok) return channel;
  const slot = new CcidSlot(channel.value, 0);
  return ok([new AntennaReader(world, new Rcs300Antenna(slot, `RC-S300 ${device.info.id} (unproven)`))]);
}
