import { deriveAesWorkingKey, deriveTdesWorkingKey, type TransactionKey } from '../dukpt/index.ts';
import type { Message } from '../iso8583/index.ts';
import { ok, type Result, Secret, unwrap } from '../kit/index.ts';
import { type EncodeError, encipherPin } from '../pinblock/index.ts';

/**
 * Puts a PIN into a request of W3: DE52, under the PIN encryption key of the transaction whose KSN the frame has: format 4 for AES,
 * format 0 for TDES. X9.24-3:2017, 6.2.1 and C.4.3; ISO 9564-1:2017, 9.3.1 and 9.4.
 *
 * @param pin ASCII digits; the caller wipes it
 */
export function withPin(
  message: Message,
  pin: Secret<'pin'>,
  pan: Secret<'pan'>,
  transactionKey: TransactionKey,
  entropy: (lengthBytes: number) => Uint8Array,
): Result<Message, EncodeError | 'KEY_LENGTH_INVALID'> {
  const [format, key] = pinKeyOf(transactionKey);
  const block = encipherPin({ format, key, pin, pan, entropy });
  key.wipe();
  if (!block.ok) return block;
  return ok({ mti: message.mti, fields: { ...message.fields, 52: Secret.take('pin', block.value) } });
}

/** The PIN key of a transaction, and the format of blocks under it. */
export const pinKeyOf = (transactionKey: TransactionKey): readonly [0 | 4, Secret<'key'>] =>
  'key' in transactionKey
    ? [0, deriveTdesWorkingKey(transactionKey, 'pinEncryption')]
    : // AES128 is never stronger than a parent, so this cannot fail.
      [4, unwrap(deriveAesWorkingKey(transactionKey, 'pinEncryption', 'AES128'))];
