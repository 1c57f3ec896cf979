import { concat, fail, ok, type Result } from '../kit/index.ts';
import type { CcidCode } from './header.ts';

/** How a reader with a PIN pad takes a PIN and puts it into an APDU. CCID 1.1, 6.1.11. */
export interface PinVerification {
  readonly operation: 'verify';
  /** Seconds to the first digit and between digits; 0 is the reader's own. */
  readonly timeoutSeconds: number;
  /** bmFormatString: system units, position, justification and PIN type. */
  readonly format: number;
  /** bmPINBlockString: length size and block size. */
  readonly pinBlock: number;
  /** bmPINLengthFormat: where the PIN length goes. */
  readonly lengthFormat: number;
  readonly digitsMin: number;
  readonly digitsMax: number;
  /** bEntryValidationCondition: 1 size reached, 2 key pressed, 4 timeout. */
  readonly validation: number;
  readonly messageCount: number;
  /** USB language id, 0x0411 is Japanese. */
  readonly languageId: number;
  readonly messageIndex: number;
  /** T=1 prologue; zeros for APDU-level readers. */
  readonly prologue: readonly [number, number, number];
  /** The command APDU into which the reader writes the PIN. */
  readonly apdu: Uint8Array;
}

/** The change of a PIN on a reader with a PIN pad. */
export interface PinModification extends Omit<PinVerification, 'operation' | 'messageIndex'> {
  readonly operation: 'modify';
  readonly offsetOld: number;
  readonly offsetNew: number;
  /** bConfirmPIN: 1 ask the new one twice, 2 ask the old one. */
  readonly confirm: number;
  /** bMsgIndex1 to 3; as many as `messageCount` needs are written. */
  readonly messageIndexes: readonly [number, number, number];
}

/** Data of a Secure message. */
export type PinOperation = PinVerification | PinModification;

/** Reads the data of a Secure message (bPINOperation and its structure). */
export function decodePinOperation(data: Uint8Array): Result<PinOperation, CcidCode> {
  const operation = data[0];
  if (operation === undefined) return fail('CCID_TRUNCATED', { offset: 0 });
  if (operation > 1) return fail('CCID_FIELD_INVALID', { offset: 0, field: 'bPINOperation' });
  const at = (index: number): number => data[index] ?? 0;
  const common = { timeoutSeconds: at(1), format: at(2), pinBlock: at(3), lengthFormat: at(4) };
  if (operation === 0) {
    if (data.length < 15) return fail('CCID_TRUNCATED', { offset: data.length });
    return ok({
      operation: 'verify',
      ...common,
      digitsMax: at(5),
      digitsMin: at(6),
      validation: at(7),
      messageCount: at(8),
      languageId: at(9) | (at(10) << 8),
      messageIndex: at(11),
      prologue: [at(12), at(13), at(14)],
      apdu: data.subarray(15),
    });
  }
  const messageCount = at(11);
  const indexes = messageCount === 0 ? 1 : Math.min(messageCount, 3);
  const end = 14 + indexes + 3;
  if (data.length < end) return fail('CCID_TRUNCATED', { offset: data.length });
  return ok({
    operation: 'modify',
    ...common,
    offsetOld: at(5),
    offsetNew: at(6),
    digitsMax: at(7),
    digitsMin: at(8),
    confirm: at(9),
    validation: at(10),
    messageCount,
    languageId: at(12) | (at(13) << 8),
    messageIndexes: [at(14), indexes > 1 ? at(15) : 0, indexes > 2 ? at(16) : 0],
    prologue: [at(end - 3), at(end - 2), at(end - 1)],
    apdu: data.subarray(end),
  });
}

/** Writes the data of a Secure message. */
export function encodePinOperation(pin: PinOperation): Uint8Array {
  const head = [pin.timeoutSeconds, pin.format, pin.pinBlock, pin.lengthFormat];
  const language = [pin.languageId & 0xff, pin.languageId >> 8];
  if (pin.operation === 'verify') {
    const { digitsMax, digitsMin, validation, messageCount, messageIndex, prologue, apdu } = pin;
    const rest = [digitsMax, digitsMin, validation, messageCount, ...language, messageIndex, ...prologue];
    return concat(Uint8Array.of(0, ...head, ...rest), apdu);
  }
  const { offsetOld, offsetNew, digitsMax, digitsMin, confirm, validation, messageCount, prologue, apdu } = pin;
  const indexes = pin.messageIndexes.slice(0, messageCount === 0 ? 1 : Math.min(messageCount, 3));
  const rest = [offsetOld, offsetNew, digitsMax, digitsMin, confirm, validation, messageCount, ...language, ...indexes];
  return concat(Uint8Array.of(1, ...head, ...rest, ...prologue), apdu);
}
