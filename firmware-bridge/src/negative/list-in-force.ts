import { devicePaths, isTagSlot, negativeNames } from '@tsunagu/protocols/fleet';
import { type Fault, fail, ok, type Result, type Secret, toHex } from '@tsunagu/protocols/kit';
import { applyDelta, decodeOverlay, encodeContainer, lookUp, type NegativeFinding } from '@tsunagu/protocols/negative';
import {
  acceptHead,
  acceptOverlay,
  acceptRoot,
  applyManifest,
  type CheckedManifest,
  checkLetGo,
  checkManifest,
  countOffline,
  decodeOverlayDocument,
  decodeSigned,
  freshnessOf,
  initialTrust,
  isEqualToHead,
  type LetGo,
  type Manifest,
  type OfflineAllowance,
  offlineAllowanceOf,
  type RootDocument,
  type SignedBytes,
  type TrustState,
} from '@tsunagu/protocols/negative/authority';
import type { World } from '@tsunagu/protocols/world';
import type { TerminalKeys } from '../keys/index.ts';
import { pauseAfter } from '../link/index.ts';
import { type Files, replaceFile, type SealedStore } from '../sealed-store/index.ts';
import {
  ContainerDownload,
  fetchNamed,
  fetchNear,
  fetchSteps,
  fetchWhole,
  hexOf,
  type NegativeSource,
} from './fetch.ts';
import { type HeldContainer, holdContainer } from './held-container.ts';
import { repairContainer } from './repair.ts';
import { recordOf, type Slot, slotFile, slots, stateOf, trustRecord } from './trust-record.ts';
import { isAwake, type LineToServer } from './wake-up.ts';

/** What a list needs of the terminal around it. */
export interface ListOptions {
  readonly world: World;
  readonly files: Files;
  readonly store: SealedStore;
  readonly keys: Pick<TerminalKeys, 'negativeTags' | 'negativePlace' | 'slots'>;
  readonly source: NegativeSource;
  readonly list: string;
  /** Room that the other lists leave, bytes: for the list in force and the one that follows it. */
  readonly room: () => number;
  /** The line to the server, as it is now. */
  readonly line: LineToServer;
  /** After another root came in force here. */
  readonly rootMoved: () => void;
  /** After something came in force. */
  readonly changed: () => void;
  readonly signal: AbortSignal;
}

/** What is told about a list in the hello. `freshAt` is in milliseconds. */
export interface ListReport {
  readonly list: string;
  readonly version: number;
  readonly overlaySeq: number;
  readonly freshAt: number;
}

/** One list of a terminal's negative file. */
export interface ListInForce {
  /** The root in force here. */
  readonly root: RootDocument;
  /** Bytes that it takes in flash, in both places. */
  readonly footprint: number;
  explain(pan: Secret<'pan'>): NegativeFinding;
  /** What may still be approved without the issuer; nothing without a list in force, the key that it is made with, and a word of this boot. */
  allowance(): OfflineAllowance;
  /** Counts an approval without the issuer: so many, and so much, may be given on one list. On the medium when it resolves. */
  approvedOffline(amountMinor: number): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
  /** Nothing before the first list. */
  report(): ListReport | undefined;
  /** Whether cards may have to be looked up under the key of this check value. */
  needsKey(kcv: string): boolean;
  /** Takes a head and its overlay as they came: checks them, lets them count at once, then fetches the list. */
  take(bytes: Uint8Array): void;
  /** Tries a fetch that failed anew. */
  wake(): void;
  /** Fetches what is not here yet, and tells what is in force then; or why the newest is not. */
  fetchNow(): Promise<Result<void>>;
  /** Compares the list in memory and in flash with what was signed, and mends it. How many bytes that took. */
  scrub(): Promise<number>;
  idle(): Promise<void>;
}

const fetchPauses = { firstMs: 500, maxMs: 60_000 };
const scrubMs = 3_600_000;
const documentBytesMax = 8_192;
const rootsAtOnceMax = 16;
const deltaShareMax = 0.8;

