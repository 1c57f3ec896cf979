/** The padding methods of ISO/IEC 9797-1:2011, 6.3. */
export type PaddingMethod = 1 | 2 | 3;

/**
 * Pads data to whole blocks.
 *
 * 1: zeros, and one block of zeros for no data. 2: 80, then zeros. 3: the length in bits as a block in front, then as 1
 * (no data: the length block and one block of zeros).
 * @see ISO/IEC 9797-1:2011, 6.3.2 to 6.3.4
 */
export function pad(method: PaddingMethod, sizeBytes: 8 | 16, data: Uint8Array): Uint8Array {
  const marked = data.length + (method === 2 ? 1 : 0);
  const body = Math.max(1, Math.ceil(marked / sizeBytes)) * sizeBytes;
  const front = method === 3 ? sizeBytes : 0;
  const padded = new Uint8Array(front + body);
  padded.set(data, front);
  if (method === 2) padded[data.length] = 0x80;
  if (method === 3) {
    const view = new DataView(padded.buffer);
    view.setBigUint64(sizeBytes - 8, BigInt(data.length) * 8n);
  }
  return padded;
}
