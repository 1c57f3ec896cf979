import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import type { JobId, SoftwareInstall } from '@tsunagu/protocols/fleet';
import { createHash } from 'node:crypto';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type Chunked, compareVersions, readSoftwareHeader, type SoftwareHeader } from '@tsunagu/protocols/software';
import type { World } from '@tsunagu/protocols/world';
import type { SecureNetwork } from '../link/index.ts';
import { type Files, type SealedStore, sealedRecord } from '../sealed-store/index.ts';
import { download } from './download.ts';
import { artefactPath, type FetchFault, fetchImage, findImage } from './install.ts';
import { sharedLine, type SharedLine } from './line.ts';
import { isWhole, pieceNames, readStored, removeStored, type StoredBytes } from './pieces.ts';
import { type RangeSource, serverSource } from './range-source.ts';
import { raiseRollbackCounter, readRollbackCounter } from './rollback-counter.ts';
import {
  bootSlots,
  commitTrial,
  factoryState,
  revertTrial,
  runningSlot,
  type SlotName,
  type SlotOrder,
  type SlotState,
  slotState,
  spareSlot,
  stageImage,
} from './slots.ts';
import { softwareTrust } from './trust.ts';

const slotsRecord = sealedRecord('software', slotState);
/** What an emulated device is built of. */
export const hardwareRevision = 'A';

export type SoftwareFault =
  | FetchFault
  | 'SOFTWARE_IMAGE_INVALID'
  | 'SOFTWARE_DOWNGRADE'
  | 'SOFTWARE_OLDER'
  | 'SOFTWARE_REVERTED'
  | 'SOFTWARE_TRIAL_ENDED';

/** How far an order got. */
export type InstallStep = 'restarting' | 'installed';

/** Where a terminal's software comes from. */
export interface SoftwareSource {
  readonly network: SecureNetwork;
  readonly host: string;
  readonly signal: AbortSignal;
  /** The line that payments take first. */
  readonly line?: SharedLine;
  /** A parent that keeps what its children fetch. */
  readonly parent?: RangeSource | undefined;
}

/** What runs on a terminal, and what came of the last trial. */
export interface Software {
  readonly running: { readonly version: string; readonly slot: SlotName };
  /** How the running image fares: an emulated one may hang or stay mute. */
  readonly boot: SoftwareHeader['boot'];
  /** What runs has so long to prove itself, milliseconds; undefined when it has done so. */
  readonly proofTimeoutMs: number | undefined;
  /**
   * Does what is left of an order: downloads and stages its image (`restarting`: the next boot tries it), or tells how its
   * trial ended. While the trial runs the answer waits for its end.
   */
  install(
    from: SoftwareSource,
    wanted: SoftwareInstall,
    order: { readonly job: JobId; readonly attempt: number },
    onChunk: (done: number, of: number) => void,
  ): Promise<Result<InstallStep, SoftwareFault>>;
  /** Takes the root of the software repository at the first contact; later it is known. */
  pin(from: SoftwareSource): Promise<Result<void, SoftwareFault>>;
  /** The server answered the running software: a trial is over, and well. */
  prove(): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
  /** The time for the proof is over: the next boot runs the old software, and its order is told why. */
  giveUp(): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
}

/**
 * Opens the slots of a store and boots: this is the boot loader, and nothing of what it loads runs before it. What it decides is on
 * the medium before it returns.
 */
export async function bootSoftware(
  world: World,
  files: Files,
  store: SealedStore,
  model: TerminalModel,
  factoryVersion: string,
): Promise<Result<Software, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'STORE_WRITE_FAILED'>> {
  const stored = await store.read(slotsRecord);
  if (!stored.ok) return stored;
  const counterMin = await readRollbackCounter(store);
  if (!counterMin.ok) return counterMin;
  const before = stored.value?.facts ?? factoryState(factoryVersion);
  const state = bootSlots(before);
  if (state !== before) {
    const written = await store.write(slotsRecord, state);
    if (!written.ok) return written;
    if (before.trial?.isBooted === true)
      world.log('warn', 'softwareReverted', { to: state.slots[state.active]?.version, job: before.trial.job });
  }
  const content = state.slots[runningSlot(state)];
  const version = content?.version ?? factoryVersion;
  const header = content && content.digest !== '' ? await headerOf(files, content) : undefined;
  const boot = header?.ok === true ? header.value.boot : 'proves';
  return ok(new BootedSoftware({ world, files, store, model }, state, counterMin.value, version, boot));
}

