import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { type EnrolmentRequest, manufacturerStatement, parseJson } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import type { Files } from '../sealed-store/index.ts';

/** The file in which an emulated terminal has what a real one has in its secure element: its maker's certificate and the key of it. */
export const manufacturerFile = 'manufacturer.json';

const manufacturerIdentity = z.object({
  /** The device's certificate and those above it, PEM; without the maker's root. */
  chain: z.string().max(8_192),
  /** PKCS #8, PEM. */
  privateKey: z.string().max(8_192),
});

/** The identity that the maker gave the terminal. */
export interface ManufacturerIdentity {
  readonly chain: string;
  readonly privateKey: KeyObject;
}

/** Reads the maker's identity; undefined where the terminal has none. */
export async function readManufacturer(
  files: Files,
): Promise<Result<ManufacturerIdentity | undefined, 'MANUFACTURER_INVALID'>> {
  const bytes = await files.read(manufacturerFile);
  if (!bytes) return ok(undefined);
  const read = parseJson(manufacturerIdentity, bytes);
  bytes.fill(0);
  if (!read.ok) return fail('MANUFACTURER_INVALID', { cause: read.fault });
  try {
    return ok({ chain: read.value.chain, privateKey: createPrivateKey(read.value.privateKey) });
  } catch (cause) {
    return fail('MANUFACTURER_INVALID', { cause });
  }
}

/** The proof that goes with an enrolment instead of the claim's. */
export const manufacturerProof = (
  { chain, privateKey }: ManufacturerIdentity,
  claimed: Pick<EnrolmentRequest, 'tenant' | 'serial' | 'csr' | 'agreementKey'>,
): NonNullable<EnrolmentRequest['manufacturer']> => ({
  chain,
  signature: sign('sha256', manufacturerStatement(claimed), privateKey).toString('base64'),
});
