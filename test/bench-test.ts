import { generateKeyPairSync } from 'node:crypto';
import { unwrap } from '@tsunagu/protocols/kit';
import { signAttestation } from '@tsunagu/protocols/workshop';

const bench = generateKeyPairSync('ed25519');
const benchKey = Uint8Array.from(bench.publicKey.export({ type: 'spki', format: 'der' }));
const zeros = '00'.repeat(32);
/** The bench as it is registered: a test by one that is not counts nowhere. */
export const benchHolder = { name: '試験台 1', publicKey: Buffer.from(benchKey).toString('base64') };
/** A test at the bench that passed, for one work order, as `tsunagu bridge attest` writes it. */
export const benchTest = (at: number, work: string): string =>
  unwrap(
    signAttestation(
      {
        v: 1,
        madeAt: new Date(at).toISOString(),
        nonce: work,
        bridge: { version: '0.1.0', node: 'v20.19.0', platform: 'linux x64' },
        runs: [
          {
            reader: { name: 'CCID contact', vendorId: 0x0e0f, productId: 4, isEmulated: true },
            card: 'visa-contact',
            script: 'certify',
            steps: { atr: 'passed' },
            passed: 1,
            failed: 0,
            skipped: 0,
            traceHash: zeros,
            tookMs: 12,
          },
        ],
        digest: zeros,
      },
      bench.privateKey,
      benchKey,
    ),
  );
