import { open, readFile } from 'node:fs/promises';
import type { SoftwareImage } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  chunked,
  encodeChunkList,
  readSoftwareHeader,
  softwareBytesMax,
  type SoftwareHeader,
  softwareHeaderBytesMax,
} from '@tsunagu/protocols/software';
import type { Artefacts } from '../artefacts/index.ts';

/** Software images: kept as artefacts under their digest, each beside the list of its chunks, described by its own header. */
export interface Images {
  /** Keeps an image. The same bytes again are the same image. */
  upload(bytes: Uint8Array): Promise<Result<SoftwareImage, 'SOFTWARE_IMAGE_INVALID'>>;
  header(digest: string): Promise<Result<SoftwareHeader, 'ARTEFACT_UNKNOWN' | 'SOFTWARE_IMAGE_INVALID'>>;
  bytes(digest: string): Promise<Result<Uint8Array, 'ARTEFACT_UNKNOWN'>>;
}

export const openImages = (artefacts: Artefacts): Images => ({
  async upload(bytes) {
    if (bytes.length > softwareBytesMax) return fail('SOFTWARE_IMAGE_INVALID', { field: 'size' });
    const header = readSoftwareHeader(bytes);
    if (!header.ok) return header;
    const { version, model, counter } = header.value;
    await artefacts.put(encodeChunkList(chunked(bytes)));
    return ok({ ...(await artefacts.put(bytes)), version, model, counter });
  },
  async header(digest) {
    const found = await artefacts.find(digest);
    if (!found) return fail('ARTEFACT_UNKNOWN', { facts: { digest } });
    const file = await open(found.path);
    try {
      const first = Buffer.alloc(Math.min(found.size, softwareHeaderBytesMax + 6));
      await file.read(first, 0, first.length, 0);
      return readSoftwareHeader(first);
    } finally {
      await file.close();
    }
  },
  async bytes(digest) {
    const found = await artefacts.find(digest);
    return found ? ok(await readFile(found.path)) : fail('ARTEFACT_UNKNOWN', { facts: { digest } });
  },
});
