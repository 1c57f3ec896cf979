import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  devicePaths,
  type JobId,
  logBytesMax,
  logPieceBytesMax,
  logProgress,
  parseJson,
  type PulledLog,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { exchange, type HttpsFault, type SecureNetwork } from '../link/index.ts';
import { type Files, replaceFile } from '../sealed-store/index.ts';
import type { LogRing } from './log-ring.ts';

/** Where a log goes, and where it waits meanwhile. */
export interface LogUpload {
  readonly world: World;
  readonly files: Files;
  readonly network: SecureNetwork;
  readonly host: string;
  readonly ring: LogRing;
}

export type LogUploadFault = HttpsFault | 'STORE_WRITE_FAILED' | 'ARTEFACT_UNAVAILABLE' | 'JOB_CANCELLED';

const pieceTimeoutMs = 20_000;
const unpackedMax = 8 * 1_048_576;

/**
 * Uploads the newest lines of the log. What is uploaded lies in a file of its own from the beginning to the end, so that an upload that
 * was interrupted, by a power loss too, goes on where the server has it to.
 */
export async function uploadLog(
  parts: LogUpload,
  job: JobId,
  linesMax: number,
  takenBack: AbortSignal,
): Promise<Result<PulledLog, LogUploadFault>> {
  const { files } = parts;
  const name = `log-${job}.gz`;
  let whole: Uint8Array;
  try {
    const begun = await files.read(name);
    const known = begun && linesOf(begun);
    whole = begun && known !== undefined ? begun : packed(parts.ring.lines(linesMax));
    if (whole !== begun) await replaceFile(files, name, whole);
  } catch (cause) {
    return fail('STORE_WRITE_FAILED', { field: name, cause });
  }
  const digest = createHash('sha256').update(whole).digest('hex');
  const sent = await send(parts, job, whole, digest, takenBack);
  if (sent.ok || sent.fault.code === 'JOB_CANCELLED') await files.remove(name).catch(() => undefined);
  return sent.ok ? ok({ lines: linesOf(whole) ?? 0, sizeBytes: whole.length, digest }) : sent;
}

async function send(
  { world, network, host }: LogUpload,
  job: JobId,
  whole: Uint8Array,
  digest: string,
  takenBack: AbortSignal,
): Promise<Result<void, LogUploadFault>> {
  // The first piece is empty: it asks how far an earlier attempt came.
  let offset = 0;
  let length = 0;
  // Every round but the first brings at least a byte: a server that says otherwise is not asked for ever.
  for (let rounds = Math.ceil(whole.length / logPieceBytesMax) * 2 + 2; rounds > 0; rounds--) {
    if (takenBack.aborted) return fail('JOB_CANCELLED');
    const answer = await exchange(network, host, world.timers, {
      method: 'POST',
      path: `${devicePaths.logs}/${job}`,
      body: JSON.stringify({
        offset,
        of: whole.length,
        digest,
        bytes: Buffer.from(whole.subarray(offset, offset + length)).toString('base64'),
      }),
      lengthMax: 1_024,
      timeoutMs: pieceTimeoutMs,
    });
    if (!answer.ok) return answer;
    const told = answer.value.status === 200 ? parseJson(logProgress, answer.value.body) : undefined;
    if (!told?.ok || told.value.length > whole.length)
      return fail('ARTEFACT_UNAVAILABLE', { facts: { status: answer.value.status } });
    offset = told.value.length;
    length = logPieceBytesMax;
    if (offset === whole.length) return ok(undefined);
  }
  return fail('ARTEFACT_UNAVAILABLE', { facts: { offset } });
}

/** As many of the newest lines as fit. */
function packed(lines: readonly string[]): Uint8Array {
  const file = Uint8Array.from(gzipSync(lines.map((line) => `${line}\n`).join('')));
  return file.length <= logBytesMax ? file : packed(lines.slice(Math.ceil(lines.length / 2)));
}

/** How many lines a packed log has; undefined when it is torn. */
function linesOf(file: Uint8Array): number | undefined {
  try {
    return gunzipSync(file, { maxOutputLength: unpackedMax }).reduce(
      (count, byte) => count + (byte === 0x0a ? 1 : 0),
      0,
    );
  } catch {
    return undefined;
  }
}
