import { fail, ok, type Result } from '../kit/index.ts';
import { asView, type CcidCode, headerBytes, nothing, readHeader, writeMessage } from './header.ts';
import { type Protocol, protocolOf } from './parameters.ts';

const iccStatuses = ['active', 'inactive', 'absent'] as const;

/** Whether a card is there and powered. CCID 1.1, 6.2.6. */
export type IccStatus = (typeof iccStatuses)[number];

const commandStatuses = ['ok', 'failed', 'timeExtension'] as const;

/** How a command ended, or that the reader asks for more time. */
export type CommandStatus = (typeof commandStatuses)[number];

const clockStatuses = ['running', 'stoppedLow', 'stoppedHigh', 'stoppedUnknown'] as const;

/** The card's clock. CCID 1.1, 6.2.2. */
export type ClockStatus = (typeof clockStatuses)[number];

interface FromSlot {
  readonly slot: number;
  readonly seq: number;
  readonly icc: IccStatus;
  readonly status: CommandStatus;
  /** bError: why the command failed, or the multiplier of the waiting time. `slotErrorMeaning` explains it. */
  readonly error: number;
}

/** A message from reader to host. CCID 1.1, 6.2. */
export type BulkIn =
  | (FromSlot & {
      readonly type: 'dataBlock';
      /** Extended APDU level: 0 whole, 1 first, 2 last, 3 middle, 0x10 send the next part. */
      readonly chain: number;
      readonly data: Uint8Array;
    })
  | (FromSlot & { readonly type: 'slotStatus'; readonly clock: ClockStatus })
  | (FromSlot & { readonly type: 'parameters'; readonly protocol: Protocol; readonly data: Uint8Array })
  | (FromSlot & { readonly type: 'escape'; readonly data: Uint8Array })
  | (FromSlot & {
      readonly type: 'dataRateAndClockFrequency';
      readonly clockFrequencyKhz: number;
      readonly dataRateBps: number;
    });

/** The type byte of each message. */
export const bulkInTypes = {
  dataBlock: 0x80,
  slotStatus: 0x81,
  parameters: 0x82,
  escape: 0x83,
  dataRateAndClockFrequency: 0x84,
} as const satisfies Record<BulkIn['type'], number>;

/** Reads one whole reader-to-host message. `data` is a view. */
export function decodeBulkIn(bytes: Uint8Array): Result<BulkIn, CcidCode> {
  const read = readHeader(bytes);
  if (read !== undefined) return read;
  const slot = bytes[5] ?? 0;
  const seq = bytes[6] ?? 0;
  const slotStatus = bytes[7] ?? 0;
  const error = bytes[8] ?? 0;
  const c = bytes[9] ?? 0;
  const length = bytes.length - headerBytes;
  const icc = iccStatuses[slotStatus & 3];
  const status = commandStatuses[slotStatus >> 6];
  if (icc === undefined || status === undefined || (slotStatus & 0x3c) !== 0)
    return fail('CCID_FIELD_INVALID', { offset: 7, field: 'bStatus' });
  switch (bytes[0]) {
    case 0x80: {
      if (c > 3 && c !== 0x10) return fail('CCID_FIELD_INVALID', { offset: 9, field: 'bChainParameter' });
      const data = length === 0 ? nothing : bytes.subarray(headerBytes);
      return ok({ type: 'dataBlock', slot, seq, icc, status, error, chain: c, data });
    }
    case 0x81: {
      const clock = clockStatuses[c];
      if (clock === undefined) return fail('CCID_FIELD_INVALID', { offset: 9, field: 'bClockStatus' });
      if (length !== 0) return wrongLength();
      return ok({ type: 'slotStatus', slot, seq, icc, status, error, clock });
    }
    case 0x82: {
      const protocol = protocolOf(c);
      if (protocol === undefined) return fail('CCID_FIELD_INVALID', { offset: 9, field: 'bProtocolNum' });
      // A failed command carries no parameters.
      if (length !== 0 ? length !== (c === 0 ? 5 : 7) : status === 'ok') return wrongLength();
      return ok({ type: 'parameters', slot, seq, icc, status, error, protocol, data: bytes.subarray(headerBytes) });
    }
    case 0x83:
      return ok({ type: 'escape', slot, seq, icc, status, error, data: bytes.subarray(headerBytes) });
    case 0x84: {
      if (length !== 8) return wrongLength();
      const view = asView(bytes);
      const clockFrequencyKhz = view.getUint32(10, true);
      const dataRateBps = view.getUint32(14, true);
      return ok({ type: 'dataRateAndClockFrequency', slot, seq, icc, status, error, clockFrequencyKhz, dataRateBps });
    }
    default:
      return fail('CCID_MESSAGE_UNKNOWN', { offset: 0, facts: { type: bytes[0] ?? 0 } });
  }
}

/** Writes one reader-to-host message. */
export function encodeBulkIn(message: BulkIn): Uint8Array {
  const { slot, seq, error } = message;
  const status = iccStatuses.indexOf(message.icc) | (commandStatuses.indexOf(message.status) << 6);
  const type = bulkInTypes[message.type];
  switch (message.type) {
    case 'dataBlock':
      return writeMessage(type, slot, seq, status, error, message.chain, message.data);
    case 'slotStatus':
      return writeMessage(type, slot, seq, status, error, clockStatuses.indexOf(message.clock), nothing);
    case 'parameters':
      return writeMessage(type, slot, seq, status, error, message.protocol === 'T=0' ? 0 : 1, message.data);
    case 'escape':
      return writeMessage(type, slot, seq, status, error, 0, message.data);
    case 'dataRateAndClockFrequency': {
      const data = new Uint8Array(8);
      asView(data).setUint32(0, message.clockFrequencyKhz, true);
      asView(data).setUint32(4, message.dataRateBps, true);
      return writeMessage(type, slot, seq, status, error, 0, data);
    }
  }
}

const wrongLength = () => fail('CCID_LENGTH_WRONG', { offset: 1, field: 'dwLength' });
