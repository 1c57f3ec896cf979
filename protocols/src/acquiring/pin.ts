import { type AesTransactionKey, deriveAesWorkingKey } from '../dukpt/index.ts';
import type { Message } from '../iso8583/index.ts';
import { ok, type Result, Secret, unwrap } from '../kit/index.ts';
import { type EncodeError, encipherPin } from '../pinblock/index.ts';

/**
 * Puts a PIN into a request of W3: DE52, format 4, under the PIN encryption key of the transaction whose KSN the frame has.
 * X9.24-3:2017, 6.2.1; ISO 9564-1:2017, 9.4.
 *
 * @param pin ASCII digits; the caller wipes it
 */
export function withPin(
  message: Message,
  pin: Secret<'pin'>,
  pan: Secret<'pan'>,
  transactionKey: AesTransactionKey,
  entropy: (lengthBytes: number) => Uint8Array,
): Result<Message, EncodeError | 'KEY_LENGTH_INVALID'> {
  // AES128 is never stronger than a parent, so this cannot fail.
  const key = unwrap(deriveAesWorkingKey(transactionKey, 'pinEncryption', 'AES128'));
  const block = encipherPin({ format: 4, key, pin, pan, entropy });
  key.wipe();
  if (!block.ok) return block;
  return ok({ mti: message.mti, fields: { ...message.fields, 52: Secret.take('pin', block.value) } });
}
