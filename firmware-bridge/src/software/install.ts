import { devicePaths, type SoftwareInstall } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  type Chunked,
  chunkListLength,
  compareVersions,
  readChunkList,
  type TargetCustom,
  targetOf,
} from '@tsunagu/protocols/software';
import { applyDelta, findDelta } from './delta.ts';
import { download, type DownloadFault, type DownloadParts, type WantedChunk } from './download.ts';
import { pieceNames, readStored, removeOthers, removeStored, type StoredBytes } from './pieces.ts';
import { type RangeSource, serverName } from './range-source.ts';
import type { SoftwareTrust, TrustFault } from './trust.ts';

export type FetchFault =
  | DownloadFault
  | TrustFault
  | 'SOFTWARE_NOT_PUBLISHED'
  | 'SOFTWARE_NOT_FOR_MODEL'
  | 'SOFTWARE_HARDWARE_UNFIT'
  | 'SOFTWARE_VERSION_TOO_OLD';

/** What an image is checked against before a byte of it is fetched. */
export interface Device {
  readonly model: string;
  readonly hardwareRevision: string;
  readonly version: string;
}

/** Where the bytes of a digest stand at a source: a parent has chunks, the server artefacts. */
export const artefactPath =
  (digest: string) =>
  (source: RangeSource, chunk: WantedChunk): string =>
    source.name === serverName
      ? `${devicePaths.artefacts}/${digest}`
      : `/chunks/${chunk.hash}?of=${digest}&at=${chunk.start}&length=${chunk.length}`;

/** The signed target of an order, and how its image is cut: everything that is believed about it. */
export async function findImage(
  trust: SoftwareTrust,
  server: RangeSource,
  wanted: SoftwareInstall,
  device: Device,
): Promise<Result<Chunked, FetchFault>> {
  const targets = await trust.refresh(server);
  if (!targets.ok) return targets;
  const target = targetOf(targets.value, wanted);
  if (!target.ok) return target;
  const { custom } = target.value.file;
  const fits = fitsDevice(custom, device);
  if (!fits.ok) return fits;
  const { digest, length: chunkLength } = custom.chunks;
  const length = chunkListLength(wanted.size, chunkLength);
  const list = await readAll(server, `${devicePaths.artefacts}/${digest}`, length);
  if (!list.ok) return list;
  const chunks = readChunkList(list.value, { digest, size: wanted.size, chunkLength });
  return chunks.ok ? ok({ digest: wanted.digest, size: wanted.size, chunkLength, chunks: chunks.value }) : chunks;
}

function fitsDevice(
  { model, hardwareRevisions, requires }: TargetCustom,
  device: Device,
): Result<void, 'SOFTWARE_NOT_FOR_MODEL' | 'SOFTWARE_HARDWARE_UNFIT' | 'SOFTWARE_VERSION_TOO_OLD'> {
  if (model !== device.model) return fail('SOFTWARE_NOT_FOR_MODEL', { facts: { model: device.model, made: model } });
  if (hardwareRevisions && !hardwareRevisions.includes(device.hardwareRevision))
    return fail('SOFTWARE_HARDWARE_UNFIT', { facts: { revision: device.hardwareRevision } });
  if (requires?.versionMin !== undefined && compareVersions(device.version, requires.versionMin) < 0)
    return fail('SOFTWARE_VERSION_TOO_OLD', { facts: { version: device.version, versionMin: requires.versionMin } });
  return ok(undefined);
}

async function readAll(source: RangeSource, path: string, length: number): Promise<Result<Uint8Array, DownloadFault>> {
  const { bytes, end } = await source.read(path, { start: 0, length });
  if (end === 'yielded') return readAll(source, path, length);
  return end === 'whole' ? ok(bytes) : end;
}

/**
 * Brings an image onto the medium: by a delta from the installed one where there is one and nothing of the image has come yet, otherwise
 * chunk by chunk. No more room is taken than the larger of image and delta; what lies there of other images makes room first.
 */
export async function fetchImage(
  parts: DownloadParts,
  server: RangeSource,
  image: Chunked,
  installed: StoredBytes | undefined,
  onChunk: (done: number, of: number) => void,
): Promise<Result<void, FetchFault>> {
  const base = installed && installed.digest !== '' ? installed : undefined;
  const found = base && !(await hasBegun(parts, image)) ? await findDelta(server, base.digest, image) : ok(undefined);
  if (!found.ok) return found;
  const delta = found.value;
  try {
    await removeOthers(parts.files, [image, ...(base ? [base] : []), ...(delta ? [delta] : [])]);
  } catch (cause) {
    return fail('STORE_WRITE_FAILED', { field: 'software', cause });
  }
  if (base && delta) {
    const byDelta = await fetchByDelta(parts, { image, base, delta }, onChunk);
    if (!byDelta.ok || byDelta.value) return byDelta.ok ? ok(undefined) : byDelta;
  }
  return download(parts, { path: artefactPath(image.digest), chunked: image }, onChunk);
}

const hasBegun = async ({ files }: DownloadParts, image: StoredBytes): Promise<boolean> =>
  (await files.read(pieceNames(image)[0] ?? '')) !== undefined;

/** @returns whether the image is there; when the delta was no good, the whole is to be fetched */
async function fetchByDelta(
  parts: DownloadParts,
  { image, base: installed, delta }: { readonly image: Chunked; readonly base: StoredBytes; readonly delta: Chunked },
  onChunk: (done: number, of: number) => void,
): Promise<Result<boolean, FetchFault>> {
  const { files, world } = parts;
  const fetched = await download(parts, { path: artefactPath(delta.digest), chunked: delta }, onChunk);
  // A delta that cannot be had is no reason to fail: but a line that is down, or a full medium, is.
  const isDeltasFault = !fetched.ok && /^(SOFTWARE_CHUNK_WRONG|ARTEFACT_UNAVAILABLE)$/.test(fetched.fault.code);
  if (!fetched.ok && !isDeltasFault) return fetched;
  try {
    const base = fetched.ok ? await readStored(files, installed).catch((cause: unknown) => unreadable(cause)) : fetched;
    const made = base instanceof Uint8Array ? await applyDelta(await readStored(files, delta), base, image) : base;
    // The delta makes room first: a slot holds one image, and nothing beside it.
    await removeStored(files, delta);
    if (!made.ok) {
      world.log('warn', 'softwareDeltaRefused', { fault: made.fault });
      return ok(false);
    }
    for (const [index, name] of pieceNames(image).entries())
      await files.write(name, made.value.subarray(index * image.chunkLength, (index + 1) * image.chunkLength));
    world.log('info', 'softwarePatched', { delta: delta.size, image: image.size });
    return ok(true);
  } catch (cause) {
    return fail('STORE_WRITE_FAILED', { field: 'delta', cause });
  }
}

/** What is installed cannot be read from the medium: no base for a delta, and no reason to stay with it. */
const unreadable = (cause: unknown) => fail('SOFTWARE_DELTA_INVALID', { field: 'installed', cause });
