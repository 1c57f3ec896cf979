import { keyIdOf, type PinnedKey, signDocumentBy } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import type { Vault } from '../vault/index.ts';
import type { Sign } from './row.ts';

/** The key that signs orders. */
const keyId = 'sign/jobs';

/** What signs orders to terminals, and what they hold of it. */
export interface JobSigner {
  readonly pinned: PinnedKey;
  readonly sign: Sign;
}

/** Opens the signer of orders; its key is made in the vault when it is missing. */
export async function openJobSigner(vault: Vault): Promise<JobSigner> {
  await vault.ensure(keyId, 'job-signing');
  const spki = unwrap(vault.publicKey(keyId)).export({ format: 'der', type: 'spki' });
  const kid = keyIdOf(spki);
  return {
    pinned: { kid, publicKey: spki.toString('base64') },
    sign: (payload) =>
      signDocumentBy('tsunagu-job-v1', payload, kid, (bytes) => vault.sign(keyId, 'job-signing', bytes)),
  };
}