/**
 * Opens a list of a terminal's folder. One that is not as signed is mended, or fetched again.
 * @param first the root to begin with, where nothing is stored yet
 */
export async function openListInForce(
  options: ListOptions,
  first: () => Result<RootDocument, 'SIGNATURE_INVALID' | 'NEGATIVE_DOCUMENT_INVALID'>,
): Promise<
  Result<ListInForce, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'SIGNATURE_INVALID' | 'NEGATIVE_DOCUMENT_INVALID'>
> {
  const record = trustRecord(options.list);
  const stored = await options.store.read(record);
  if (!stored.ok) return stored;
  if (stored.value) {
    const { slot } = stored.value.facts;
    const state = stateOf(options.list, stored.value.facts);
    if (!state) return fail('STORE_RECORD_DAMAGED', { field: record.name });
    const list = new StoredList(options, state, slot);
    await list.load();
    return ok(list);
  }
  const root = first();
  return root.ok ? ok(new StoredList(options, initialTrust(options.list, root.value), null)) : root;
}

/** The cards of an overlay that was accepted. */
function entriesOf(document: SignedBytes): Float64Array | undefined {
  const overlay = decodeOverlayDocument(document.payload);
  const entries = overlay.ok ? decodeOverlay(overlay.value.overlay) : overlay;
  return entries.ok ? entries.value : undefined;
}

/** Whether a check value is that of the key of a version. It may be announced in full or cut; what a manifest has room for is compared. */
const isKeyOf = (kcv: string, { keyCheck }: Manifest): boolean => kcv.toUpperCase().startsWith(toHex(keyCheck));

/** A list that comes in force: where it lies, and what the state becomes with it. */
interface Flip {
  readonly slot: Slot;
  readonly held: HeldContainer;
  readonly onto: (state: TrustState) => TrustState;
}

class StoredList implements ListInForce {
  readonly #options: ListOptions;
  readonly #source: NegativeSource;
  #state: TrustState;
  #slot: Slot | null;
  #held: HeldContainer | undefined;
  /** The documents that came last and are in force. */
  #manifest: { readonly digest: string; readonly manifest: CheckedManifest } | undefined;
  /** The cards of the newest overlay alone: what counts beside the base that it is for. */
  #lastOverlay: Float64Array | undefined;
  /** The record is written by one at a time, so that an older state never follows a newer one. */
  #writing: Promise<unknown> = Promise.resolve();
  #isScrubbing = false;
  /** What lies in the two places, bytes. */
  readonly #sizes: Record<Slot, number> = { A: 0, B: 0 };
  /** A head and its overlay came in this boot and count. */
  #hasHead = false;
  #waiting: readonly [SignedBytes, SignedBytes] | undefined;
  #running: Promise<void> | undefined;
  #wanted = false;
  #download: ContainerDownload | undefined;
  #failures = 0;
  /** Why the last fetch brought nothing. */
  #fetchFault: Fault | undefined;

  constructor(options: ListOptions, state: TrustState, slot: Slot | null) {
    this.#options = options;
    const { world } = options;
    this.#source = options.source;
    this.#state = state;
    this.#slot = slot;
    const scrubbing = world.timers.every(scrubMs, () => void this.scrub());
    options.signal.addEventListener('abort', () => scrubbing.cancel(), { once: true });
  }

  get root(): RootDocument {
    return this.#state.root;
  }

  get footprint(): number {
    return this.#sizes.A + this.#sizes.B;
  }

  /** Takes the list out of flash. */
  async load(): Promise<void> {
    const { applied } = this.#state;
    for (const slot of slots) this.#sizes[slot] = (await this.#readSlot(slot))?.length ?? 0;
    if (!applied || !this.#slot) return;
    const bytes = await this.#readSlot(this.#slot);
    const held = bytes ? holdContainer(bytes, applied) : fail('NEGATIVE_FILE_INVALID', { field: 'file' });
    if (held.ok) this.#held = held.value;
    else this.#options.world.log('error', 'negativeListDamaged', { fault: held.fault });
  }

  async #readSlot(slot: Slot): Promise<Uint8Array | undefined> {
    return await this.#options.files.read(slotFile(this.#options.list, slot)).catch(() => undefined);
  }

