import { type ClaimBundle, claimBundle, parseJson } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import type { Files } from '../sealed-store/index.ts';

/** The file in a terminal's folder that the factory writes once. */
export const claimFile = 'claim.json';

/** A claim bundle, its secret taken out of the text. */
export interface Claim extends Omit<ClaimBundle, 'claimSecret'> {
  readonly secret: Secret<'claim'>;
}

/** Reads the claim bundle of a terminal's folder. */
export async function readClaim(files: Files): Promise<Result<Claim, 'CLAIM_BUNDLE_INVALID'>> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await files.read(claimFile);
  } catch (cause) {
    return fail('CLAIM_BUNDLE_INVALID', { cause });
  }
  if (!bytes) return fail('CLAIM_BUNDLE_INVALID', { facts: { missing: true } });
  const bundle = parseJson(claimBundle, bytes);
  bytes.fill(0);
  if (!bundle.ok) return fail('CLAIM_BUNDLE_INVALID', { cause: bundle.fault });
  const { claimSecret, ...rest } = bundle.value;
  return ok({ ...rest, secret: Secret.take('claim', Uint8Array.from(Buffer.from(claimSecret, 'base64'))) });
}
