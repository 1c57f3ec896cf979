import { createHash } from 'node:crypto';
import { concat, fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Chunked } from '@tsunagu/protocols/software';
import type { World } from '@tsunagu/protocols/world';
import type { Files } from '../sealed-store/index.ts';
import { partName, pieceNames, removeStored } from './pieces.ts';
import type { RangeFault, RangeSource } from './range-source.ts';

export type DownloadFault = RangeFault | 'STORE_WRITE_FAILED' | 'SOFTWARE_NOT_AS_ANNOUNCED' | 'SOFTWARE_CHUNK_WRONG';

/** Where bytes come from and go to. */
export interface DownloadParts {
  readonly world: World;
  readonly files: Files;
  /** Asked in this order; the last one is the server itself. A source that lies is not asked again in this download. */
  readonly sources: readonly RangeSource[];
  readonly signal: AbortSignal;
}

/** What is asked for at once, by how fast the line is: so long a payment waits at most for what is on its way already. */
const askMs = 2_000;
const askBytes = { min: 8_192, max: 65_536 } as const;
/** Tries without a single byte in between; then the download gives up, and its job says why. */
const triesMax = 8;
const pauseMs = { first: 1_000, max: 60_000 } as const;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What is fetched. */
export interface WantedBytes {
  readonly path: (source: RangeSource, chunk: WantedChunk) => string;
  readonly chunked: Chunked;
  /** What lies there already is in use, and stays when the medium is full. */
  readonly isInUse?: boolean;
}

/**
 * Fetches bytes chunk by chunk, each checked against its own hash before the next. A connection that breaks, a power loss and a payment
 * cost nothing but what was on its way: it goes on behind the last byte on the medium.
 */
export async function download(
  parts: DownloadParts,
  { path, chunked, isInUse = false }: WantedBytes,
  onChunk: (done: number, of: number) => void,
): Promise<Result<void, DownloadFault>> {
  const { files, signal, world } = parts;
  const names = pieceNames(chunked);
  const liars = new Set<RangeSource>();
  const pace: Pace = { askBytes: askBytes.min, came: new Map() };
  for (const [index, name] of names.entries()) {
    const start = index * chunked.chunkLength;
    const chunk = {
      name,
      start,
      length: Math.min(chunked.chunkLength, chunked.size - start),
      hash: chunked.chunks[index] ?? '',
    };
    try {
      // What lies there may have suffered since; what cannot be read is not there.
      const held = await files.read(name).catch(() => undefined);
      if (held && sha256(held) === chunk.hash) continue;
      if (signal.aborted) return fail('LINK_DOWN');
      const fetched = await fetchChunk(parts, chunk, path, liars, pace);
      if (!fetched.ok) return fetched;
    } catch (cause) {
      // No sale is taken that cannot be stored: what was fetched makes room for them.
      if (isFull(cause))
        await (isInUse ? files.remove(partName(name)) : removeStored(files, chunked)).catch(() => undefined);
      return fail('STORE_WRITE_FAILED', { field: name, cause });
    }
    onChunk(index + 1, names.length);
  }
  // Whoever pays for the line sees what a parent spared it.
  if (pace.came.size > 0)
    world.log('info', 'downloaded', {
      bytes: chunked.size,
      from: [...pace.came].map(([source, bytes]) => `${source} ${bytes}`).join(', '),
    });
  return ok(undefined);
}

/** How a download gets on: what it asks for at once, and how many bytes each source has given. */
interface Pace {
  askBytes: number;
  readonly came: Map<string, number>;
}

/** A chunk that is fetched, and where in its artefact it stands. */
export interface WantedChunk {
  readonly name: string;
  readonly start: number;
  readonly length: number;
  readonly hash: string;
}

/** Fetches one chunk from the first source that does not lie about it. The server may be wrong once: the line, or a restart. */
async function fetchChunk(
  parts: DownloadParts,
  chunk: WantedChunk,
  path: (source: RangeSource, chunk: WantedChunk) => string,
  liars: Set<RangeSource>,
  pace: Pace,
): Promise<Result<void, DownloadFault>> {
  const { files, sources, world } = parts;
  const part = partName(chunk.name);
  let fault: Result<never, DownloadFault> = fail('ARTEFACT_UNAVAILABLE');
  const last = sources.at(-1);
  const order = [...sources.filter((source) => !liars.has(source)), ...(last ? [last] : [])];
  for (const source of order) {
    const filled = await fillPart(parts, source, path(source, chunk), chunk, pace, source === last);
    if (!filled.ok) {
      if (source === last) return filled;
      continue;
    }
    if (sha256(filled.value) === chunk.hash) {
      await files.rename(part, chunk.name);
      await files.syncFolder();
      return ok(undefined);
    }
    fault = fail('SOFTWARE_CHUNK_WRONG', { facts: { source: source.name, start: chunk.start, length: chunk.length } });
    world.log('warn', 'sourceLied', { fault: fault.ok ? undefined : fault.fault });
    liars.add(source);
    await files.remove(part);
    await files.syncFolder();
  }
  return fault;
}

/** Fills the file of a chunk that is on its way from where it ends. */
async function fillPart(
  { world, files, signal }: DownloadParts,
  source: RangeSource,
  path: string,
  { name, start, length }: WantedChunk,
  pace: Pace,
  isLast: boolean,
): Promise<Result<Uint8Array, RangeFault>> {
  const part = partName(name);
  let held = (await files.read(part)) ?? new Uint8Array(0);
  // Longer than the chunk it cannot be but by another's hand.
  if (held.length > length) {
    await files.write(part, new Uint8Array(0));
    held = new Uint8Array(0);
  }
  let pause: number = pauseMs.first;
  for (let tries = 0; held.length < length; ) {
    if (signal.aborted) return fail('LINK_DOWN');
    const wanted = Math.min(pace.askBytes, length - held.length);
    const beganMs = world.clock.monotonicMs();
    const { bytes, end } = await source.read(path, { start: start + held.length, length: wanted });
    if (bytes.length > 0) {
      await files.append(part, bytes);
      held = concat(held, bytes);
      pace.came.set(source.name, (pace.came.get(source.name) ?? 0) + bytes.length);
      tries = 0;
      pause = pauseMs.first;
    }
    if (end === 'whole') pace.askBytes = nextAsk(bytes.length, world.clock.monotonicMs() - beganMs);
    else if (end !== 'yielded') {
      tries += 1;
      if (!isLast || isFinal(end.fault) || tries >= triesMax) return end;
      await world.timers.sleep(pause, signal).catch(() => undefined);
      pause = Math.min(pause * 2, pauseMs.max);
    }
  }
  return ok(held);
}

/** Whether a medium has no room left (errno(3)). */
const isFull = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT');

/** What the line carries in `askMs`. */
const nextAsk = (bytes: number, tookMs: number): number =>
  Math.round(Math.min(askBytes.max, Math.max(askBytes.min, (bytes * askMs) / Math.max(1, tookMs))));

/** Whether asking again is of no use: the source is not ours, or has no such bytes. */
const isFinal = ({
  code,
  facts,
}: {
  readonly code: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}): boolean =>
  code === 'LINK_REFUSED' ||
  (code === 'ARTEFACT_UNAVAILABLE' && Number(facts?.['status']) < 500 && facts?.['status'] !== 429);
