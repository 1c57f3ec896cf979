import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { devicePaths, parseJson, softwareDelta } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { applyVcdiff, type Chunked } from '@tsunagu/protocols/software';
import type { RangeFault, RangeSource } from './range-source.ts';

const inflate = promisify(brotliDecompress);
/** What a delta's own instructions may take beside all the bytes of its target. */
const instructionsMax = 65_536;

/**
 * Asks the server for a way from one image to another. Undefined when it knows none that is worth it: no fault, the whole is fetched then.
 * A line that breaks is one: over a slow line the whole takes a hundred times as long as asking again.
 */
export async function findDelta(
  server: RangeSource,
  from: string,
  to: Chunked,
): Promise<Result<Chunked | undefined, RangeFault>> {
  const { bytes, end } = await server.read(`${devicePaths.softwareDeltas}/${from}-${to.digest}`, 'all');
  if (end === 'yielded') return findDelta(server, from, to);
  if (end !== 'whole') return end.fault.code === 'LINK_DOWN' ? end : ok(undefined);
  const told = parseJson(softwareDelta, bytes);
  if (!told.ok || told.value.size >= to.size) return ok(undefined);
  const { size, chunkLength, chunks } = told.value;
  return ok(chunks.length === Math.ceil(size / chunkLength) ? told.value : undefined);
}

/** Makes the wanted image out of the installed one. Whatever the delta says, it makes no more than `wanted.size` bytes, and they are checked. */
export async function applyDelta(
  delta: Uint8Array,
  installed: Uint8Array,
  wanted: Chunked,
): Promise<Result<Uint8Array, 'SOFTWARE_DELTA_INVALID'>> {
  let steps: Uint8Array;
  try {
    steps = await inflate(delta, { maxOutputLength: wanted.size + instructionsMax });
  } catch (cause) {
    return fail('SOFTWARE_DELTA_INVALID', { field: 'brotli', cause });
  }
  const made = applyVcdiff(steps, installed, wanted.size);
  if (!made.ok) return made;
  return createHash('sha256').update(made.value).digest('hex') === wanted.digest
    ? ok(made.value)
    : fail('SOFTWARE_DELTA_INVALID', { field: 'digest' });
}
