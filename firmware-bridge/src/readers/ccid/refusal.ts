import { type BulkIn, slotErrorMeaning } from '@tsunagu/protocols/ccid';
import { fail, type Result } from '@tsunagu/protocols/kit';
import type { ReaderCode } from '../codes.ts';

/** What a refused command means for the caller. */
export function refusalOf({ icc, error }: BulkIn): Result<never, ReaderCode> {
  const { name } = slotErrorMeaning(error);
  if (icc === 'absent') return fail('READER_CARD_ABSENT', { facts: { error: name } });
  if (name === 'ICC_MUTE') return fail('READER_CARD_MUTE', { facts: { error: name } });
  if (name === 'PIN_CANCELLED') return fail('PIN_PAD_CANCELLED');
  if (name === 'PIN_TIMEOUT') return fail('PIN_PAD_TIMEOUT');
  return fail('READER_REFUSED', { facts: { error: name } });
}

/**
 * A refusal of a PIN entry before anything reached the card: the command (bError 0), or a byte of it (1 to 7F), is none that the reader
 * knows. There are readers that announce a pad and have none. CCID 1.1, 6.2.6.
 */
export function padRefusal<T>(result: Result<T, ReaderCode>): Result<T, ReaderCode> {
  if (result.ok || result.fault.code !== 'READER_REFUSED') return result;
  const error = String(result.fault.facts?.['error'] ?? '');
  const isOfCommand = error === 'CMD_NOT_SUPPORTED' || error === 'BAD_LENGTH' || error.startsWith('BAD_PARAMETER_');
  return isOfCommand ? fail('PIN_PAD_REFUSED', { facts: { error } }) : result;
}
