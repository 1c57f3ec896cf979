import { fail, ok, type Result } from '../kit/index.ts';

/** What can be wrong with a FeliCa frame or answer. */
export type FelicaCode = 'FELICA_INVALID' | 'FELICA_STATUS';

/** One block of a service. FeliCa Card User's Manual (Sony), 4.2. */
export interface BlockAddress {
  /** Which of the command's services, from 0. */
  readonly service: number;
  /** 0 direct, 1 purse with cashback. */
  readonly access?: number;
  /** 0 to 65535; numbers above 255 take a list element of three bytes. */
  readonly block: number;
}

/** What a poll asks for besides IDm and PMm. */
export const pollRequests = ['none', 'systemCode', 'performance'] as const;
export type PollRequest = (typeof pollRequests)[number];

/** A command to the card. FeliCa Card User's Manual (Sony), 4.4. Service codes are numbers; the wire has them little-endian. */
export type FelicaCommand =
  | {
      readonly type: 'polling';
      /** FFFF finds any system, xxFF and FFxx parts of one; big-endian on the wire. */
      readonly systemCode: number;
      readonly request: PollRequest;
      /** Slots: 0, 1, 3, 7 or 15. */
      readonly slots: number;
    }
  | { readonly type: 'requestService'; readonly idm: Uint8Array; readonly nodes: readonly number[] }
  | { readonly type: 'requestResponse' | 'requestSystemCode'; readonly idm: Uint8Array }
  | {
      readonly type: 'readWithoutEncryption';
      readonly idm: Uint8Array;
      readonly services: readonly number[];
      readonly blocks: readonly BlockAddress[];
    }
  | {
      readonly type: 'writeWithoutEncryption';
      readonly idm: Uint8Array;
      readonly services: readonly number[];
      readonly blocks: readonly BlockAddress[];
      /** 16 bytes a block. */
      readonly data: Uint8Array;
    }
  | { readonly type: 'searchServiceCode'; readonly idm: Uint8Array; readonly index: number };

/** Command codes; the answer's is one higher. */
export const felicaCommands = {
  polling: 0x00,
  requestService: 0x02,
  requestResponse: 0x04,
  readWithoutEncryption: 0x06,
  writeWithoutEncryption: 0x08,
  searchServiceCode: 0x0a,
  requestSystemCode: 0x0c,
} as const satisfies Record<FelicaCommand['type'], number>;

/** The card's answer. */
export type FelicaResponse =
  | {
      readonly type: 'polling';
      readonly idm: Uint8Array;
      readonly pmm: Uint8Array;
      /** Two bytes when the poll asked for something: the system code, or the communication performance. */
      readonly requested?: number;
    }
  /** FFFF for a node that does not exist. */
  | { readonly type: 'requestService'; readonly idm: Uint8Array; readonly keyVersions: readonly number[] }
  | { readonly type: 'requestResponse'; readonly idm: Uint8Array; readonly mode: number }
  | {
      readonly type: 'readWithoutEncryption';
      readonly idm: Uint8Array;
      readonly status1: number;
      readonly status2: number;
      /** 16 bytes a block; empty unless status1 is 0. */
      readonly data: Uint8Array;
    }
  | {
      readonly type: 'writeWithoutEncryption';
      readonly idm: Uint8Array;
      readonly status1: number;
      readonly status2: number;
    }
  /** One code for a service, two for an area (begin, end), FFFF at the end. */
  | { readonly type: 'searchServiceCode'; readonly idm: Uint8Array; readonly codes: readonly number[] }
  | { readonly type: 'requestSystemCode'; readonly idm: Uint8Array; readonly systemCodes: readonly number[] };

/** Blocks in one command: more do not fit a frame of 255 bytes with their data. */
const blocksMax = 15;
const servicesMax = 16;

const little = (value: number): readonly number[] => [value & 0xff, value >> 8];
const big = (value: number): readonly number[] => [value >> 8, value & 0xff];

/** Writes a command with its length byte in front. */
export function encodeFelicaCommand(command: FelicaCommand): Uint8Array {
  return framed([felicaCommands[command.type], ...bodyOf(command)]);
}

function bodyOf(command: FelicaCommand): readonly number[] {
  switch (command.type) {
    case 'polling':
      return [...big(command.systemCode), pollRequests.indexOf(command.request), command.slots];
    case 'requestService':
      return [...command.idm, command.nodes.length, ...command.nodes.flatMap(little)];
    case 'requestResponse':
    case 'requestSystemCode':
      return [...command.idm];
    case 'readWithoutEncryption':
    case 'writeWithoutEncryption': {
      const { idm, services, blocks } = command;
      const data = command.type === 'writeWithoutEncryption' ? command.data : [];
      const list = [services.length, ...services.flatMap(little), blocks.length, ...blocks.flatMap(blockElement)];
      return [...idm, ...list, ...data];
    }
    case 'searchServiceCode':
      return [...command.idm, ...little(command.index)];
  }
}

