import { DerWalk, malformed, octetString, tags, walkInto } from '../der/index.ts';
import { fail, ok, type Result } from '../kit/index.ts';
import { oids } from './oids.ts';
import { attribute, readToken } from './signed-data.ts';

/** Whether a nonce has a length of TR-34: 8 or 16 bytes. */
export const isNonceLength = (lengthBytes: number): boolean => lengthBytes === 8 || lengthBytes === 16;

/**
 * Writes a random number token (RT-KRD): the nonce that the next token must carry. The device keeps it, and forgets it
 * with the first answer, good or bad.
 *
 * @see ASC X9 TR 34-2019, 6.2 and B.3
 */
export const writeRandomToken = (nonce: Uint8Array): Result<Uint8Array, 'TR34_NONCE_LENGTH_INVALID'> =>
  isNonceLength(nonce.length)
    ? ok(attribute(oids.randomNonce, octetString(nonce)))
    : fail('TR34_NONCE_LENGTH_INVALID', { facts: { lengthBytes: nonce.length } });

/** Reads a random number token. */
export function readRandomToken(
  token: Uint8Array,
): Result<Uint8Array, 'TR34_ENCODING_INVALID' | 'TR34_NONCE_LENGTH_INVALID'> {
  const nonce = readToken(token, () => {
    const walk = walkInto(token, tags.sequence);
    if (walk.oid() !== oids.randomNonce) malformed();
    const values = new DerWalk(walk.take(tags.set).content);
    walk.end();
    const { content } = values.take(tags.octetString);
    values.end();
    return content;
  });
  if (!nonce.ok) return nonce;
  return isNonceLength(nonce.value.length)
    ? nonce
    : fail('TR34_NONCE_LENGTH_INVALID', { facts: { lengthBytes: nonce.value.length } });
}