  get #now(): number {
    return Math.floor(this.#options.world.clock.now() / 1_000);
  }

  explain(pan: Secret<'pan'>): NegativeFinding {
    const { keys } = this.#options;
    const { overlay, applied } = this.#state;
    const tags = keys.negativeTags(pan);
    // The list in force is asked under its own key; emergency entries under every key that is here.
    const own = applied ? tags.find(({ kcv }) => isKeyOf(kcv, applied)) : tags[0];
    const [tag, ...others] = own ? [own, ...tags.filter((each) => each !== own)] : tags;
    if (!tag) return { answer: 'unknown-key' };
    const now = this.#now;
    const container = own && this.#held?.container;
    const permuted = container?.codec === 'KP' ? keys.negativePlace(pan, tag.kcv) : undefined;
    return pan.use((digits): NegativeFinding => {
      const probe = { mac: tag.mac, otherMacs: others.map(({ mac }) => mac), digits, permuted };
      const isFresh = this.#isAwake && freshnessOf(this.#state, now) !== 'hard';
      const finding = lookUp({ overlay, container, isFresh, now }, probe);
      if (finding.answer === 'listed' || finding.answer === 'range-listed') return finding;
      if (!this.#hasItsKeys()) return { answer: 'unknown-key' };
      if (finding.answer !== 'clear' || this.#held?.isSoundFor(probe)) return finding;
      void this.scrub();
      return { answer: 'stale' };
    });
  }

  get #isAwake(): boolean {
    return isAwake(this.#hasHead, this.#options.line);
  }

  /**
   * Whether the keys are here that a card has to be looked up under: that of the list in force, and that of the list that follows it, where emergency
   * entries came which are under that one. Under another key every card looks clear.
   */
  #hasItsKeys(): boolean {
    const { applied, head, overlay } = this.#state;
    if (!applied) return this.#tagKeys().length > 0;
    if (!this.#holds(applied)) return false;
    const isUnderOwn = !head || head.epoch === applied.epoch || (this.#lastOverlay ?? overlay).length === 0;
    return isUnderOwn || this.#holds(this.#nextManifest());
  }

  #tagKeys(): readonly { readonly kcv: string }[] {
    return this.#options.keys.slots().filter(({ slot }) => isTagSlot(slot));
  }

  /** Whether the key is here that a version is made with. */
  #holds(manifest: Manifest | undefined): boolean {
    return manifest !== undefined && this.#tagKeys().some(({ kcv }) => isKeyOf(kcv, manifest));
  }

  /** The manifest that the newest head names; undefined while it is not here. */
  #nextManifest(): CheckedManifest | undefined {
    const { head } = this.#state;
    return head && this.#manifest?.digest === hexOf(head.manifest) ? this.#manifest.manifest : undefined;
  }

  needsKey(kcv: string): boolean {
    const { applied, head } = this.#state;
    // While the list that follows is on its way it is not certain what is looked up under which.
    return !applied || isKeyOf(kcv, applied) || head?.epoch !== applied.epoch || !this.#holds(applied);
  }

