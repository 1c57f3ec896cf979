import { ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { UsbDevice } from '../../usb/port.ts';
import { AntennaReader } from '../antenna/reader.ts';
import { openChannel } from '../ccid/open.ts';
import { CcidSlot } from '../ccid/slot.ts';
import type { ReaderCode } from '../port.ts';
import { Acr122Antenna } from './antenna.ts';

/** The ACS ACR122U. */
export const acr122u = { vendorId: 0x072f, productId: 0x2200 } as const;

/** Opens an ACR122U: its PN532 is driven directly, which gives FeliCa and a refusal of several cards. */
export async function openAcr122u(
  world: World,
  device: UsbDevice,
): Promise<Result<readonly AntennaReader[], ReaderCode>> {
  const channel = await openChannel(world, device);
  if (!channel.ok) return channel;
  const antenna = new Acr122Antenna(new CcidSlot(channel.value, 0), `ACR122U ${device.info.id}`);
  const started = await antenna.start();
  return started.ok ? ok([new AntennaReader(world, antenna)]) : started;
}
