import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SoftwareAttestation } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { TargetFile } from '@tsunagu/protocols/software';
import { coverageOf, openAttestation, totalsOf } from '@tsunagu/protocols/workshop';
import { writeWhole } from '../artefacts/index.ts';

/** What bridges attested of images. */
export interface Attestations {
  /** Takes an attestation for a target: by the key that the signed target names, made for this image, all green, and of enough that was tried. */
  bind(
    target: TargetFile,
    text: string,
  ): Promise<
    Result<
      SoftwareAttestation,
      | 'ATTESTATION_INVALID'
      | 'ATTESTATION_NOT_AUTHENTIC'
      | 'ATTESTATION_FOR_ANOTHER'
      | 'SOFTWARE_ATTESTATION_FAILED'
      | 'ATTESTATION_TOO_THIN'
      | 'ATTESTATION_EMULATED'
    >
  >;
  /** What is bound to a target; verified again each time, since the key that it needs may have changed. */
  find(target: TargetFile): Promise<SoftwareAttestation | undefined>;
}

export async function openAttestations(folder: string): Promise<Attestations> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return {
    async bind(target, text) {
      const checked = check(target, text);
      if (checked.ok) await writeWhole(join(folder, target.hashes.sha256), text);
      return checked;
    },
    async find(target) {
      const text = await readFile(join(folder, target.hashes.sha256), 'utf8').catch(() => undefined);
      const checked = text === undefined ? undefined : check(target, text);
      return checked?.ok ? checked.value : undefined;
    },
  };
}

function check({ hashes, custom }: TargetFile, text: string): Awaited<ReturnType<Attestations['bind']>> {
  const trusted = custom.requires?.attestation;
  // The target says whose word counts; where it names nobody, nobody's does.
  if (trusted === undefined) return fail('ATTESTATION_NOT_AUTHENTIC', { field: 'attestation' });
  const opened = openAttestation(text, Uint8Array.from(Buffer.from(trusted, 'base64')));
  if (!opened.ok) return opened;
  const { attestation, kid } = opened.value;
  if (attestation.nonce !== hashes.sha256) return fail('ATTESTATION_FOR_ANOTHER');
  const { passed, failed } = totalsOf(attestation);
  if (failed > 0 || passed === 0) return fail('SOFTWARE_ATTESTATION_FAILED', { facts: { passed, failed } });
  const covered = coverageOf(attestation, custom.requires?.attestationAtLeast);
  if (!covered.isEnough)
    return fail('ATTESTATION_TOO_THIN', {
      facts: { readers: covered.readers, readersNeeded: covered.needed.readers, cardsNeeded: covered.needed.cards },
    });
  const emulated = attestation.runs.filter(({ reader }) => reader.isEmulated).length;
  if (emulated > 0 && custom.requires?.emulatedReaders !== true)
    return fail('ATTESTATION_EMULATED', { facts: { emulated, runs: attestation.runs.length } });
  return ok({ kid, madeAt: attestation.madeAt, passed, readers: covered.readers });
}
