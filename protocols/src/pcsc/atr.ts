import { concat, fail, hex, ok, type Result } from '../kit/index.ts';

/** An answer to reset, taken apart. ISO/IEC 7816-3:2006, 8.2. */
export interface Atr {
  readonly convention: 'direct' | 'inverse';
  /** Interface bytes by group: TA1, TB1, TC1, TD1, then TA2 … */
  readonly groups: readonly AtrGroup[];
  /** Protocols offered, in order, without repetition; T=0 when none is named. */
  readonly protocols: readonly number[];
  readonly historicalBytes: Uint8Array;
  /** TA1: FI and DI, 11 hexadecimal when absent. */
  readonly fiDi: number;
  /** TC1: extra guard time. */
  readonly guardTime: number;
  /** TC2: waiting integer of T=0, 10 when absent. */
  readonly waitingInteger: number;
  /** First TA of T=1: information field size, 32 when absent. */
  readonly ifsc: number;
  /** First TB of T=1: BWI and CWI, 4D hexadecimal when absent. */
  readonly waitingIntegers: number;
  /** First TC of T=1: whether blocks end in a CRC instead of an LRC. */
  readonly usesCrc: boolean;
  /** TA2: the protocol that the card insists on, when it is in specific mode. */
  readonly specificProtocol?: number;
}

/** Up to four interface bytes. */
export interface AtrGroup {
  readonly ta?: number;
  readonly tb?: number;
  readonly tc?: number;
  readonly td?: number;
}

/** Reads an answer to reset: at most 33 bytes, checksum checked where one is due. */
export function parseAtr(bytes: Uint8Array): Result<Atr, 'PCSC_INVALID'> {
  const invalid = (offset: number, field: string): Result<never, 'PCSC_INVALID'> =>
    fail('PCSC_INVALID', { offset, field });
  const [ts, t0] = bytes;
  if (ts === undefined || t0 === undefined || bytes.length > 33) return invalid(Math.min(bytes.length, 33), 'length');
  if (ts !== 0x3b && ts !== 0x3f) return invalid(0, 'TS');
  const groups: AtrGroup[] = [];
  const protocols: number[] = [];
  let at = 2;
  let present: number | undefined = t0 >> 4;
  while (present !== undefined) {
    const group: { ta?: number; tb?: number; tc?: number; td?: number } = {};
    for (const [bit, name] of names) {
      if ((present & bit) === 0) continue;
      const value = bytes[at++];
      if (value === undefined) return invalid(bytes.length, `T${name.charAt(1).toUpperCase()}${groups.length + 1}`);
      group[name] = value;
    }
    groups.push(group);
    present = group.td === undefined ? undefined : group.td >> 4;
    if (group.td !== undefined && !protocols.includes(group.td & 0x0f)) protocols.push(group.td & 0x0f);
  }
  const historicalEnd = at + (t0 & 0x0f);
  // A checksum follows unless T=0 is the only protocol.
  const hasChecksum = protocols.some((protocol) => protocol !== 0);
  if (bytes.length !== historicalEnd + (hasChecksum ? 1 : 0))
    return invalid(Math.min(bytes.length, historicalEnd), 'length');
  if (hasChecksum && bytes.subarray(1).reduce((sum, byte) => sum ^ byte, 0) !== 0) return invalid(historicalEnd, 'TCK');
  const t1 = groups.find((_, index) => index >= 2 && ((groups[index - 1]?.td ?? 0) & 0x0f) === 1);
  const specific = groups[1]?.ta;
  const atr = {
    convention: ts === 0x3b ? ('direct' as const) : ('inverse' as const),
    groups,
    protocols:
      protocols.filter((protocol) => protocol !== 15).length === 0
        ? [0]
        : protocols.filter((protocol) => protocol !== 15),
    historicalBytes: bytes.subarray(at, historicalEnd),
    fiDi: groups[0]?.ta ?? 0x11,
    guardTime: groups[0]?.tc ?? 0,
    waitingInteger: groups[1]?.tc ?? 10,
    ifsc: t1?.ta ?? 32,
    waitingIntegers: t1?.tb ?? 0x4d,
    usesCrc: ((t1?.tc ?? 0) & 1) !== 0,
  };
  return ok(specific === undefined ? atr : { ...atr, specificProtocol: specific & 0x0f });
}

