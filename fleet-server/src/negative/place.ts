import { asBuffer } from '@tsunagu/protocols/kit';
import type { PermutedPan } from '@tsunagu/protocols/negative';

/** A place in an exact list as it is stored: partition (3 bytes), place in it (7). */
export function placeBytes({ partition, tag }: PermutedPan): Uint8Array {
  const bytes = Buffer.alloc(10);
  bytes.writeUIntBE(partition, 0, 3);
  bytes.writeUIntBE(Math.floor(tag / 2 ** 32), 3, 3);
  bytes.writeUInt32BE(tag % 2 ** 32, 6);
  return Uint8Array.from(bytes);
}

/** The place that stands in such bytes. */
export function placeIn(bytes: Uint8Array): PermutedPan {
  const view = asBuffer(bytes);
  return { partition: view.readUIntBE(0, 3), tag: view.readUIntBE(3, 3) * 2 ** 32 + view.readUInt32BE(6) };
}