  allowance(): OfflineAllowance {
    if (!this.#held || !this.#hasItsKeys() || !this.#isAwake) return { freshness: 'hard', amountLeftMinor: 0 };
    return offlineAllowanceOf(this.#state, this.#now);
  }

  async approvedOffline(amountMinor: number): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
    this.#state = countOffline(this.#state, amountMinor);
    return await this.#store();
  }

  report(): ListReport | undefined {
    const { list, applied, overlaySeq, freshAt } = this.#state;
    if (!applied && overlaySeq === 0) return undefined;
    return { list, version: this.#held ? (applied?.version ?? 0) : 0, overlaySeq, freshAt: freshAt * 1_000 };
  }

  take(bytes: Uint8Array): void {
    const { world } = this.#options;
    const head = decodeSigned(bytes);
    const overlay = head.ok ? decodeSigned(bytes, head.value.end) : head;
    if (!head.ok || !overlay.ok || overlay.value.end !== bytes.length)
      return world.log('error', 'negativeHeadRefused', { fault: fail('NEGATIVE_DOCUMENT_INVALID').fault });
    this.#consider(head.value.document, overlay.value.document);
  }

  /** Lets a head and its overlay count, in memory first: an emergency entry does not wait for a disk. */
  #consider(head: SignedBytes, overlay: SignedBytes): void {
    const { world } = this.#options;
    const headed = acceptHead(this.#state, head, this.#now);
    const overlaid = headed.ok ? acceptOverlay(headed.value, overlay, this.#now) : headed;
    if (!headed.ok || !overlaid.ok) {
      const { fault } = overlaid.ok ? fail('NEGATIVE_MIXED') : overlaid;
      world.log(fault.code === 'NEGATIVE_ROLLED_BACK' ? 'warn' : 'error', 'negativeHeadRefused', { fault });
      // It may be signed by keys of a root that is not here yet.
      if (fault.code !== 'SIGNATURE_INVALID') return;
      this.#waiting = [head, overlay];
    } else {
      this.#state = overlaid.value;
      this.#hasHead = true;
      // A root that it names, and that changes keys, has it forgotten: it is considered again under that root.
      const isAhead = (overlaid.value.head?.rootVersion ?? 0) > overlaid.value.root.version;
      this.#waiting = isAhead ? [head, overlay] : undefined;
      this.#lastOverlay = entriesOf(overlay);
      const { version, seq } = headed.value.head ?? { version: 0, seq: 0 };
      world.log('info', 'negativeHeadApplied', { version, overlaySeq: seq, overlay: this.#state.overlay.length });
    }
    this.#wanted = true;
    this.wake();
  }

  wake(): void {
    if (this.#options.signal.aborted || (!this.#wanted && !this.#isBehind())) return;
    this.#running ??= this.#follow().finally(() => {
      this.#running = undefined;
      if (this.#wanted) this.wake();
    });
  }

  async fetchNow(): Promise<Result<void>> {
    await this.idle();
    this.#fetchFault = undefined;
    this.wake();
    await this.idle();
    return this.#fetchFault ? { ok: false, fault: this.#fetchFault } : ok(undefined);
  }

  #isBehind(): boolean {
    const { head } = this.#state;
    return head !== null && (!this.#held || !isEqualToHead(this.#state));
  }

  /** Stores what is in force, and fetches what is not here yet. */
  async #follow(): Promise<void> {
    this.#wanted = false;
    const { world, signal, changed } = this.#options;
    await this.#followRoots();
    await this.#store();
    if (!this.#isBehind()) return changed();
    const fetched = await this.#fetch();
    changed();
    if (fetched.ok) {
      this.#failures = 0;
      this.#fetchFault = undefined;
      return;
    }
    this.#failures += 1;
    this.#fetchFault = fetched.fault;
    const pauseMs = pauseAfter(this.#failures, fetchPauses, world);
    world.log('warn', 'negativeListNotFetched', { fault: fetched.fault, failures: this.#failures, pauseMs });
    if (!signal.aborted) world.timers.after(pauseMs, () => this.wake());
  }

  /** Follows the chain of roots, one version after the other, as far as it leads. */
  async #followRoots(): Promise<void> {
    const waiting = this.#waiting;
    const isOld = (this.#state.head?.rootVersion ?? 0) > this.#state.root.version;
    if (!waiting && !isOld) return;
    let isNewer = false;
    for (let steps = 0; steps < rootsAtOnceMax; steps += 1) {
      const name = negativeNames.authority(this.#state.root.version + 1);
      const bytes = await fetchNamed(this.#source, name, documentBytesMax);
      const document = bytes.ok ? decodeSigned(bytes.value) : bytes;
      if (!document.ok) break;
      const next = acceptRoot(this.#state, document.value.document, this.#now);
      if (!next.ok) {
        this.#options.world.log('error', 'negativeRootRefused', { fault: next.fault });
        break;
      }
      this.#state = next.value;
      this.#options.world.log('info', 'negativeRootApplied', { version: next.value.root.version });
      isNewer = true;
    }
    if (isNewer) this.#options.rootMoved();
    if (!waiting || !isNewer) return;
    this.#waiting = undefined;
    this.#consider(...waiting);
  }

  /** Writes the state as it is when its turn comes. With `flip` the pointer turns in the same write, and in memory right after it. */
  #store(flip?: Flip): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
    const turn = async (): Promise<Result<void, 'STORE_WRITE_FAILED'>> => {
      const slot = flip ? flip.slot : this.#slot;
      const state = flip ? flip.onto(this.#state) : this.#state;
      const stored = await this.#options.store.write(trustRecord(this.#options.list), recordOf(state, slot));
      if (!stored.ok) this.#options.world.log('error', 'negativeNotStored', { fault: stored.fault });
      else if (flip) {
        // A head or an approval that came during the write goes on counting; whoever brought it writes it next.
        this.#state = flip.onto(this.#state);
        this.#slot = slot;
        this.#held = flip.held;
      }
      return stored;
    };
    const stored = this.#writing.then(turn);
    this.#writing = stored;
    return stored;
  }

  async #fetch(): Promise<Result<void>> {
    const manifest = await this.#fetchManifest();
    if (!manifest.ok) return manifest;
    // A list that can be looked up does not give way to one that cannot: that one waits for its key.
    const { applied } = this.#state;
    if (this.#held && applied && this.#holds(applied) && !this.#holds(manifest.value))
      return fail('KEY_SLOT_EMPTY', { field: 'negative' });
    const bytes = await this.#fetchList(manifest.value);
    if (!bytes.ok) return bytes;
    const held = holdContainer(bytes.value, manifest.value);
    if (!held.ok) return held;
    const letGo = this.#letGoBy(manifest.value, held.value);
    if (!letGo.ok) return letGo;
    return await this.#apply(manifest.value, held.value, letGo.value);
  }

  /** What one list key alone has let go when a list comes in force. */
  #letGoBy(manifest: CheckedManifest, held: HeldContainer): Result<LetGo> {
    const [base, next] = [this.#held?.container.readAll(), held.container.readAll()];
    if (!next.ok) return next;
    return checkLetGo(this.#state, manifest, base?.ok ? base.value : undefined, next.value, this.#now);
  }

  async #fetchManifest(): Promise<Result<CheckedManifest>> {
    const { head } = this.#state;
    if (!head) return fail('NEGATIVE_MIXED', { field: 'head' });
    const known = this.#nextManifest();
    if (known) return ok(known);
    const digest = hexOf(head.manifest);
    const bytes = await fetchWhole(this.#source, `${devicePaths.artefacts}/${digest}`, documentBytesMax);
    const document = bytes.ok ? decodeSigned(bytes.value) : bytes;
    if (!document.ok) return document;
    const manifest = checkManifest(this.#state, document.value.document, this.#now);
    if (!manifest.ok) return manifest;
    // The list in force and the one that follows lie side by side.
    const bytesMax = this.#options.room();
    if (manifest.value.size + (this.#state.applied?.size ?? 0) > bytesMax)
      return fail('NEGATIVE_TOO_LARGE', { facts: { size: manifest.value.size, bytesMax } });
    this.#manifest = { digest, manifest: manifest.value };
    return manifest;
  }

  /** The container of a manifest: out of the one in force and a delta, or whole. */
  async #fetchList(manifest: Manifest): Promise<Result<Uint8Array>> {
    const { applied } = this.#state;
    if (this.#held && applied && applied.epoch === manifest.epoch) {
      const patched = await this.#fetchDelta(this.#held, applied, manifest);
      if (patched.ok) return patched;
      this.#options.world.log('info', 'negativeDeltaUnusable', { fault: patched.fault });
    }
    if (this.#download?.manifest !== manifest) {
      const steps = await fetchSteps(this.#source, manifest);
      if (!steps.ok) return steps;
      this.#download = new ContainerDownload(manifest, steps.value);
    }
    const near = await this.#download.near(this.#source);
    const bytes = near ? ok(near) : await this.#download.run(this.#source);
    if (bytes.ok) this.#download = undefined;
    return bytes;
  }

  async #fetchDelta(held: HeldContainer, applied: Manifest, manifest: Manifest): Promise<Result<Uint8Array>> {
    const name = negativeNames.delta(hexOf(applied.root), hexOf(manifest.root));
    const base = held.container.readAll();
    if (!base.ok) return base;
    const lengthMax = Math.ceil(manifest.size * deltaShareMax) + documentBytesMax;
    return await fetchNear(this.#source, name, lengthMax, (delta) => {
      const set = applyDelta(base.value, applied.root, delta);
      if (!set.ok) return set;
      const bytes = encodeContainer(set.value);
      const isRight = holdContainer(bytes, manifest);
      if (isRight.ok) this.#options.world.log('info', 'negativeDeltaApplied', { size: delta.length });
      return isRight.ok ? ok(bytes) : isRight;
    });
  }

  /** Writes a list beside the one in force, reads it back, and turns the pointer. */
  async #apply(manifest: Manifest, held: HeldContainer, letGo = this.#state.letGo): Promise<Result<void>> {
    const { files, list, world } = this.#options;
    const slot: Slot = this.#slot === 'A' ? 'B' : 'A';
    try {
      await replaceFile(files, slotFile(list, slot), held.container.bytes);
      this.#sizes[slot] = held.container.bytes.length;
    } catch (cause) {
      return fail('STORE_WRITE_FAILED', { field: slotFile(list, slot), cause });
    }
    const written = await this.#readSlot(slot);
    const readBack = written ? holdContainer(written, manifest) : fail('NEGATIVE_FILE_INVALID', { field: 'file' });
    if (!readBack.ok) return readBack;
    const onto = (state: TrustState): TrustState => applyManifest(state, manifest, this.#overlayOn(manifest), letGo);
    const stored = await this.#store({ slot, held: readBack.value, onto });
    if (!stored.ok) return stored;
    world.log('info', 'negativeListApplied', { version: manifest.version, size: manifest.size, slot });
    if (this.#isBehind()) this.#wanted = true;
    return ok(undefined);
  }

  /** What counts beside a new base: all that counted, unless the overlay in force is the one for this very base. */
  #overlayOn({ epoch, version }: Manifest): Float64Array {
    const { head, overlay } = this.#state;
    const isFor = head !== null && head.epoch === epoch && head.version === version && this.#lastOverlay !== undefined;
    return isFor ? (this.#lastOverlay ?? overlay) : overlay;
  }

  async scrub(): Promise<number> {
    const { applied } = this.#state;
    const slot = this.#slot;
    if (!applied || !slot || this.#isScrubbing) return 0;
    this.#isScrubbing = true;
    try {
      const bytes = await this.#readSlot(slot);
      const isSound = bytes !== undefined && holdContainer(bytes, applied).ok && this.#held?.rotten().length === 0;
      if (isSound) return 0;
      this.#options.world.log('error', 'negativeListDamaged', { fault: fail('NEGATIVE_FILE_INVALID').fault });
      const mended = bytes ? await repairContainer(this.#source, applied, bytes) : fail('NEGATIVE_FILE_INVALID');
      const held = mended.ok ? holdContainer(mended.value.bytes, applied) : mended;
      if (!mended.ok || !held.ok || this.#slot !== slot) {
        this.#held = undefined;
        this.#wanted = true;
        this.wake();
        return 0;
      }
      const written = await this.#apply(applied, held.value);
      return written.ok ? mended.value.fetched : 0;
    } finally {
      this.#isScrubbing = false;
    }
  }

  idle(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }
}
