import { createHash } from 'node:crypto';
import { devicePaths } from '@tsunagu/protocols/fleet';
import { concat, fail, ok, type Result } from '@tsunagu/protocols/kit';
import { decodeSnapshot, type NegativeHead, type Snapshot } from '@tsunagu/protocols/negative';
import type { Timers } from '@tsunagu/protocols/world';
import { exchange, type HttpsFault, type SecureNetwork } from '../link/index.ts';

/** What arrived of an artefact so far: a broken download goes on where it ended. */
export interface PartialArtefact {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

export type SnapshotFault = HttpsFault | 'ARTEFACT_UNAVAILABLE' | 'NEGATIVE_FILE_INVALID';

const timeoutMs = 60_000;

/**
 * Fetches the rest of an artefact of the device API (RFC 9110, 14: one range to the end).
 * @param partial what is here already; `onPartial` hears of everything that came, also when the download breaks
 */
export async function fetchArtefact(
  network: SecureNetwork,
  host: string,
  timers: Timers,
  head: Pick<NegativeHead, 'digest' | 'size'>,
  partial: PartialArtefact | undefined,
  onPartial: (partial: PartialArtefact) => void,
): Promise<Result<Uint8Array, SnapshotFault>> {
  const have = partial?.digest === head.digest && partial.bytes.length < head.size ? partial.bytes : new Uint8Array(0);
  const pieces: Uint8Array[] = [];
  const answer = await exchange(network, host, timers, {
    method: 'GET',
    path: `${devicePaths.artefacts}/${head.digest}`,
    ...(have.length > 0 && { headers: { range: `bytes=${have.length}-` } }),
    lengthMax: head.size,
    timeoutMs,
    onBytes: (piece) => pieces.push(Uint8Array.from(piece)),
  });
  const arrived = concat(...pieces);
  if (!answer.ok) {
    // Whether it was the rest or the whole is known by the status only: without one, what came is kept only from scratch.
    if (have.length === 0 && arrived.length > 0 && answer.fault.code !== 'MESSAGE_INVALID')
      onPartial({ digest: head.digest, bytes: arrived });
    return answer;
  }
  const { status } = answer.value;
  if (status === 200) return ok(arrived);
  if (status === 206 && have.length > 0) return ok(concat(have, arrived));
  return fail('ARTEFACT_UNAVAILABLE', { facts: { status } });
}

/** Checks a fetched snapshot against its head, in this order: size, digest, form, name and version. */
export function checkSnapshot(bytes: Uint8Array, head: NegativeHead): Result<Snapshot, 'NEGATIVE_FILE_INVALID'> {
  if (bytes.length !== head.size)
    return fail('NEGATIVE_FILE_INVALID', { field: 'size', facts: { size: bytes.length, announced: head.size } });
  if (createHash('sha256').update(bytes).digest('hex') !== head.digest)
    return fail('NEGATIVE_FILE_INVALID', { field: 'digest' });
  const snapshot = decodeSnapshot(bytes);
  if (!snapshot.ok) return snapshot;
  if (snapshot.value.list !== head.list || snapshot.value.version !== head.version)
    return fail('NEGATIVE_FILE_INVALID', { field: 'version', facts: { version: snapshot.value.version } });
  return snapshot;
}