const names = [
  [1, 'ta'],
  [2, 'tb'],
  [4, 'tc'],
  [8, 'td'],
] as const;

/** What a contactless storage card is, as a reader tells it in its synthetic ATR. PC/SC part 3, 3.1.3.2.3. */
export interface StorageCard {
  /** SS: the standard. */
  readonly standard: number;
  /** NN: the card name. */
  readonly name: number;
}

/** Standards of storage cards (SS). PC/SC part 3 supplement. */
export const storageStandards: Readonly<Record<number, string>> = {
  0x01: 'ISO 14443 A, part 1',
  0x02: 'ISO 14443 A, part 2',
  0x03: 'ISO 14443 A, part 3',
  0x05: 'ISO 14443 B, part 1',
  0x06: 'ISO 14443 B, part 2',
  0x07: 'ISO 14443 B, part 3',
  0x09: 'ISO 15693, part 1',
  0x0a: 'ISO 15693, part 2',
  0x0b: 'ISO 15693, part 3',
  0x0c: 'ISO 15693, part 4',
  0x11: 'FeliCa',
};

/** Names of storage cards (NN). PC/SC part 3 supplement; F0xx are ACS readers' own. */
export const storageNames: Readonly<Record<number, string>> = {
  0x0001: 'MIFARE Classic 1K',
  0x0002: 'MIFARE Classic 4K',
  0x0003: 'MIFARE Ultralight',
  0x0026: 'MIFARE Mini',
  0x003a: 'MIFARE Ultralight C',
  0x003b: 'FeliCa',
  0xf004: 'Topaz and Jewel',
  0xf011: 'FeliCa 212 kbit/s',
  0xf012: 'FeliCa 424 kbit/s',
};

const pcscRid = hex('A000000306');

/** The ATR that a reader makes up for a storage card. */
export function storageCardAtr({ standard, name }: StorageCard): Uint8Array {
  const application = concat(pcscRid, Uint8Array.of(standard, name >> 8, name & 0xff, 0, 0, 0, 0));
  const historical = concat(Uint8Array.of(0x80, 0x4f, application.length), application);
  return withChecksum(concat(Uint8Array.of(0x3b, 0x80 | historical.length, 0x80, 0x01), historical));
}

/** Reads the ATR of a storage card; undefined when it is another card's. */
export function readStorageCardAtr(atr: Atr): StorageCard | undefined {
  const { historicalBytes } = atr;
  if (
    historicalBytes.length !== 15 ||
    historicalBytes[0] !== 0x80 ||
    historicalBytes[1] !== 0x4f ||
    historicalBytes[2] !== 0x0c
  )
    return undefined;
  if (!pcscRid.every((byte, index) => byte === historicalBytes[3 + index])) return undefined;
  return { standard: historicalBytes[8] ?? 0, name: ((historicalBytes[9] ?? 0) << 8) | (historicalBytes[10] ?? 0) };
}

/**
 * The ATR that a reader makes up for an ISO 14443-4 card of type A (historical bytes of its ATS) or type B (application data,
 * protocol info and MBLI, 8 bytes). PC/SC part 3, 3.1.3.2.3.1.
 */
export function contactlessAtr(historicalBytes: Uint8Array): Uint8Array {
  const historical = historicalBytes.subarray(0, 15);
  return withChecksum(concat(Uint8Array.of(0x3b, 0x80 | historical.length, 0x80, 0x01), historical));
}

const withChecksum = (bytes: Uint8Array): Uint8Array =>
  concat(bytes, Uint8Array.of(bytes.subarray(1).reduce((sum, byte) => sum ^ byte, 0)));
