import { fail, ok, type Result } from '../kit/index.ts';
import { asView, type CcidCode, headerBytes, nothing, readHeader, writeMessage } from './header.ts';
import { type Protocol, protocolOf } from './parameters.ts';

/** Power that the host asks for. CCID 1.1, 6.1.1. */
export const powerSelects = ['automatic', '5V', '3V', '1.8V'] as const;
export type PowerSelect = (typeof powerSelects)[number];

/** Where a block stands in a chain of blocks of one extended APDU. CCID 1.1, 6.1.4, wLevelParameter. */
export const chainPlaces = { 0x00: 'whole', 0x01: 'first', 0x02: 'last', 0x03: 'middle', 0x10: 'continue' } as const;
export type ChainPlace = (typeof chainPlaces)[keyof typeof chainPlaces];

/** Mechanical functions. CCID 1.1, 6.1.12. */
export const mechanicalFunctions = { 1: 'accept', 2: 'eject', 3: 'capture', 4: 'lock', 5: 'unlock' } as const;
export type MechanicalFunction = (typeof mechanicalFunctions)[keyof typeof mechanicalFunctions];

interface ToSlot {
  readonly slot: number;
  readonly seq: number;
}

/** A message from host to reader. CCID 1.1, 6.1. */
export type BulkOut =
  | (ToSlot & { readonly type: 'iccPowerOn'; readonly power: PowerSelect })
  | (ToSlot & { readonly type: 'iccPowerOff' | 'getSlotStatus' | 'getParameters' | 'resetParameters' | 'abort' })
  | (ToSlot & {
      readonly type: 'xfrBlock';
      /** Multiplier of the block waiting time, TPDU level only. */
      readonly bwi: number;
      /** Character level: the expected length; extended APDU level: the place in the chain; else 0. */
      readonly level: number;
      readonly data: Uint8Array;
    })
  | (ToSlot & { readonly type: 'setParameters'; readonly protocol: Protocol; readonly data: Uint8Array })
  | (ToSlot & { readonly type: 'escape'; readonly data: Uint8Array })
  | (ToSlot & { readonly type: 'iccClock'; readonly clock: 'restart' | 'stop' })
  | (ToSlot & {
      readonly type: 't0Apdu';
      /** Bit 0: GET RESPONSE class is set, bit 1: ENVELOPE class is set. */
      readonly changes: number;
      readonly classGetResponse: number;
      readonly classEnvelope: number;
    })
  | (ToSlot & { readonly type: 'secure'; readonly bwi: number; readonly level: number; readonly data: Uint8Array })
  | (ToSlot & { readonly type: 'mechanical'; readonly action: MechanicalFunction })
  | (ToSlot & {
      readonly type: 'setDataRateAndClockFrequency';
      /** kHz. */
      readonly clockFrequencyKhz: number;
      /** Bits per second. */
      readonly dataRateBps: number;
    });

/** The type byte of each message. */
export const bulkOutTypes = {
  iccPowerOn: 0x62,
  iccPowerOff: 0x63,
  getSlotStatus: 0x65,
  xfrBlock: 0x6f,
  getParameters: 0x6c,
  resetParameters: 0x6d,
  setParameters: 0x61,
  escape: 0x6b,
  iccClock: 0x6e,
  t0Apdu: 0x6a,
  secure: 0x69,
  mechanical: 0x71,
  abort: 0x72,
  setDataRateAndClockFrequency: 0x73,
} as const satisfies Record<BulkOut['type'], number>;

/**
 * Reads one whole host-to-reader message. `data` is a view. Bytes that the class reserves must be zero, except
 * where readers' drivers are known to leave rubbish: the three bytes of the messages without parameters.
 */
