import { createHash } from 'node:crypto';
import { devicePaths, type SoftwareInstall } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { exchange, type HttpsFault, type SecureNetwork } from '../link/index.ts';
import type { Files } from '../sealed-store/index.ts';

/** One range, and one file of the medium: after a power loss the download goes on behind the last whole one. */
export const pieceBytes = 256 * 1024;
const pieceTimeoutMs = 120_000;

export type DownloadFault = HttpsFault | 'ARTEFACT_UNAVAILABLE' | 'STORE_WRITE_FAILED' | 'SOFTWARE_NOT_AS_ANNOUNCED';

/** Names of the files that hold an image, in order. */
export const pieceNames = ({ digest, size }: { readonly digest: string; readonly size: number }): readonly string[] =>
  Array.from({ length: Math.ceil(size / pieceBytes) }, (_, index) => `software-${digest.slice(0, 16)}.${index}`);

/** Where an image comes from and goes to. */
export interface DownloadParts {
  readonly world: World;
  readonly files: Files;
  readonly network: SecureNetwork;
  readonly host: string;
  readonly signal: AbortSignal;
}

/**
 * Fetches an image piece by piece (RFC 9110, 14) and checks it against the digest of its signed order. What does not match is
 * removed as a whole: nobody can tell which of its pieces lie.
 */
export async function downloadImage(
  parts: DownloadParts,
  wanted: Pick<SoftwareInstall, 'digest' | 'size'>,
  onPiece: (done: number, of: number) => void,
): Promise<Result<void, DownloadFault>> {
  const { files, signal } = parts;
  const names = pieceNames(wanted);
  for (const [index, name] of names.entries()) {
    const length = Math.min(pieceBytes, wanted.size - index * pieceBytes);
    try {
      if ((await files.read(name))?.length === length) continue;
      if (signal.aborted) return fail('LINK_DOWN');
      const piece = await fetchPiece(parts, wanted.digest, index * pieceBytes, length);
      if (!piece.ok) return piece;
      // A torn write leaves a shorter file, which the next round fetches anew.
      await files.write(name, piece.value);
    } catch (cause) {
      return fail('STORE_WRITE_FAILED', { field: name, cause });
    }
    onPiece(index + 1, names.length);
  }
  const digest = createHash('sha256');
  for (const name of names) digest.update((await files.read(name)) ?? new Uint8Array(0));
  if (digest.digest('hex') === wanted.digest) return ok(undefined);
  await removeImage(files, wanted);
  return fail('SOFTWARE_NOT_AS_ANNOUNCED', { field: 'digest' });
}

async function fetchPiece(
  { world, network, host }: DownloadParts,
  digest: string,
  start: number,
  length: number,
): Promise<Result<Uint8Array, HttpsFault | 'ARTEFACT_UNAVAILABLE'>> {
  const answer = await exchange(network, host, world.timers, {
    method: 'GET',
    path: `${devicePaths.artefacts}/${digest}`,
    headers: { range: `bytes=${start}-${start + length - 1}` },
    lengthMax: length,
    timeoutMs: pieceTimeoutMs,
  });
  if (!answer.ok) return answer;
  const { status, body } = answer.value;
  // A server that ignores ranges answers 200 with the whole, which fits only when the whole is one piece.
  const isPiece = (status === 206 || (status === 200 && start === 0)) && body.length === length;
  return isPiece ? ok(body) : fail('ARTEFACT_UNAVAILABLE', { facts: { status, length: body.length } });
}

/** Removes the files of an image; those that are not there are no fault. */
export async function removeImage(
  files: Files,
  image: { readonly digest: string; readonly size: number },
): Promise<void> {
  for (const name of pieceNames(image)) await files.remove(name);
  await files.syncFolder();
}
