import { fail, ok, type Result } from '../kit/index.ts';
import type { FrameCode } from '../pn532/index.ts';

/** Settings of the RF front end (InSetRF): send set and speed, receive set and speed. */
export const rfSettings = {
  '212F': [0x01, 0x01, 0x0f, 0x01],
  '424F': [0x01, 0x02, 0x0f, 0x02],
  '106A': [0x02, 0x03, 0x0f, 0x03],
  '106B': [0x03, 0x07, 0x0f, 0x07],
} as const;

/** A name in `rfSettings`. */
export type RfSetting = keyof typeof rfSettings;

/** Protocol settings that a polling starts from (InSetProtocol): pairs of item and value for items 00 to 13. */
export const protocolDefaults: readonly (readonly [number, number])[] = [
  [0x00, 0x18],
  [0x01, 0x01],
  [0x02, 0x01],
  [0x03, 0x00],
  [0x04, 0x00],
  [0x05, 0x00],
  [0x06, 0x00],
  [0x07, 0x08],
  [0x08, 0x00],
  [0x09, 0x00],
  [0x0a, 0x00],
  [0x0b, 0x00],
  [0x0c, 0x00],
  [0x0e, 0x04],
  [0x0f, 0x00],
  [0x10, 0x00],
  [0x11, 0x00],
  [0x12, 0x00],
  [0x13, 0x06],
];

/** A command to the reader. */
export type Port100Command =
  | { readonly type: 'inSetRf'; readonly setting: RfSetting }
  | { readonly type: 'inSetProtocol'; readonly items: readonly (readonly [number, number])[] }
  | {
      readonly type: 'inCommRf';
      /** In units of 0.1 ms, at most 65535. */
      readonly timeout: number;
      readonly data: Uint8Array;
    }
  | { readonly type: 'switchRf'; readonly on: boolean }
  | { readonly type: 'getFirmwareVersion' | 'getPdDataVersion' | 'getCommandType' }
  | { readonly type: 'setCommandType'; readonly value: number };

/** Command codes; the answer's is one higher. */
export const port100Commands = {
  inSetRf: 0x00,
  inSetProtocol: 0x02,
  inCommRf: 0x04,
  switchRf: 0x06,
  getFirmwareVersion: 0x20,
  getPdDataVersion: 0x22,
  getCommandType: 0x28,
  setCommandType: 0x2a,
} as const satisfies Record<Port100Command['type'], number>;

/** Writes a command: direction byte D6, code, parameters. */
export function encodePort100Command(command: Port100Command): Uint8Array {
  return Uint8Array.from([0xd6, port100Commands[command.type], ...parametersOf(command)]);
}

function parametersOf(command: Port100Command): readonly number[] {
  switch (command.type) {
    case 'inSetRf':
      return rfSettings[command.setting];
    case 'inSetProtocol':
      return command.items.flat();
    case 'inCommRf':
      return [command.timeout & 0xff, command.timeout >> 8, ...command.data];
    case 'switchRf':
      return [command.on ? 1 : 0];
    case 'setCommandType':
      return [command.value];
    default:
      return [];
  }
}

const invalid = (offset: number, field: string): Result<never, FrameCode> => fail('FRAME_INVALID', { offset, field });

/** Reads a command, as an emulated reader does. */
export function decodePort100Command(bytes: Uint8Array): Result<Port100Command, FrameCode> {
  if (bytes.length < 2) return fail('FRAME_TRUNCATED', { offset: bytes.length });
  if (bytes[0] !== 0xd6) return invalid(0, 'direction');
  const rest = bytes.subarray(2);
  const first = rest[0];
  switch (bytes[1]) {
    case 0x00: {
      const setting = rfNames.find(
        (name) => rest.length === 4 && rfSettings[name].every((byte, at) => byte === rest[at]),
      );
      return setting === undefined ? invalid(2, 'RF setting') : ok({ type: 'inSetRf', setting });
    }
    case 0x02: {
      if (rest.length === 0 || rest.length % 2 !== 0) return invalid(2, 'length');
      const items: (readonly [number, number])[] = [];
      for (let at = 0; at < rest.length; at += 2) items.push([rest[at] ?? 0, rest[at + 1] ?? 0]);
      return ok({ type: 'inSetProtocol', items });
    }
    case 0x04:
      if (rest.length < 2) return fail('FRAME_TRUNCATED', { offset: bytes.length });
      return ok({ type: 'inCommRf', timeout: (first ?? 0) | ((rest[1] ?? 0) << 8), data: rest.subarray(2) });
    case 0x06:
      return first === undefined || first > 1 ? invalid(2, 'RF') : ok({ type: 'switchRf', on: first === 1 });
    case 0x20:
      return ok({ type: 'getFirmwareVersion' });
    case 0x22:
      return ok({ type: 'getPdDataVersion' });
    case 0x28:
      return ok({ type: 'getCommandType' });
    case 0x2a:
      return first === undefined || rest.length !== 1
        ? invalid(2, 'type')
        : ok({ type: 'setCommandType', value: first });
    default:
      return invalid(1, 'command');
  }
}

