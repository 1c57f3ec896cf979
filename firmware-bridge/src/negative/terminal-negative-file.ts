import { createHash } from 'node:crypto';
import { openDocument, type PinnedKey, parseJson, type SignedDocument } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  decodeSnapshot,
  isListed,
  type NegativeAnswer,
  type NegativeHead,
  negativeHead,
  type Snapshot,
} from '@tsunagu/protocols/negative';
import type { World } from '@tsunagu/protocols/world';
import type { TerminalKeys } from '../keys/index.ts';
import { pauseAfter, type SecureNetwork } from '../link/index.ts';
import type { NegativeFile } from '../secure/index.ts';
import { type Files, replaceFile, type SealedStore } from '../sealed-store/index.ts';
import { checkSnapshot, fetchArtefact, type PartialArtefact } from './fetch-snapshot.ts';
import {
  acceptHead,
  flipTo,
  type ListReport,
  type ListState,
  listRecord,
  type SnapshotSlot,
  spareSlot,
} from './state.ts';

export interface NegativeFileOptions {
  readonly world: World;
  readonly files: Files;
  readonly store: SealedStore;
  readonly keys: Pick<TerminalKeys, 'negativeTag'>;
  readonly trusted: PinnedKey;
  readonly network: SecureNetwork;
  readonly host: string;
  /** The list this terminal holds. */
  readonly list: string;
  /** Room in the terminal, bytes. */
  readonly bytesMax: number;
  /** After something came in force. */
  readonly changed: () => void;
  readonly signal: AbortSignal;
}

/** The negative file of a terminal: asked by the payment application, fed by signed heads. */
export interface TerminalNegativeFile extends NegativeFile {
  /** Nothing before the first head. */
  report(): ListReport | undefined;
  /** Takes a head as it came: checks it, applies its overlay at once, fetches its snapshot. */
  take(list: string, document: SignedDocument): void;
  /** Tries a fetch that failed anew. */
  wake(): void;
  idle(): Promise<void>;
}

const fetchPauses = { firstMs: 500, maxMs: 60_000 };
const snapshotFile = (slot: SnapshotSlot): string => `negative-${slot}.snapshot`;

/** Opens the negative file of a terminal's folder. A snapshot that is not as recorded is fetched again. */
export async function openNegativeFile(
  options: NegativeFileOptions,
): Promise<Result<TerminalNegativeFile, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>> {
  const stored = await options.store.read(listRecord);
  if (!stored.ok) return stored;
  let state = stored.value?.facts;
  let snapshot: Snapshot | undefined;
  if (state?.snapshot) {
    const read = await readSnapshot(options.files, state.snapshot);
    if (read.ok) snapshot = read.value;
    else {
      options.world.log('error', 'snapshotDamaged', { fault: read.fault });
      state = { ...state, snapshot: null };
    }
  }
  return ok(new NegativeFileInForce(options, state, snapshot));
}

async function readSnapshot(
  files: Files,
  expected: NonNullable<ListState['snapshot']>,
): Promise<Result<Snapshot, 'NEGATIVE_FILE_INVALID' | 'STORE_READ_FAILED'>> {
  try {
    const bytes = await files.read(snapshotFile(expected.slot));
    if (!bytes || createHash('sha256').update(bytes).digest('hex') !== expected.digest)
      return fail('NEGATIVE_FILE_INVALID', { field: 'digest', facts: { isMissing: !bytes } });
    return decodeSnapshot(bytes);
  } catch (cause) {
    return fail('STORE_READ_FAILED', { cause });
  }
}

class NegativeFileInForce implements TerminalNegativeFile {
  readonly #options: NegativeFileOptions;
  #state: ListState | undefined;
  #snapshot: Snapshot | undefined;
  #overlay: ReadonlySet<string>;
  #running: Promise<void> | undefined;
  #wanted = false;
  #partial: PartialArtefact | undefined;
  #failures = 0;

  constructor(options: NegativeFileOptions, state: ListState | undefined, snapshot: Snapshot | undefined) {
    this.#options = options;
    this.#state = state;
    this.#snapshot = snapshot;
    this.#overlay = new Set(state?.overlay);
  }

