import { CaKeyTable, caKeyHash, RevocationList, revokedCertificatesMax, schemes } from '@tsunagu/protocols/emv';
import { parseJson } from '@tsunagu/protocols/fleet';
import { fail, hex, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import { revokedTestCertificates, testCaKeys } from '@tsunagu/protocols/test-cards';
import { z } from 'zod';
import type { KernelSettings } from '../kernel/index.ts';
import type { Files } from '../sealed-store/index.ts';

/** By what a terminal tells genuine chips, and what it asks of them: CA keys, withdrawn issuer certificates, action codes. */
export type CardAuthorities = Required<Pick<KernelSettings, 'caKeys' | 'revoked' | 'schemeActionCodes'>>;

/** The file in a terminal's folder that an acquirer's values are in. It holds no secret. */
export const authoritiesFile = 'card-authorities.json';

const bytes = (lengthBytes: number) => z.string().regex(new RegExp(`^([0-9A-F]{2}){${lengthBytes}}$`));
const actionCode = bytes(5).transform((text) => hex(text));
const index = bytes(1).transform((text) => Number.parseInt(text, 16));
const schemeNames = Object.keys(schemes) as [keyof typeof schemes, ...(keyof typeof schemes)[]];

/** EMV 4.3 Book 2, 11.2.2, table 30 (keys with checksum and expiry); 5.1.2 (withdrawn certificates); Book 3, 10.7 (action codes). */
const fileSchema = z.strictObject({
  v: z.literal(1),
  keys: z
    .array(
      z.strictObject({
        rid: bytes(5),
        index,
        modulus: z
          .string()
          .regex(/^([0-9A-F]{2}){64,248}$/)
          .transform((text) => hex(text)),
        exponent: z.enum(['03', '010001']).transform((text) => (text === '03' ? 3 : 65_537)),
        expiry: z.iso.date(),
        hash: bytes(20).transform((text) => hex(text)),
      }),
    )
    .max(256),
  revoked: z
    .array(z.strictObject({ rid: bytes(5), index, serial: bytes(3) }))
    .max(revokedCertificatesMax)
    .default([]),
  actionCodes: z
    .partialRecord(z.enum(schemeNames), z.strictObject({ denial: actionCode, online: actionCode, default: actionCode }))
    .default({}),
});

/** The test CA, whose cards an emulated fleet reads. */
export const testAuthorities: CardAuthorities = {
  caKeys: unwrap(CaKeyTable.load(testCaKeys().map((key) => ({ ...key, hash: caKeyHash(key) })))),
  revoked: new RevocationList(revokedTestCertificates()),
  schemeActionCodes: {},
};

/**
 * Reads a terminal's authorities; without a file they are those of the test CA. EMV_KEY_INVALID names the first key whose checksum or
 * shape is wrong; an expired key is loaded, and not used.
 */
export async function readCardAuthorities(
  files: Files,
): Promise<Result<CardAuthorities, 'CARD_AUTHORITIES_INVALID' | 'EMV_KEY_INVALID'>> {
  let content: Uint8Array | undefined;
  try {
    content = await files.read(authoritiesFile);
  } catch (cause) {
    return fail('CARD_AUTHORITIES_INVALID', { field: authoritiesFile, cause });
  }
  if (content === undefined) return ok(testAuthorities);
  const read = parseJson(fileSchema, content, 1_048_576);
  if (!read.ok) return fail('CARD_AUTHORITIES_INVALID', { field: authoritiesFile, cause: read.fault });
  const caKeys = CaKeyTable.load(read.value.keys);
  if (!caKeys.ok) return caKeys;
  const { revoked, actionCodes } = read.value;
  return ok({ caKeys: caKeys.value, revoked: new RevocationList(revoked), schemeActionCodes: actionCodes });
}
