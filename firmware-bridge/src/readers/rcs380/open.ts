import { ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { UsbDevice } from '../../usb/port.ts';
import { AntennaReader } from '../antenna/reader.ts';
import type { ReaderCode } from '../port.ts';
import { Rcs380Antenna } from './antenna.ts';
import { Port100 } from './port100.ts';

/** Sony PaSoRi RC-S380/S and RC-S380/P. */
export const rcs380 = { vendorId: 0x054c, productIds: [0x06c1, 0x06c3] } as const;

/** Opens an RC-S380. */
export async function openRcs380(
  world: World,
  device: UsbDevice,
): Promise<Result<readonly AntennaReader[], ReaderCode>> {
  const port = new Port100(world, device);
  const started = await port.start();
  if (!started.ok) return started;
  return ok([new AntennaReader(world, new Rcs380Antenna(port, `RC-S380 ${device.info.id}`))]);
}