export function decodeBulkOut(bytes: Uint8Array): Result<BulkOut, CcidCode> {
  const read = readHeader(bytes);
  if (read !== undefined) return read;
  const slot = bytes[5] ?? 0;
  const seq = bytes[6] ?? 0;
  const a = bytes[7] ?? 0;
  const b = bytes[8] ?? 0;
  const c = bytes[9] ?? 0;
  const length = bytes.length - headerBytes;
  switch (bytes[0]) {
    case 0x6f:
      return ok({ type: 'xfrBlock', slot, seq, bwi: a, level: b | (c << 8), data: bytes.subarray(headerBytes) });
    case 0x62: {
      const power = powerSelects[a];
      if (power === undefined) return fail('CCID_FIELD_INVALID', { offset: 7, field: 'bPowerSelect' });
      return length === 0 ? ok({ type: 'iccPowerOn', slot, seq, power }) : tooLong();
    }
    case 0x63:
      return length === 0 ? ok({ type: 'iccPowerOff', slot, seq }) : tooLong();
    case 0x65:
      return length === 0 ? ok({ type: 'getSlotStatus', slot, seq }) : tooLong();
    case 0x6c:
      return length === 0 ? ok({ type: 'getParameters', slot, seq }) : tooLong();
    case 0x6d:
      return length === 0 ? ok({ type: 'resetParameters', slot, seq }) : tooLong();
    case 0x72:
      return length === 0 ? ok({ type: 'abort', slot, seq }) : tooLong();
    case 0x61: {
      const protocol = protocolOf(a);
      if (protocol === undefined) return fail('CCID_FIELD_INVALID', { offset: 7, field: 'bProtocolNum' });
      if (length !== (a === 0 ? 5 : 7)) return tooLong();
      return ok({ type: 'setParameters', slot, seq, protocol, data: bytes.subarray(headerBytes) });
    }
    case 0x6b:
      return ok({ type: 'escape', slot, seq, data: bytes.subarray(headerBytes) });
    case 0x6e:
      if (a > 1) return fail('CCID_FIELD_INVALID', { offset: 7, field: 'bClockCommand' });
      return length === 0 ? ok({ type: 'iccClock', slot, seq, clock: a === 0 ? 'restart' : 'stop' }) : tooLong();
    case 0x6a:
      if (length !== 0) return tooLong();
      return ok({ type: 't0Apdu', slot, seq, changes: a, classGetResponse: b, classEnvelope: c });
    case 0x69:
      return ok({ type: 'secure', slot, seq, bwi: a, level: b | (c << 8), data: bytes.subarray(headerBytes) });
    case 0x71: {
      const action = mechanicalAt(a);
      if (action === undefined) return fail('CCID_FIELD_INVALID', { offset: 7, field: 'bFunction' });
      return length === 0 ? ok({ type: 'mechanical', slot, seq, action }) : tooLong();
    }
    case 0x73: {
      if (length !== 8) return tooLong();
      const view = asView(bytes);
      const clockFrequencyKhz = view.getUint32(10, true);
      return ok({
        type: 'setDataRateAndClockFrequency',
        slot,
        seq,
        clockFrequencyKhz,
        dataRateBps: view.getUint32(14, true),
      });
    }
    default:
      return fail('CCID_MESSAGE_UNKNOWN', { offset: 0, facts: { type: bytes[0] ?? 0 } });
  }
}

/** Writes one host-to-reader message. */
export function encodeBulkOut(message: BulkOut): Uint8Array {
  const { slot, seq } = message;
  const type = bulkOutTypes[message.type];
  switch (message.type) {
    case 'xfrBlock':
    case 'secure':
      return writeMessage(type, slot, seq, message.bwi, message.level & 0xff, message.level >> 8, message.data);
    case 'iccPowerOn':
      return writeMessage(type, slot, seq, powerSelects.indexOf(message.power), 0, 0, nothing);
    case 'setParameters':
      return writeMessage(type, slot, seq, message.protocol === 'T=0' ? 0 : 1, 0, 0, message.data);
    case 'escape':
      return writeMessage(type, slot, seq, 0, 0, 0, message.data);
    case 'iccClock':
      return writeMessage(type, slot, seq, message.clock === 'stop' ? 1 : 0, 0, 0, nothing);
    case 't0Apdu':
      return writeMessage(type, slot, seq, message.changes, message.classGetResponse, message.classEnvelope, nothing);
    case 'mechanical':
      return writeMessage(type, slot, seq, mechanicalCode(message.action), 0, 0, nothing);
    case 'setDataRateAndClockFrequency': {
      const data = new Uint8Array(8);
      asView(data).setUint32(0, message.clockFrequencyKhz, true);
      asView(data).setUint32(4, message.dataRateBps, true);
      return writeMessage(type, slot, seq, 0, 0, 0, data);
    }
    default:
      return writeMessage(type, slot, seq, 0, 0, 0, nothing);
  }
}

const tooLong = () => fail('CCID_LENGTH_WRONG', { offset: 1, field: 'dwLength' });

const mechanicalNames = ['accept', 'eject', 'capture', 'lock', 'unlock'] as const;
const mechanicalAt = (code: number): MechanicalFunction | undefined => mechanicalNames[code - 1];
const mechanicalCode = (action: MechanicalFunction): number => mechanicalNames.indexOf(action) + 1;
