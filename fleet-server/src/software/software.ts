import { open } from 'node:fs/promises';
import type { SoftwareImage, SoftwareInstall } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { readSoftwareHeader, softwareBytesMax, softwareHeaderBytesMax } from '@tsunagu/protocols/software';
import type { Artefacts } from '../artefacts/index.ts';

/** Software images: kept as artefacts under their digest, described by their own header. */
export interface SoftwareImages {
  /** Keeps an image. The same bytes again are the same image. */
  upload(bytes: Uint8Array): Promise<Result<SoftwareImage, 'SOFTWARE_IMAGE_INVALID'>>;
  /** What a terminal is told to install it. */
  order(
    digest: string,
    proofTimeoutMs: number,
  ): Promise<Result<SoftwareInstall & { readonly model: string }, 'ARTEFACT_UNKNOWN' | 'SOFTWARE_IMAGE_INVALID'>>;
}

export const openSoftwareImages = (artefacts: Artefacts): SoftwareImages => ({
  async upload(bytes) {
    if (bytes.length > softwareBytesMax) return fail('SOFTWARE_IMAGE_INVALID', { field: 'size' });
    const header = readSoftwareHeader(bytes);
    if (!header.ok) return header;
    const { version, model, counter } = header.value;
    return ok({ ...(await artefacts.put(bytes)), version, model, counter });
  },
  async order(digest, proofTimeoutMs) {
    const found = await artefacts.find(digest);
    if (!found) return fail('ARTEFACT_UNKNOWN', { facts: { digest } });
    const file = await open(found.path);
    try {
      const first = Buffer.alloc(Math.min(found.size, softwareHeaderBytesMax + 6));
      await file.read(first, 0, first.length, 0);
      const header = readSoftwareHeader(first);
      if (!header.ok) return header;
      const { version, model, counter } = header.value;
      return ok({ version, model, counter, digest, size: found.size, proofTimeoutMs });
    } finally {
      await file.close();
    }
  },
});