const blockElement = ({ service, access = 0, block }: BlockAddress): readonly number[] => {
  const head = (access << 4) | service;
  return block < 0x100 ? [0x80 | head, block] : [head, ...little(block)];
};

function framed(body: readonly number[]): Uint8Array {
  if (body.length > 254) throw new Error('a FeliCa frame holds at most 254 bytes');
  return Uint8Array.from([body.length + 1, ...body]);
}

const invalid = (offset: number, field: string): Result<never, 'FELICA_INVALID'> =>
  fail('FELICA_INVALID', { offset, field });

/** Reads within a frame; running out of bytes shows as `isShort`. */
class Cursor {
  readonly #bytes: Uint8Array;
  at: number;
  isShort = false;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  take(count: number): Uint8Array {
    if (this.at + count > this.#bytes.length) this.isShort = true;
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  little(): number {
    return this.byte() | (this.byte() << 8);
  }

  big(): number {
    return (this.byte() << 8) | this.byte();
  }

  many(count: number, read: () => number): readonly number[] {
    return Array.from({ length: count }, read);
  }

  get rest(): number {
    return this.#bytes.length - this.at;
  }
}

function checkLength(bytes: Uint8Array): Result<never, 'FELICA_INVALID'> | undefined {
  if (bytes.length < 2) return invalid(bytes.length, 'length');
  return bytes[0] === bytes.length ? undefined : invalid(0, 'length');
}

/** Reads a command, length byte first, as an emulated card does. */
export function decodeFelicaCommand(bytes: Uint8Array): Result<FelicaCommand, 'FELICA_INVALID'> {
  const wrongLength = checkLength(bytes);
  if (wrongLength !== undefined) return wrongLength;
  const cursor = new Cursor(bytes, 2);
  const read = readCommand(bytes[1] ?? 0, cursor);
  if (read === undefined) return invalid(cursor.isShort ? bytes.length : 1, cursor.isShort ? 'length' : 'command');
  if (cursor.isShort) return invalid(bytes.length, 'length');
  return cursor.rest === 0 ? ok(read) : invalid(cursor.at, 'length');
}

function readCommand(code: number, cursor: Cursor): FelicaCommand | undefined {
  if (code === 0x00) {
    const systemCode = cursor.big();
    const request = pollRequests[cursor.byte()];
    const slots = cursor.byte();
    return request === undefined ? undefined : { type: 'polling', systemCode, request, slots };
  }
  const idm = cursor.take(8);
  if (cursor.isShort) return undefined;
  switch (code) {
    case 0x02: {
      const count = cursor.byte();
      if (count === 0 || count > 32) return undefined;
      return { type: 'requestService', idm, nodes: cursor.many(count, () => cursor.little()) };
    }
    case 0x04:
      return { type: 'requestResponse', idm };
    case 0x06:
    case 0x08: {
      const serviceCount = cursor.byte();
      if (serviceCount === 0 || serviceCount > servicesMax) return undefined;
      const services = cursor.many(serviceCount, () => cursor.little());
      const blockCount = cursor.byte();
      if (blockCount === 0 || blockCount > blocksMax) return undefined;
      const blocks: BlockAddress[] = [];
      for (let index = 0; index < blockCount && !cursor.isShort; index++) {
        const head = cursor.byte();
        const block = (head & 0x80) !== 0 ? cursor.byte() : cursor.little();
        const service = head & 0x0f;
        if (service >= serviceCount) return undefined;
        const access = (head >> 4) & 7;
        blocks.push(access === 0 ? { service, block } : { service, access, block });
      }
      if (code === 0x06) return { type: 'readWithoutEncryption', idm, services, blocks };
      return { type: 'writeWithoutEncryption', idm, services, blocks, data: cursor.take(blockCount * 16) };
    }
    case 0x0a:
      return { type: 'searchServiceCode', idm, index: cursor.little() };
    case 0x0c:
      return { type: 'requestSystemCode', idm };
    default:
      return undefined;
  }
}

/** Writes an answer with its length byte in front, as an emulated card does. */
export function encodeFelicaResponse(response: FelicaResponse): Uint8Array {
  return framed([felicaCommands[response.type] + 1, ...response.idm, ...contentOf(response)]);
}

function contentOf(response: FelicaResponse): readonly number[] {
  switch (response.type) {
    case 'polling':
      return response.requested === undefined ? [...response.pmm] : [...response.pmm, ...big(response.requested)];
    case 'requestService':
      return [response.keyVersions.length, ...response.keyVersions.flatMap(little)];
    case 'requestResponse':
      return [response.mode];
    case 'readWithoutEncryption': {
      const { status1, status2, data } = response;
      return status1 === 0 ? [status1, status2, data.length / 16, ...data] : [status1, status2];
    }
    case 'writeWithoutEncryption':
      return [response.status1, response.status2];
    case 'searchServiceCode':
      return response.codes.flatMap(little);
    case 'requestSystemCode':
      return [response.systemCodes.length, ...response.systemCodes.flatMap(big)];
  }
}

/** Reads an answer, length byte first. An error status of the card is still an answer: see `checkFelicaStatus`. */
export function decodeFelicaResponse(bytes: Uint8Array): Result<FelicaResponse, 'FELICA_INVALID'> {
  const wrongLength = checkLength(bytes);
  if (wrongLength !== undefined) return wrongLength;
  const cursor = new Cursor(bytes, 2);
  const idm = cursor.take(8);
  if (cursor.isShort) return invalid(bytes.length, 'length');
  const read = readResponse(bytes[1] ?? 0, idm, cursor);
  if (read === undefined) return invalid(1, 'command');
  if (cursor.isShort) return invalid(bytes.length, 'length');
  return cursor.rest === 0 ? ok(read) : invalid(cursor.at, 'length');
}

function readResponse(code: number, idm: Uint8Array, cursor: Cursor): FelicaResponse | undefined {
  switch (code) {
    case 0x01: {
      const pmm = cursor.take(8);
      return cursor.rest === 0 ? { type: 'polling', idm, pmm } : { type: 'polling', idm, pmm, requested: cursor.big() };
    }
    case 0x03: {
      const count = cursor.byte();
      return { type: 'requestService', idm, keyVersions: cursor.many(Math.min(count, 32), () => cursor.little()) };
    }
    case 0x05:
      return { type: 'requestResponse', idm, mode: cursor.byte() };
    case 0x07: {
      const [status1, status2] = [cursor.byte(), cursor.byte()];
      const data = status1 === 0 ? cursor.take(cursor.byte() * 16) : cursor.take(0);
      return { type: 'readWithoutEncryption', idm, status1, status2, data };
    }
    case 0x09:
      return { type: 'writeWithoutEncryption', idm, status1: cursor.byte(), status2: cursor.byte() };
    case 0x0b: {
      const codes = cursor.many(cursor.rest === 4 ? 2 : 1, () => cursor.little());
      return { type: 'searchServiceCode', idm, codes };
    }
    case 0x0d: {
      const count = cursor.byte();
      return { type: 'requestSystemCode', idm, systemCodes: cursor.many(Math.min(count, 16), () => cursor.big()) };
    }
    default:
      return undefined;
  }
}

/** Meanings of status flag 2. FeliCa Card User's Manual, 4.5. */
export const felicaStatuses: Readonly<Record<number, { readonly en: string; readonly ja: string }>> = {
  0x00: { en: 'Done', ja: '正常終了' },
  0x01: { en: 'Purse value below zero or beyond its limit', ja: 'パース値が0未満または上限超過' },
  0x02: { en: 'Cashback data exceeds the decrement', ja: 'キャッシュバックデータ超過' },
  0x70: { en: 'Memory error', ja: 'メモリエラー' },
  0x71: { en: 'Memory write count exceeded (a warning)', ja: '書換え回数超過（警告）' },
  0xa1: { en: 'Wrong number of services', ja: 'サービス数不正' },
  0xa2: { en: 'Wrong number of blocks', ja: 'ブロック数不正' },
  0xa3: { en: 'Wrong service order in the block list', ja: 'サービスコードリスト順番不正' },
  0xa4: { en: 'Wrong service type', ja: 'サービスタイプ不正' },
  0xa5: { en: 'Access not allowed', ja: 'アクセス不可' },
  0xa6: { en: 'No such service', ja: 'サービスコード不正' },
  0xa7: { en: 'Wrong access mode', ja: 'アクセスモード不正' },
  0xa8: { en: 'No such block', ja: 'ブロック番号不正' },
  0xa9: { en: 'Writing failed', ja: 'ブロックアクセス失敗' },
};

/** FELICA_STATUS when the card refused; status flag 1 points at the block, flag 2 tells why. */
export function checkFelicaStatus(response: {
  readonly status1: number;
  readonly status2: number;
}): Result<undefined, 'FELICA_STATUS'> {
  const { status1, status2 } = response;
  return status1 === 0 ? ok(undefined) : fail('FELICA_STATUS', { facts: { status1, status2 } });
}