const rfNames = ['212F', '424F', '106A', '106B'] as const;

/** An answer of the reader. */
export type Port100Response =
  | { readonly type: 'inSetRf' | 'inSetProtocol' | 'switchRf' | 'setCommandType'; readonly status: number }
  | {
      readonly type: 'inCommRf';
      /** 0 when the card answered; else bits, see `port100StatusMeaning`. */
      readonly status: number;
      /** The card's frame; empty unless the status is 0. */
      readonly data: Uint8Array;
    }
  /** BCD, 0x0111 for 1.11. */
  | { readonly type: 'getFirmwareVersion' | 'getPdDataVersion'; readonly version: number }
  /** A bit for each command type that the reader can be set to. */
  | { readonly type: 'getCommandType'; readonly types: Uint8Array };

/** Writes an answer, as an emulated reader does. */
export function encodePort100Response(response: Port100Response): Uint8Array {
  const head = [0xd7, port100Commands[response.type] + 1];
  switch (response.type) {
    case 'inCommRf': {
      const { status, data } = response;
      const word = [status & 0xff, (status >> 8) & 0xff, (status >> 16) & 0xff, status >>> 24];
      // The byte behind the status counts the valid bits of the last byte; 8 is written as 8 by the real reader.
      return Uint8Array.from(status === 0 ? [...head, ...word, 8, ...data] : [...head, ...word]);
    }
    case 'getFirmwareVersion':
    case 'getPdDataVersion':
      return Uint8Array.from([...head, response.version & 0xff, response.version >> 8]);
    case 'getCommandType':
      return Uint8Array.from([...head, ...response.types]);
    default:
      return Uint8Array.from([...head, response.status]);
  }
}

/** Reads an answer of the reader to a command. */
export function decodePort100Response(
  bytes: Uint8Array,
  asked: Port100Command['type'],
): Result<Port100Response, FrameCode> {
  if (bytes.length < 2) return fail('FRAME_TRUNCATED', { offset: bytes.length });
  if (bytes[0] !== 0xd7) return invalid(0, 'direction');
  if (bytes[1] !== port100Commands[asked] + 1) return invalid(1, 'command');
  const rest = bytes.subarray(2);
  switch (asked) {
    case 'inCommRf': {
      if (rest.length < 4) return fail('FRAME_TRUNCATED', { offset: bytes.length });
      const status = ((rest[0] ?? 0) | ((rest[1] ?? 0) << 8) | ((rest[2] ?? 0) << 16) | ((rest[3] ?? 0) << 24)) >>> 0;
      if (status === 0 && rest.length < 5) return fail('FRAME_TRUNCATED', { offset: bytes.length });
      return ok({ type: asked, status, data: status === 0 ? rest.subarray(5) : rest.subarray(rest.length) });
    }
    case 'getFirmwareVersion':
    case 'getPdDataVersion':
      if (rest.length !== 2) return invalid(2, 'length');
      return ok({ type: asked, version: (rest[0] ?? 0) | ((rest[1] ?? 0) << 8) });
    case 'getCommandType':
      return ok({ type: asked, types: rest });
    default: {
      const status = rest[0];
      return status === undefined ? fail('FRAME_TRUNCATED', { offset: 2 }) : ok({ type: asked, status });
    }
  }
}

/** Bits of the status of InCommRF. */
export const port100Statuses: readonly { readonly bit: number; readonly en: string; readonly ja: string }[] = [
  { bit: 0x00000001, en: 'Protocol error', ja: 'プロトコルエラー' },
  { bit: 0x00000002, en: 'Parity error', ja: 'パリティエラー' },
  { bit: 0x00000004, en: 'CRC error', ja: 'CRCエラー' },
  { bit: 0x00000008, en: 'Collision: more than one card', ja: '衝突（複数カード）' },
  { bit: 0x00000010, en: 'Overflow', ja: 'オーバーフロー' },
  { bit: 0x00000040, en: 'The reader is too hot', ja: 'リーダー過熱' },
  { bit: 0x00000080, en: 'The card did not answer in time', ja: 'カード応答なし（時間切れ）' },
  { bit: 0x00000100, en: 'Authentication error', ja: '認証エラー' },
  { bit: 0x00000200, en: 'Another field is in the air', ja: '他の磁界を検出' },
  { bit: 0x00000400, en: 'The RF field is off', ja: 'RF磁界がオフ' },
  { bit: 0x00000800, en: 'Sending took too long', ja: '送信時間切れ' },
  { bit: 0x80000000, en: 'Wrong length received', ja: '受信長不正' },
];

/** What a status says; nothing for 0. */
export const port100StatusMeaning = (status: number): readonly { readonly en: string; readonly ja: string }[] =>
  port100Statuses.filter(({ bit }) => (status & bit) >>> 0 !== 0);

/** The timeout of a command in the reader's unit, 0.1 ms, within its range. */
export const port100Timeout = (timeoutMs: number): number => Math.min(0xffff, Math.max(1, Math.ceil(timeoutMs * 10)));
