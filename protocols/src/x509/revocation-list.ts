import { authorityKeyIdentifier, extension, type Issuer, signBy } from './certificate.ts';
import { bitString, context, encode, integer, oid, sequence, time } from './der.ts';
import { distinguishedName } from './name.ts';
import { oids } from './oids.ts';

/** A certificate that no longer counts. */
export interface RevokedCertificate {
  /** Its serial number, big-endian. */
  readonly serialNumber: Uint8Array;
  /** Milliseconds since 1970. */
  readonly revokedAt: number;
}

/** What a revocation list is to say. */
export interface RevocationListContents {
  /** Rises with each list of an issuer. RFC 5280, 5.2.3. */
  readonly number: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly revoked: readonly RevokedCertificate[];
}

/**
 * Makes a certificate revocation list of version 2 (RFC 5280, 5.1), signed with ecdsa-with-SHA256.
 * @returns DER; media type application/pkix-crl (RFC 2585, 4.2)
 */
export function buildRevocationList(contents: RevocationListContents, issuer: Issuer): Uint8Array {
  const { number, thisUpdate, nextUpdate, revoked } = contents;
  const algorithm = sequence(oid(oids.ecdsaWithSha256));
  const numberBytes = Buffer.alloc(6);
  numberBytes.writeUIntBE(number, 0, 6);
  const toSign = sequence(
    integer(Uint8Array.of(1)),
    algorithm,
    distinguishedName(issuer.name),
    time(thisUpdate),
    time(nextUpdate),
    // An empty list is absent, not empty. 5.1.2.6.
    ...(revoked.length === 0
      ? []
      : [sequence(...revoked.map((one) => sequence(integer(one.serialNumber), time(one.revokedAt))))]),
    context(0, sequence(authorityKeyIdentifier(issuer), extension(oids.crlNumber, false, integer(numberBytes)))),
  );
  return encode(sequence(toSign, algorithm, bitString(signBy(issuer, encode(toSign)))));
}
