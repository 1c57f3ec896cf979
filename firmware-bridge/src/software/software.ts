import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import type { JobId, SoftwareInstall } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { readSoftwareHeader, type SoftwareHeader } from '@tsunagu/protocols/software';
import type { World } from '@tsunagu/protocols/world';
import { type Files, type SealedStore, sealedRecord } from '../sealed-store/index.ts';
import { type DownloadFault, downloadImage, type DownloadParts, pieceNames, removeImage } from './download.ts';
import {
  bootSlots,
  commitTrial,
  factoryState,
  runningSlot,
  type SlotName,
  type SlotOrder,
  type SlotState,
  slotState,
  spareSlot,
  stageImage,
} from './slots.ts';

const slotsRecord = sealedRecord('software', slotState);

export type SoftwareFault =
  | DownloadFault
  | 'SOFTWARE_IMAGE_INVALID'
  | 'SOFTWARE_NOT_FOR_MODEL'
  | 'SOFTWARE_OLDER'
  | 'SOFTWARE_REVERTED';

/** How far an order got. */
export type InstallStep = 'restarting' | 'installed';

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
    parts: Pick<DownloadParts, 'network' | 'host' | 'signal'>,
    wanted: SoftwareInstall,
    order: { readonly job: JobId; readonly attempt: number },
    onPiece: (done: number, of: number) => void,
  ): Promise<Result<InstallStep, SoftwareFault>>;
  /** The server answered the running software: a trial is over, and well. */
  prove(): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
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
  const before = stored.value?.facts ?? factoryState(factoryVersion);
  const state = bootSlots(before);
  if (state !== before) {
    const written = await store.write(slotsRecord, state);
    if (!written.ok) return written;
    if (before.trial?.isBooted === true)
      world.log('warn', 'softwareReverted', { to: state.slots[state.active]?.version, job: before.trial.job });
  }
  const { digest = '', size = 0, version = factoryVersion } = state.slots[runningSlot(state)] ?? {};
  const header = digest === '' ? undefined : await headerOf(files, { digest, size });
  const boot = header?.ok === true ? header.value.boot : 'proves';
  return ok(new BootedSoftware({ world, files, store, model }, state, version, boot));
}

/** Reads the header of an image that lies on the medium. */
async function headerOf(
  files: Files,
  image: { readonly digest: string; readonly size: number },
): Promise<Result<SoftwareHeader, 'SOFTWARE_IMAGE_INVALID'>> {
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
  /** Settles when the running trial is over. */
  readonly #trial: Promise<void>;
  #endTrial: () => void = () => undefined;

  constructor(parts: SoftwareParts, state: SlotState, version: string, boot: Software['boot']) {
    this.#parts = parts;
    this.#state = state;
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
    this.#parts.world.log('info', 'softwareProven', { ...this.running });
    this.#endTrial();
    return written;
  }

  async install(
    parts: Pick<DownloadParts, 'network' | 'host' | 'signal'>,
    wanted: SoftwareInstall,
    order: { readonly job: JobId; readonly attempt: number },
    onPiece: (done: number, of: number) => void,
  ): Promise<Result<InstallStep, SoftwareFault>> {
    const { trial, reverted } = this.#state;
    if (isSame(reverted, order)) return fail('SOFTWARE_REVERTED', { facts: { version: wanted.version } });
    if (isSame(trial, order)) {
      if (this.proofTimeoutMs === undefined) return ok('restarting');
      await this.#trial;
    }
    if (this.#state.slots[this.#state.active]?.digest === wanted.digest) return ok('installed');
    // Another order's trial runs: until it is over there is no spare slot.
    if (this.proofTimeoutMs !== undefined) await this.#trial;
    if (wanted.counter < this.#state.counterMin)
      return fail('SOFTWARE_OLDER', { facts: { counter: wanted.counter, counterMin: this.#state.counterMin } });
    return this.#stage({ ...this.#parts, ...parts }, wanted, order, onPiece);
  }

  async #stage(
    parts: DownloadParts,
    wanted: SoftwareInstall,
    order: SlotOrder,
    onPiece: (done: number, of: number) => void,
  ): Promise<Result<InstallStep, SoftwareFault>> {
    const { files, model } = this.#parts;
    const emptied = await this.#emptySpare(wanted.digest);
    if (!emptied.ok) return emptied;
    const downloaded = await downloadImage(parts, wanted, onPiece);
    if (!downloaded.ok) return downloaded;
    const header = await headerOf(files, wanted);
    if (!header.ok) return header;
    const { version, counter } = header.value;
    if (header.value.model !== model.id)
      return fail('SOFTWARE_NOT_FOR_MODEL', { facts: { model: model.id, made: header.value.model } });
    if (version !== wanted.version || counter !== wanted.counter)
      return fail('SOFTWARE_NOT_AS_ANNOUNCED', { field: version === wanted.version ? 'counter' : 'version' });
    const { digest, size, proofTimeoutMs } = wanted;
    const content = { version, digest, size, counter };
    const staged = await this.#keep(stageImage(this.#state, content, order, proofTimeoutMs));
    return staged.ok ? ok('restarting') : staged;
  }

  /** Frees the spare slot of what it holds, unless that is what is wanted. */
  async #emptySpare(digest: string): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
    const spare = spareSlot(this.#state);
    const held = this.#state.slots[spare];
    if (held === null || held.digest === digest) return ok(undefined);
    const written = await this.#keep({ ...this.#state, slots: { ...this.#state.slots, [spare]: null } });
    if (!written.ok) return written;
    try {
      await removeImage(this.#parts.files, held);
      return ok(undefined);
    } catch (cause) {
      return fail('STORE_WRITE_FAILED', { field: 'software', cause });
    }
  }

  async #keep(state: SlotState): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
    const written = await this.#parts.store.write(slotsRecord, state);
    if (written.ok) this.#state = state;
    return written;
  }
}

const isSame = (known: SlotOrder | null, { job, attempt }: SlotOrder): boolean =>
  known?.job === job && known.attempt === attempt;
