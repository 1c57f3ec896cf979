import { createHash } from 'node:crypto';
import { asBuffer, fail, ok, type Result } from '../kit/index.ts';

/** Length of the chunks that images are published in, bytes: eight seconds of a 64 kbit/s line. */
export const chunkBytes = 65_536;

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Bytes in chunks: the whole by its SHA-256, each chunk by its own. */
export interface Chunked {
  readonly digest: string;
  readonly size: number;
  readonly chunkLength: number;
  /** SHA-256 of each chunk in hex. */
  readonly chunks: readonly string[];
}

/** Cuts bytes into chunks and takes every digest of them. */
export function chunked(bytes: Uint8Array, chunkLength = chunkBytes): Chunked {
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkLength) }, (_, index) =>
    sha256(bytes.subarray(index * chunkLength, (index + 1) * chunkLength)).toString('hex'),
  );
  return { digest: sha256(bytes).toString('hex'), size: bytes.length, chunkLength, chunks };
}

/** The list of chunks as an artefact: 32 bytes each, in order. Targets name it by its digest. */
export const encodeChunkList = ({ chunks }: Pick<Chunked, 'chunks'>): Uint8Array =>
  Uint8Array.from(Buffer.from(chunks.join(''), 'hex'));

/** How long the list of an image is, bytes. */
export const chunkListLength = (size: number, chunkLength: number): number => 32 * Math.ceil(size / chunkLength);

/** Reads a list against the digest that a signed target gives it. */
export function readChunkList(
  bytes: Uint8Array,
  { digest, size, chunkLength }: { readonly digest: string; readonly size: number; readonly chunkLength: number },
): Result<readonly string[], 'SOFTWARE_NOT_AS_ANNOUNCED'> {
  const isWhole = bytes.length === chunkListLength(size, chunkLength);
  if (!isWhole || sha256(bytes).toString('hex') !== digest)
    return fail('SOFTWARE_NOT_AS_ANNOUNCED', { field: 'chunks' });
  const text = asBuffer(bytes).toString('hex');
  return ok(Array.from({ length: bytes.length / 32 }, (_, index) => text.slice(index * 64, (index + 1) * 64)));
}