  check(...[pan]: Parameters<NegativeFile['check']>): NegativeAnswer {
    const tag = this.#options.keys.negativeTag(pan);
    if (!tag) return 'unknown-key';
    if (this.#overlay.has(Buffer.from(tag).toString('base64'))) return 'listed';
    if (this.#snapshot && isListed(this.#snapshot, tag)) return 'listed';
    const isFresh = this.#snapshot && this.#state && this.#options.world.clock.now() <= this.#state.head.notAfter;
    return isFresh ? 'clear' : 'stale';
  }

  report(): ListReport | undefined {
    if (!this.#state) return undefined;
    const { head, snapshot, freshAt } = this.#state;
    return { list: head.list, version: snapshot?.version ?? 0, overlaySeq: head.overlay.seq, freshAt };
  }

  take(list: string, document: SignedDocument): void {
    const { world } = this.#options;
    if (list !== this.#options.list) return;
    const head = this.#readHead(list, document);
    if (!head.ok) return world.log('error', 'negativeHeadRefused', { fault: head.fault });
    const step = acceptHead(this.#state, head.value, world.clock.now());
    if (step.kind === 'ignored') {
      const { version, overlay } = head.value;
      const fault = fail('NEGATIVE_HEAD_OLD', { facts: { version, overlaySeq: overlay.seq } }).fault;
      return world.log('warn', 'negativeHeadIgnored', { fault });
    }
    // In force before it is stored: the list may only grow here, and after a power loss the head is retained at the broker.
    this.#state = step.state;
    this.#overlay = new Set(step.state.overlay);
    world.log('info', 'negativeHeadApplied', {
      version: head.value.version,
      overlaySeq: head.value.overlay.seq,
      overlay: step.state.overlay.length,
    });
    this.#wanted = true;
    this.wake();
  }

  #readHead(
    list: string,
    document: SignedDocument,
  ): Result<NegativeHead, 'SIGNATURE_INVALID' | 'NEGATIVE_FILE_INVALID' | 'INPUT_INVALID'> {
    const payload = openDocument('tsunagu-negative-head-v1', document, this.#options.trusted);
    if (!payload.ok) return payload;
    const head = parseJson(negativeHead, payload.value);
    if (!head.ok) return head;
    if (head.value.list !== list) return fail('NEGATIVE_FILE_INVALID', { field: 'list' });
    if (head.value.size > this.#options.bytesMax)
      return fail('NEGATIVE_FILE_INVALID', {
        field: 'size',
        facts: { size: head.value.size, max: this.#options.bytesMax },
      });
    return head;
  }

  wake(): void {
    if (this.#options.signal.aborted || (!this.#wanted && !this.#isBehind())) return;
    this.#running ??= this.#follow().finally(() => {
      this.#running = undefined;
      if (this.#wanted) this.wake();
    });
  }

  #isBehind(): boolean {
    return this.#state !== undefined && this.#state.snapshot?.digest !== this.#state.head.digest;
  }

  /** Stores what is in force, and fetches the snapshot when it is not the head's. */
  async #follow(): Promise<void> {
    this.#wanted = false;
    if (!this.#state) return;
    await this.#store(this.#state);
    if (!this.#isBehind()) return this.#options.changed();
    const fetched = await this.#fetch(this.#state.head);
    const { world, signal } = this.#options;
    if (fetched.ok) {
      this.#failures = 0;
      return this.#options.changed();
    }
    this.#options.changed();
    this.#failures += 1;
    const pauseMs = pauseAfter(this.#failures, fetchPauses, world);
    world.log('warn', 'snapshotNotFetched', { fault: fetched.fault, failures: this.#failures, pauseMs });
    if (!signal.aborted) world.timers.after(pauseMs, () => this.wake());
  }

  async #store(state: ListState): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
    const stored = await this.#options.store.write(listRecord, state);
    if (!stored.ok) this.#options.world.log('error', 'negativeNotStored', { fault: stored.fault });
    return stored;
  }

  async #fetch(head: NegativeHead): Promise<Result<void>> {
    const { network, host, world, files } = this.#options;
    const bytes = await fetchArtefact(network, host, world.timers, head, this.#partial, (partial) => {
      this.#partial = partial;
    });
    if (!bytes.ok) return bytes;
    this.#partial = undefined;
    const snapshot = checkSnapshot(bytes.value, head);
    if (!snapshot.ok) return snapshot;
    const slot = spareSlot(this.#state);
    try {
      await replaceFile(files, snapshotFile(slot), bytes.value);
    } catch (cause) {
      return fail('STORE_WRITE_FAILED', { field: snapshotFile(slot), cause });
    }
    // A newer head may have come meanwhile; then this snapshot is another step on the way and the fetch goes on.
    const now = this.#state;
    if (!now || now.head.digest !== head.digest) {
      this.#wanted = true;
      return ok(undefined);
    }
    const next = flipTo(now, slot, world.clock.now());
    const stored = await this.#store(next);
    if (!stored.ok) return stored;
    // A head that came during the write has its own overlay: it is laid on the new base.
    const latest =
      this.#state === now
        ? next
        : { ...next, head: this.#state?.head ?? next.head, overlay: this.#state?.overlay ?? next.overlay };
    this.#snapshot = snapshot.value;
    this.#state = latest;
    this.#overlay = new Set(latest.overlay);
    world.log('info', 'snapshotApplied', { version: head.version, size: head.size, slot });
    return ok(undefined);
  }

  idle(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }
}
