import { fail, ok, type Result } from '../kit/index.ts';

/** System code of transit cards of the Suica family (Cybernetics format). */
export const transitSystemCode = 0x0003;
/** Service of the history: up to 20 blocks, newest first, readable without keys. */
export const transitHistoryService = 0x090f;
/** Service of the card attributes; its block 0 holds the balance. */
export const transitAttributeService = 0x008b;

/** One entry of the history, 16 bytes. There is no public standard: the layout is what independent readers agree on. */
export interface TransitEntry {
  readonly terminal: number;
  readonly process: number;
  /** The year counts from 2000, in seven bits. */
  readonly date: { readonly year: number; readonly month: number; readonly day: number };
  /** Line and station codes of entry and exit; for goods, the time and the terminal. */
  readonly places: Uint8Array;
  /** Yen that remained, 0 to 65535. */
  readonly balance: number;
  /** Counts up with each use; 24 bits. */
  readonly serial: number;
  readonly region: number;
}

/** Reads a history block. A block of zeros, as an unused one is, gives undefined. */
export function decodeTransitEntry(block: Uint8Array): Result<TransitEntry | undefined, 'FELICA_INVALID'> {
  if (block.length !== 16) return fail('FELICA_INVALID', { offset: block.length, field: 'block' });
  if (block.every((byte) => byte === 0)) return ok(undefined);
  const at = (index: number): number => block[index] ?? 0;
  const bits = (at(4) << 8) | at(5);
  const date = { year: 2000 + (bits >> 9), month: (bits >> 5) & 0x0f, day: bits & 0x1f };
  if (date.month < 1 || date.month > 12 || date.day < 1) return fail('FELICA_INVALID', { offset: 4, field: 'date' });
  return ok({
    terminal: at(0),
    process: at(1),
    date,
    places: block.subarray(6, 10),
    balance: at(10) | (at(11) << 8),
    serial: (at(12) << 16) | (at(13) << 8) | at(14),
    region: at(15),
  });
}

/** Writes a history block; bytes 2 and 3 stay zero. */
export function encodeTransitEntry(entry: TransitEntry): Uint8Array {
  const block = new Uint8Array(16);
  const { date, balance, serial } = entry;
  const bits = ((date.year - 2000) << 9) | (date.month << 5) | date.day;
  block.set([entry.terminal, entry.process, 0, 0, bits >> 8, bits & 0xff]);
  block.set(entry.places.subarray(0, 4), 6);
  block.set([balance & 0xff, balance >> 8, serial >> 16, (serial >> 8) & 0xff, serial & 0xff, entry.region], 10);
  return block;
}

/** The attribute block, 16 bytes, as independent readers read it; what they do not agree on stays zero. */
export interface TransitAttributes {
  /** Yen, 0 to 65535. */
  readonly balance: number;
  /** Counts up with each use, as in the newest history entry; 16 bits. */
  readonly serial: number;
}

/** Reads the attribute block: balance little-endian at 11, serial number big-endian at 14. */
export function decodeTransitAttributes(block: Uint8Array): Result<TransitAttributes, 'FELICA_INVALID'> {
  if (block.length !== 16) return fail('FELICA_INVALID', { offset: block.length, field: 'block' });
  const at = (index: number): number => block[index] ?? 0;
  return ok({ balance: at(11) | (at(12) << 8), serial: (at(14) << 8) | at(15) });
}

/** Writes an attribute block. */
export function encodeTransitAttributes({ balance, serial }: TransitAttributes): Uint8Array {
  const block = new Uint8Array(16);
  block.set([balance & 0xff, balance >> 8, 0, (serial >> 8) & 0xff, serial & 0xff], 11);
  return block;
}

interface Name {
  readonly en: string;
  readonly ja: string;
}

/** Kinds of terminals, as independent readers name them. */
export const transitTerminals: Readonly<Record<number, Name>> = {
  0x03: { en: 'Fare adjustment machine', ja: '精算機' },
  0x04: { en: 'Portable terminal', ja: '携帯型端末' },
  0x05: { en: 'On-board terminal', ja: '車載端末' },
  0x07: { en: 'Ticket machine', ja: '券売機' },
  0x08: { en: 'Ticket machine', ja: '券売機' },
  0x09: { en: 'Charging machine', ja: '入金機' },
  0x12: { en: 'Ticket machine', ja: '券売機' },
  0x14: { en: 'Ticket machine', ja: '券売機等' },
  0x15: { en: 'Ticket machine', ja: '券売機等' },
  0x16: { en: 'Ticket gate', ja: '改札機' },
  0x17: { en: 'Simple ticket gate', ja: '簡易改札機' },
  0x18: { en: 'Counter terminal', ja: '窓口端末' },
  0x19: { en: 'Counter terminal', ja: '窓口端末' },
  0x1a: { en: 'Gate attendant terminal', ja: '改札端末' },
  0x1b: { en: 'Mobile phone', ja: '携帯電話' },
  0x1c: { en: 'Transfer fare adjustment machine', ja: '乗継精算機' },
  0x1d: { en: 'Transfer gate', ja: '連絡改札機' },
  0x1f: { en: 'Simple charging machine', ja: '簡易入金機' },
  0x46: { en: 'Bank card terminal', ja: 'カード入金端末' },
  0xc7: { en: 'Shop terminal', ja: '物販端末' },
  0xc8: { en: 'Vending machine', ja: '自販機' },
};

/** Kinds of uses, as independent readers name them. */
export const transitProcesses: Readonly<Record<number, Name>> = {
  0x01: { en: 'Fare', ja: '運賃支払' },
  0x02: { en: 'Charge', ja: 'チャージ' },
  0x03: { en: 'Ticket', ja: '券購入' },
  0x04: { en: 'Fare adjustment', ja: '精算' },
  0x05: { en: 'Fare adjustment on entry', ja: '入場精算' },
  0x06: { en: 'Exit at the counter', ja: '窓口出場' },
  0x07: { en: 'New card', ja: '新規発行' },
  0x08: { en: 'Deduction', ja: '控除' },
  0x0d: { en: 'Bus', ja: 'バス' },
  0x0f: { en: 'Bus', ja: 'バス' },
  0x11: { en: 'Card reissued', ja: '再発行' },
  0x13: { en: 'Bullet train', ja: '新幹線利用' },
  0x14: { en: 'Automatic charge on entry', ja: '入場時オートチャージ' },
  0x15: { en: 'Automatic charge on exit', ja: '出場時オートチャージ' },
  0x1f: { en: 'Charge on the bus', ja: 'バスチャージ' },
  0x23: { en: 'Bus or tram special ticket', ja: '企画券購入' },
  0x46: { en: 'Goods', ja: '物販' },
  0x48: { en: 'Bonus', ja: '特典' },
  0x49: { en: 'Charge at a till', ja: 'レジ入金' },
  0x4a: { en: 'Goods void', ja: '物販取消' },
  0x4b: { en: 'Goods after entry', ja: '入場物販' },
  0xc6: { en: 'Goods, partly in cash', ja: '現金併用物販' },
  0xcb: { en: 'Goods after entry, partly in cash', ja: '入場現金併用物販' },
};

const unknown: Name = { en: 'Unknown', ja: '不明' };

/** The name of a terminal kind. */
export const transitTerminalName = (terminal: number): Name => transitTerminals[terminal] ?? unknown;

/** The name of a use; the high bit marks a cash portion. */
export const transitProcessName = (process: number): Name => transitProcesses[process] ?? unknown;