/** Reads the header of an image that lies on the medium. */
async function headerOf(files: Files, image: StoredBytes): Promise<Result<SoftwareHeader, 'SOFTWARE_IMAGE_INVALID'>> {
  const first = await files.read(pieceNames(image)[0] ?? '');
  return first === undefined ? fail('SOFTWARE_IMAGE_INVALID') : readSoftwareHeader(first);
}

interface SoftwareParts {
  readonly world: World;
  readonly files: Files;
  readonly store: SealedStore;
  readonly model: TerminalModel;
}

class BootedSoftware implements Software {
  readonly running: Software['running'];
  readonly boot: Software['boot'];
  readonly #parts: SoftwareParts;
  #state: SlotState;
  /** Below it no image is taken. */
  #counterMin: number;
  /** Settles when the running trial is over. */
  readonly #trial: Promise<void>;
  #endTrial: () => void = () => undefined;

  constructor(parts: SoftwareParts, state: SlotState, counterMin: number, version: string, boot: Software['boot']) {
    this.#parts = parts;
    this.#state = state;
    // The slots may know more than the counter: power failed between the two, or they are from before it was kept apart.
    this.#counterMin = Math.max(counterMin, state.counterMin);
    this.running = { version, slot: runningSlot(state) };
    this.boot = boot;
    this.#trial = new Promise((resolve) => {
      this.#endTrial = resolve;
    });
  }

  get proofTimeoutMs(): number | undefined {
    const { trial } = this.#state;
    return trial?.isBooted === true ? trial.proofTimeoutMs : undefined;
  }

  async prove(): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
    if (this.proofTimeoutMs === undefined) return ok(undefined);
    const written = await this.#keep(commitTrial(this.#state));
    if (!written.ok) return written;
    this.#counterMin = Math.max(this.#counterMin, this.#state.counterMin);
    const raised = await raiseRollbackCounter(this.#parts.store, this.#counterMin);
    // It is raised at the next chance; until then the slots' own number counts.
    if (!raised.ok) this.#parts.world.log('error', 'rollbackCounterNotRaised', { fault: raised.fault });
    this.#parts.world.log('info', 'softwareProven', { ...this.running });
    this.#endTrial();
    return written;
  }

  giveUp(): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
    return this.#keep(revertTrial(this.#state, 'unproven'));
  }

  async pin(from: SoftwareSource): Promise<Result<void, SoftwareFault>> {
    const { world, store } = this.#parts;
    const server = serverSource(world.timers, from, from.line ?? sharedLine());
    const pinned = await softwareTrust(store, world.clock).pin(server);
    server.close();
    return pinned;
  }

  async install(
    from: SoftwareSource,
    wanted: SoftwareInstall,
    order: { readonly job: JobId; readonly attempt: number },
    onChunk: (done: number, of: number) => void,
  ): Promise<Result<InstallStep, SoftwareFault>> {
    const { trial, reverted } = this.#state;
    if (isSame(reverted, order))
      return fail(reverted?.why === 'ended' ? 'SOFTWARE_TRIAL_ENDED' : 'SOFTWARE_REVERTED', {
        facts: { version: wanted.version },
      });
    if (isSame(trial, order) && this.proofTimeoutMs === undefined) return ok('restarting');
    // A trial runs, this order's or another's: until it is over nobody knows what stays, and there is no spare slot.
    if (this.proofTimeoutMs !== undefined) await this.#trial;
    const active = this.#state.slots[this.#state.active];
    if (active?.digest === wanted.digest && (await isWhole(this.#parts.files, active))) return ok('installed');
    if (wanted.counter < this.#counterMin)
      return fail('SOFTWARE_OLDER', { facts: { counter: wanted.counter, counterMin: this.#counterMin } });
    const { version } = this.running;
    if (!wanted.allowDowngrade && compareVersions(wanted.version, version) < 0)
      return fail('SOFTWARE_DOWNGRADE', { facts: { version: wanted.version, running: version } });
    const { line = sharedLine() } = from;
    const server = serverSource(this.#parts.world.timers, from, line);
    try {
      if (active?.digest === wanted.digest) return await this.#mend(from, server, wanted, onChunk);
      return await this.#stage(from, server, wanted, order, onChunk);
    } finally {
      server.close();
    }
  }

  #find(server: RangeSource, wanted: SoftwareInstall): Promise<Result<Chunked, FetchFault>> {
    const { world, store, model } = this.#parts;
    const device = { model: model.id, hardwareRevision, version: this.running.version };
    return findImage(softwareTrust(store, world.clock), server, wanted, device);
  }

  /** The active slot holds what is wanted, but its bytes have suffered: those that do not match are fetched anew, each into its place at once. */
  async #mend(
    { signal, parent }: SoftwareSource,
    server: RangeSource,
    wanted: SoftwareInstall,
    onChunk: (done: number, of: number) => void,
  ): Promise<Result<InstallStep, SoftwareFault>> {
    const { world, files } = this.#parts;
    world.log('warn', 'softwareDamaged', { ...this.running });
    const image = await this.#find(server, wanted);
    if (!image.ok) return image;
    const sources = parent ? [parent, server] : [server];
    const what = { path: artefactPath(wanted.digest), chunked: image.value, isInUse: true };
    const fetched = await download({ world, files, sources, signal }, what, onChunk);
    return fetched.ok ? ok('installed') : fetched;
  }

  async #stage(
    { signal, parent }: SoftwareSource,
    server: RangeSource,
    wanted: SoftwareInstall,
    order: SlotOrder,
    onChunk: (done: number, of: number) => void,
  ): Promise<Result<InstallStep, SoftwareFault>> {
    const { world, files } = this.#parts;
    const image = await this.#find(server, wanted);
    if (!image.ok) return image;
    const emptied = await this.#emptySpare(wanted.digest);
    if (!emptied.ok) return emptied;
    const sources = parent ? [parent, server] : [server];
    const installed = this.#state.slots[this.#state.active] ?? undefined;
    const fetched = await fetchImage({ world, files, sources, signal }, server, image.value, installed, onChunk);
    if (!fetched.ok) return fetched;
    const verified = await this.#verify(image.value, wanted);
    if (!verified.ok) return verified;
    const { digest, size, proofTimeoutMs } = wanted;
    const { version, counter } = verified.value;
    const content = { version, digest, size, counter, chunkLength: image.value.chunkLength };
    const staged = await this.#keep(stageImage(this.#state, content, order, proofTimeoutMs));
    return staged.ok ? ok('restarting') : staged;
  }

  /** What lies on the medium, once more and as a whole, before it may boot. What does not match is removed. */
  async #verify(image: Chunked, wanted: SoftwareInstall): Promise<Result<SoftwareHeader, SoftwareFault>> {
    const { files, model } = this.#parts;
    const digest = createHash('sha256')
      .update(await readStored(files, image))
      .digest('hex');
    if (digest !== wanted.digest) {
      await removeStored(files, image);
      return fail('SOFTWARE_NOT_AS_ANNOUNCED', { field: 'digest' });
    }
    const header = await headerOf(files, image);
    if (!header.ok) return header;
    const { version, counter } = header.value;
    if (header.value.model !== model.id)
      return fail('SOFTWARE_NOT_FOR_MODEL', { facts: { model: model.id, made: header.value.model } });
    if (version !== wanted.version || counter !== wanted.counter)
      return fail('SOFTWARE_NOT_AS_ANNOUNCED', { field: version === wanted.version ? 'counter' : 'version' });
    return header;
  }

  /** From here on the spare slot holds nothing, unless that is what is wanted: its files are removed when the wanted ones are fetched. */
  async #emptySpare(digest: string): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
    const spare = spareSlot(this.#state);
    const held = this.#state.slots[spare];
    if (held === null || held.digest === digest) return ok(undefined);
    return this.#keep({ ...this.#state, slots: { ...this.#state.slots, [spare]: null } });
  }

  async #keep(state: SlotState): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
    const written = await this.#parts.store.write(slotsRecord, state);
    if (written.ok) this.#state = state;
    return written;
  }
}

const isSame = (known: SlotOrder | null, { job, attempt }: SlotOrder): boolean =>
  known?.job === job && known.attempt === attempt;
