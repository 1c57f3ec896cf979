import { fail, ok, type Result } from '../kit/index.ts';

/** The check at the end of a T=1 block. ISO/IEC 7816-3:2006, 11.3.4. */
export type Epilogue = 'lrc' | 'crc';

const supervisory = ['resynch', 'ifs', 'abort', 'wtx', 'vpp'] as const;

/** What an S-block is about. ISO/IEC 7816-3:2006, table 18 (VPP error: earlier editions). */
export type Supervisory = (typeof supervisory)[number];

/** One T=1 block without its node address. ISO/IEC 7816-3:2006, 11.3. */
export type T1Block =
  | { readonly type: 'I'; readonly seq: 0 | 1; readonly more: boolean; readonly data: Uint8Array }
  | { readonly type: 'R'; readonly seq: 0 | 1; readonly error: 'none' | 'edc' | 'other' }
  | {
      readonly type: 'S';
      readonly about: Supervisory;
      readonly direction: 'request' | 'response';
      readonly data: Uint8Array;
    };

/** The longest information field. LEN FF is reserved. */
export const informationBytesMax = 254;

const errors = ['none', 'edc', 'other'] as const;
const nothing = new Uint8Array(0);

/** Writes a block: NAD, PCB, LEN, INF, LRC or CRC. */
export function encodeT1Block(block: T1Block, epilogue: Epilogue, nad = 0): Uint8Array {
  const data = block.type === 'R' ? nothing : block.data;
  if (data.length > informationBytesMax) throw new Error('a T=1 information field holds 254 bytes at most');
  const end = 3 + data.length;
  const bytes = new Uint8Array(end + (epilogue === 'crc' ? 2 : 1));
  bytes[0] = nad;
  bytes[1] = pcbOf(block);
  bytes[2] = data.length;
  bytes.set(data, 3);
  const check = checkOf(bytes.subarray(0, end), epilogue);
  if (epilogue === 'crc') bytes[end] = check >> 8;
  bytes[bytes.length - 1] = check & 0xff;
  return bytes;
}

function pcbOf(block: T1Block): number {
  switch (block.type) {
    case 'I':
      return (block.seq << 6) | (block.more ? 0x20 : 0);
    case 'R':
      return 0x80 | (block.seq << 4) | errors.indexOf(block.error);
    case 'S':
      return 0xc0 | (block.direction === 'response' ? 0x20 : 0) | supervisory.indexOf(block.about);
  }
}

/** Why bytes are no block: their check is wrong, or their form. 7816-3 answers the two with different R-blocks. */
export type T1Defect = 'edc' | 'other';

/** Reads exactly one block. `data` is a view; a defect is no fault of a caller but a reason to ask for the block again. */
export function decodeT1Block(
  bytes: Uint8Array,
  epilogue: Epilogue,
): { readonly block: T1Block } | { readonly defect: T1Defect } {
  const epilogueBytes = epilogue === 'crc' ? 2 : 1;
  const length = bytes[2];
  if (length === undefined || length > informationBytesMax || bytes.length !== 3 + length + epilogueBytes)
    return { defect: 'other' };
  const end = 3 + length;
  const check = epilogue === 'crc' ? ((bytes[end] ?? 0) << 8) | (bytes[end + 1] ?? 0) : (bytes[end] ?? 0);
  if (check !== checkOf(bytes.subarray(0, end), epilogue)) return { defect: 'edc' };
  const pcb = bytes[1] ?? 0;
  const data = bytes.subarray(3, end);
  if ((pcb & 0x80) === 0) {
    if ((pcb & 0x1f) !== 0) return { defect: 'other' };
    return { block: { type: 'I', seq: (pcb & 0x40) !== 0 ? 1 : 0, more: (pcb & 0x20) !== 0, data } };
  }
  if ((pcb & 0x40) === 0) {
    const error = errors[pcb & 0x0f];
    if (error === undefined || (pcb & 0x20) !== 0 || length !== 0) return { defect: 'other' };
    return { block: { type: 'R', seq: (pcb & 0x10) !== 0 ? 1 : 0, error } };
  }
  const about = supervisory[pcb & 0x1f];
  if (about === undefined) return { defect: 'other' };
  // IFS and WTX carry their one value, the others nothing. 11.3.2.3.
  if (length !== (about === 'ifs' || about === 'wtx' ? 1 : 0)) return { defect: 'other' };
  if (about === 'ifs' && (data[0] === 0 || data[0] === 0xff)) return { defect: 'other' };
  return { block: { type: 'S', about, direction: (pcb & 0x20) !== 0 ? 'response' : 'request', data } };
}

/** LRC: exclusive or. CRC: ISO/IEC 13239, polynomial x16 + x12 + x5 + 1, as ISO/IEC 7816-3:2006, 11.3.4 asks. */
function checkOf(bytes: Uint8Array, epilogue: Epilogue): number {
  if (epilogue === 'lrc') return bytes.reduce((sum, byte) => sum ^ byte, 0);
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) !== 0 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

/** Length of the whole block that begins with these three bytes (NAD, PCB, LEN). For readers at character level. */
export function t1BlockBytes(prologue: Uint8Array, epilogue: Epilogue): Result<number, 'TRANSMISSION_BROKEN'> {
  const length = prologue[2];
  if (length === undefined || length > informationBytesMax) return fail('TRANSMISSION_BROKEN', { field: 'LEN' });
  return ok(3 + length + (epilogue === 'crc' ? 2 : 1));
}
