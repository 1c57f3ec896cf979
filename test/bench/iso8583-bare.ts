/**
 * The yardstick: a loop for one dialect (packed digits justified left, binary bitmap) written by hand as one would
 * without a library. It checks nothing, has no overrides, no spans and no secrets.
 */
export interface BareMessage {
  mti: string;
  fields: Record<number, string | Uint8Array>;
}

// kind: 0 packed digits, 1 text, 2 binary; indicator: bytes of the length in front.
const rows = new Map<number, readonly [kind: 0 | 1 | 2, indicator: 0 | 1 | 2, length: number]>([
  [2, [0, 1, 19]],
  [3, [0, 0, 6]],
  [4, [0, 0, 12]],
  [7, [0, 0, 10]],
  [11, [0, 0, 6]],
  [12, [0, 0, 12]],
  [14, [0, 0, 4]],
  [18, [0, 0, 4]],
  [19, [0, 0, 3]],
  [22, [1, 0, 12]],
  [23, [0, 0, 3]],
  [24, [0, 0, 3]],
  [26, [0, 0, 4]],
  [32, [0, 1, 11]],
  [33, [0, 1, 11]],
  [35, [1, 1, 37]],
  [37, [1, 0, 12]],
  [41, [1, 0, 8]],
  [42, [1, 0, 15]],
  [43, [1, 1, 99]],
  [48, [1, 2, 999]],
  [49, [1, 0, 3]],
  [55, [2, 2, 255]],
]);
const table = Array.from({ length: 65 }, (_, number) => rows.get(number));

export function bareDecode(bytes: Buffer): BareMessage {
  const mti = bytes.toString('hex', 0, 2);
  const fields: Record<number, string | Uint8Array> = {};
  let at = 10;
  for (let number = 2; number <= 64; number++) {
    if (((bytes[2 + ((number - 1) >> 3)] ?? 0) & (0x80 >> ((number - 1) & 7))) === 0) continue;
    const row = table[number];
    if (!row) throw new Error(`no element ${number}`);
    const [kind, indicator, fixed] = row;
    let length = fixed;
    if (indicator === 1) {
      const byte = bytes[at++] ?? 0;
      length = (byte >> 4) * 10 + (byte & 15);
    } else if (indicator === 2) {
      const high = bytes[at++] ?? 0;
      const low = bytes[at++] ?? 0;
      length = (high & 15) * 100 + (low >> 4) * 10 + (low & 15);
    }
    if (kind === 0) {
      const end = at + ((length + 1) >> 1);
      const digits = bytes.toString('hex', at, end);
      fields[number] = (length & 1) === 0 ? digits : digits.slice(0, length);
      at = end;
    } else if (kind === 1) {
      fields[number] = bytes.toString('latin1', at, at + length);
      at += length;
    } else {
      fields[number] = bytes.subarray(at, at + length);
      at += length;
    }
  }
  return { mti, fields };
}

export function bareEncode({ mti, fields }: BareMessage): Buffer {
  const bytes = Buffer.allocUnsafe(1024);
  bytes.write(mti, 0, 'hex');
  bytes.fill(0, 2, 10);
  let at = 10;
  for (let number = 2; number <= 64; number++) {
    const value = fields[number];
    if (value === undefined) continue;
    bytes[2 + ((number - 1) >> 3)] = (bytes[2 + ((number - 1) >> 3)] ?? 0) | (0x80 >> ((number - 1) & 7));
    const row = table[number];
    if (!row) throw new Error(`no element ${number}`);
    const [kind, indicator] = row;
    const { length } = value;
    if (indicator === 2) bytes[at++] = Math.trunc(length / 100);
    if (indicator > 0) bytes[at++] = (Math.trunc((length % 100) / 10) << 4) | (length % 10);
    if (typeof value !== 'string') {
      bytes.set(value, at);
      at += length;
    } else if (kind === 0) at += bytes.write((length & 1) === 0 ? value : `${value}0`, at, 'hex');
    else at += bytes.write(value, at, 'latin1');
  }
  return bytes.subarray(0, at);
}
