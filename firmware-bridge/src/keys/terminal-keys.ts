import type { TransactionKey } from '@tsunagu/protocols/dukpt';
import {
  type AcquirerKeyKind,
  type AcquirerSlot,
  type HeldKey,
  type JobId,
  type KeyBind,
  type KeyBinding,
  type KeyErase,
  type KeyLoad,
  type KeyReceive,
  type KeyRelease,
  type KeySlot,
  type ProtectionEvidence,
  type ReleaseProof,
  type TagSlot,
  isTagSlot,
  tagSlots,
} from '@tsunagu/protocols/fleet';
import { checkValue, customaryCheckValue } from '@tsunagu/protocols/kcv';
import { fail, fromHex, hex, ok, type Result, Secret, toHex } from '@tsunagu/protocols/kit';
import { panMac, permutationKey, type PermutedPan, permutePan } from '@tsunagu/protocols/negative';
import { type UnwrapError, type UnwrappedKey, unwrapKeyBlock } from '@tsunagu/protocols/tr31';
import type { Clock } from '@tsunagu/protocols/world';
import type { z } from 'zod';
import { keyBlockProtectionKeyRecord } from '../enrolment/index.ts';
import type { SealedStore } from '../sealed-store/index.ts';
import {
  type BindFault,
  type BindParts,
  bind,
  keyBindingRecord,
  receive,
  type ReceiveFault,
  rsaKeyFor,
} from './key-binding.ts';
import { type DrawFault, drawForRelease, release, type ReleaseFault, type ReleaseParts } from './key-release.ts';
import {
  type DukptState,
  initialiseDukpt,
  nextKsn,
  parseDukpt,
  schemeOfId,
  serialiseDukpt,
  takeDukpt,
} from './dukpt-state.ts';
import {
  acquirerKeysMax,
  acquirerListRecord,
  acquirerRecord,
  dukptSlot,
  isAcquirerSlot,
  ruleOf,
  tagRecords,
} from './key-slots.ts';

type StoreFault = 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED' | 'STORE_WRITE_FAILED';
/** Why a key was not loaded. */
export type KeyLoadFault =
  | StoreFault
  | UnwrapError
  | 'TERMINAL_TAMPERED'
  | 'KEY_NOT_AS_ANNOUNCED'
  | 'KEY_SLOT_EMPTY'
  | 'KEY_LENGTH_INVALID';
/** What shows that a key is in its slot. */
export type KeyEvidence = HeldKey;
/** Look-ups in exact lists at once: a sale has one for each such list. */
const placesMax = 120;

/** The order that a key came by. */
export interface LoadOrder {
  readonly job: string;
  readonly attempt: number;
}

/** The keys of one card company in a terminal. */
export type AcquirerKeys = Readonly<Record<AcquirerKeyKind, { readonly key: Secret<'key'>; readonly kcv: string }>>;

/** What a card is under one key of negative lists. */
export interface NegativeTag {
  readonly kcv: string;
  readonly mac: Uint8Array;
}

/** The working keys of one terminal. */
export interface TerminalKeys {
  /** What is in the slots; for hello and for people. */
  slots(): readonly KeyEvidence[];
  /** Takes a key out of its block and into its slot. The same key again changes nothing: a counter never goes back. */
  load(key: KeyLoad, order: LoadOrder): Promise<Result<KeyEvidence, KeyLoadFault>>;
  /** Empties a slot whose key gave way to another; where it is empty already nothing changes. Whether a list still needs it is the caller's to know. */
  erase(key: KeyErase): Promise<Result<void, 'STORE_WRITE_FAILED' | 'KEY_NOT_AS_ANNOUNCED'>>;
  /** Binds to a key host by TR-34. */
  bind(
    wanted: KeyBind,
    job: JobId,
    identityKey: BindParts['identityKey'],
  ): Promise<Result<KeyBinding, BindFault | 'TERMINAL_TAMPERED'>>;
  /** Takes the key-block protection key of a TR-34 token. */
  receive(wanted: KeyReceive, job: JobId): Promise<Result<ProtectionEvidence, ReceiveFault | 'TERMINAL_TAMPERED'>>;
  /** Draws the random number over which the host may end or move the binding. */
  drawForRelease(
    job: JobId,
    identityKey: BindParts['identityKey'],
  ): Promise<Result<KeyBinding, DrawFault | 'TERMINAL_TAMPERED'>>;
  /** Follows the host's word: bound to nobody and without keys, or bound to another host. What it swears to of it. */
  release(
    wanted: KeyRelease,
    job: JobId,
    parts: Pick<ReleaseParts, 'identityKey' | 'undelivered'>,
  ): Promise<Result<ReleaseProof, ReleaseFault | 'TERMINAL_TAMPERED'>>;
  /** Compares the slots on the medium with those in use, and each check value with its key. Nothing changes. */
  check(): Promise<Result<readonly KeyEvidence[], StoreFault | 'DUKPT_STATE_INVALID' | 'KEY_NOT_AS_ANNOUNCED'>>;
  /** The next DUKPT transaction key. The state that follows is on disk before the key is handed out; the taker wipes it. */
  takeTransactionKey(): Promise<Result<TransactionKey, StoreFault | 'KEY_SLOT_EMPTY' | 'DUKPT_COUNTER_EXHAUSTED'>>;
  /** Copies of all keys of a card company with their check values, which the taker wipes; undefined while one of them is missing. */
  acquirerKeys(acquirer: string): AcquirerKeys | undefined;
  /** What a card is in negative lists: its MAC, 16 bytes, under each of their keys that is here, by check value. */
  negativeTags(pan: Secret<'pan'>): readonly NegativeTag[];
  /**
   * Where a card stands in exact negative lists under the key of this check value; undefined without the key, for a number that those do not hold,
   * and when it is asked more than `placesMax` times at once and more than once a second after that: with this answer one could walk a list back to
   * its cards.
   */
  negativePlace(pan: Secret<'pan'>, kcv: string): PermutedPan | undefined;
  /** Wipes every key, the key-block protection key too, out of memory and off the medium. Nothing can be loaded after it. */
  destroy(): Promise<Result<void, 'STORE_WRITE_FAILED'>>;
}

/** Opens the key slots of a store. */
export async function openTerminalKeys(
  store: SealedStore,
  clock: Clock,
  own?: Omit<BindParts, 'store' | 'identityKey'>,
): Promise<Result<TerminalKeys, StoreFault | 'DUKPT_STATE_INVALID'>> {
  const dukpt = await store.read(dukptSlot);
  if (!dukpt.ok) return dukpt;
  const slots: Slots = { tags: new Map(), acquirers: new Map() };
  for (const slot of tagSlots) {
    const kept = await store.read(tagRecords[slot]);
    if (!kept.ok) return kept;
    if (kept.value?.secret) slots.tags.set(slot, { facts: kept.value.facts, key: kept.value.secret });
  }
  const listed = await store.read(acquirerListRecord);
  if (!listed.ok) return listed;
  for (const slot of listed.value?.facts.slots ?? []) {
    if (!isAcquirerSlot(slot)) continue;
    const kept = await store.read(acquirerRecord(slot));
    if (!kept.ok) return kept;
    if (kept.value?.secret) slots.acquirers.set(slot, { facts: kept.value.facts, key: kept.value.secret });
  }
  if (dukpt.value?.secret) {
    const state = parseDukpt(dukpt.value.secret, schemeOfId(hex(dukpt.value.facts.initialKeyId)));
    dukpt.value.secret.wipe();
    if (!state.ok) return state;
    slots.dukpt = { facts: dukpt.value.facts, state: state.value };
  }
  return ok(terminalKeys(store, slots, bucket(clock, placesMax), own));
}

interface LoadedKey {
  readonly facts: Facts;
  readonly key: Secret<'key'>;
}

interface Slots {
  dukpt?: { readonly facts: z.output<(typeof dukptSlot)['facts']>; readonly state: DukptState };
  readonly tags: Map<TagSlot, LoadedKey>;
  readonly acquirers: Map<AcquirerSlot, LoadedKey>;
}

function terminalKeys(
  store: SealedStore,
  slots: Slots,
  mayPlace: () => boolean,
  own: Omit<BindParts, 'store' | 'identityKey'> | undefined,
): TerminalKeys {
  let tail: Promise<unknown> = Promise.resolve();
  let areDestroyed = false;
  // One change at a time: two takers must never see the same state.
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = tail.then(work, work);
    tail = turn.catch(() => undefined);
    return turn;
  };
  return {
    slots: () => heldSlots(slots),
    async bind(wanted, job, identityKey) {
      if (!own) throw new Error('these keys were opened without what binding needs');
      // Making an RSA key takes its time: payments do not wait for it.
      const key = await rsaKeyFor(store);
      if (!key.ok) return key;
      return await inTurn(async () =>
        areDestroyed ? fail('TERMINAL_TAMPERED') : bind({ ...own, store, identityKey }, key.value, wanted, job),
      );
    },
    receive: (wanted, job) =>
      inTurn(async () => {
        if (!own) throw new Error('these keys were opened without what binding needs');
        return areDestroyed ? fail('TERMINAL_TAMPERED') : receive({ store, world: own.world }, wanted, job);
      }),
    drawForRelease: (job, identityKey) =>
      inTurn(async () => {
        if (!own) throw new Error('these keys were opened without what binding needs');
        return areDestroyed ? fail('TERMINAL_TAMPERED') : drawForRelease({ ...own, store, identityKey }, job);
      }),
    release: (wanted, job, parts) =>
      inTurn(async () => {
        if (!own) throw new Error('these keys were opened without what binding needs');
        if (areDestroyed) return fail('TERMINAL_TAMPERED');
        const held = { slots: () => heldSlots(slots), destroy: () => destroy(store, slots) };
        return await release({ ...own, ...parts, ...held, store }, wanted, job);
      }),
    load: (key, order) =>
      inTurn(async () => (areDestroyed ? fail('TERMINAL_TAMPERED') : load(store, slots, key, order))),
    erase: ({ slot, kcv }) =>
      inTurn(async () => {
        const held = slots.tags.get(slot);
        if (!held) return ok(undefined);
        if (held.facts.kcv !== kcv) return fail('KEY_NOT_AS_ANNOUNCED', { field: slot });
        const removed = await store.remove(tagRecords[slot]);
        if (!removed.ok) return removed;
        slots.tags.delete(slot);
        held.key.wipe();
        return removed;
      }),
    check: () => inTurn(() => check(store, slots)),
    takeTransactionKey: () => inTurn(() => take(store, slots)),
    acquirerKeys(acquirer) {
      const held = (kind: AcquirerKeyKind) => slots.acquirers.get(`acquirer/${acquirer}/${kind}`);
      const [pin, mac, data] = [held('pin'), held('mac'), held('data')];
      if (!pin || !mac || !data) return undefined;
      const copy = ({ key, facts }: typeof pin) => ({
        key: key.use((bytes) => Secret.copy('key', bytes)),
        kcv: facts.kcv,
      });
      return { pin: copy(pin), mac: copy(mac), data: copy(data) };
    },
    negativeTags: (pan) =>
      [...slots.tags.values()].flatMap(({ facts, key }) => {
        const mac = panMac(key, pan);
        return mac.ok ? [{ kcv: facts.kcv, mac: mac.value }] : [];
      }),
    negativePlace(pan, kcv) {
      const held = [...slots.tags.values()].find(({ facts }) => facts.kcv === kcv);
      if (!held || !mayPlace()) return undefined;
      const permuting = permutationKey(held.key);
      try {
        return permutePan(permuting, pan);
      } finally {
        permuting.wipe();
      }
    },
    destroy() {
      // At once, whatever waits for its turn: the medium follows.
      areDestroyed = true;
      forget(slots);
      return inTurn(() => destroy(store, slots));
    },
  };
}

/** So many at once, and one more for each second. */
function bucket(clock: Clock, most: number): () => boolean {
  let left = most;
  let at = clock.monotonicMs();
  return () => {
    const now = clock.monotonicMs();
    left = Math.min(most, left + (now - at) / 1_000);
    at = now;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}

/** Everything that a key can be made of; the key that all others travel under goes first. */
async function destroy(store: SealedStore, slots: Slots): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
  // Whoever was in line before may have put a key back into memory.
  const acquirers = await store.read(acquirerListRecord);
  forget(slots);
  let outcome: Result<void, 'STORE_WRITE_FAILED'> = ok(undefined);
  const ofAcquirers = (acquirers.ok ? (acquirers.value?.facts.slots ?? []) : []).filter(isAcquirerSlot);
  for (const record of [
    keyBlockProtectionKeyRecord,
    keyBindingRecord,
    dukptSlot,
    ...tagSlots.map((slot) => tagRecords[slot]),
    ...ofAcquirers.map(acquirerRecord),
    acquirerListRecord,
  ]) {
    const removed = await store.remove(record);
    if (!removed.ok) outcome = removed;
  }
  return outcome;
}

/** Wipes what is in memory. */
function forget(slots: Slots): void {
  for (const { key } of [...slots.acquirers.values(), ...slots.tags.values()]) key.wipe();
  slots.acquirers.clear();
  slots.tags.clear();
  delete slots.dukpt;
}

const heldSlots = (slots: Slots): readonly KeyEvidence[] =>
  (['dukpt', ...tagSlots, ...slots.acquirers.keys()] as const).flatMap((slot) => evidenceOf(slots, slot) ?? []);

/** What is in a slot of a key that is no DUKPT key. */
const keyIn = (slots: Slots, slot: Exclude<KeySlot, 'dukpt'>): LoadedKey | undefined =>
  isTagSlot(slot) ? slots.tags.get(slot) : slots.acquirers.get(slot);

function evidenceOf(slots: Slots, slot: KeySlot): KeyEvidence | undefined {
  if (slot !== 'dukpt') {
    const held = keyIn(slots, slot);
    return held && { slot, kcv: held.facts.kcv };
  }
  if (!slots.dukpt) return undefined;
  const { facts, state } = slots.dukpt;
  return { slot, kcv: facts.kcv, ksn: toHex(nextKsn(state)) };
}

async function load(
  store: SealedStore,
  slots: Slots,
  wanted: KeyLoad,
  order: LoadOrder,
): Promise<Result<KeyEvidence, KeyLoadFault>> {
  const { slot } = wanted;
  const held = (slot === 'dukpt' ? slots.dukpt : keyIn(slots, slot))?.facts;
  if (held?.job === order.job && held.attempt === order.attempt) return evidence(slots, wanted.slot);
  const unwrapped = await unwrapUnderProtection(store, wanted);
  if (!unwrapped.ok) return unwrapped;
  const { key, header, optionalBlocks } = unwrapped.value;
  const rule = ruleOf(slot);
  if (header.versionId !== 'D' || header.keyUsage !== rule.usage || !rule.algorithms.includes(header.algorithm))
    return refuse(key, 'usage');
  const kcv = customaryCheckValue(header.algorithm === 'T' ? 'TDES' : 'AES', key);
  if (!kcv.ok || toHex(kcv.value) !== wanted.kcv) return refuse(key, 'kcv');
  const written = isAcquirerSlot(slot)
    ? await putAcquirer(store, slots, slot, key, { kcv: wanted.kcv, ...order })
    : isTagSlot(slot)
      ? await putTag(store, slots, slot, key, { kcv: wanted.kcv, ...order })
      : await putDukpt(store, slots, key, initialKeyIdOf(header.algorithm, optionalBlocks), {
          kcv: wanted.kcv,
          ...order,
        });
  return written.ok ? evidence(slots, wanted.slot) : written;
}

function evidence(slots: Slots, slot: KeySlot): Result<KeyEvidence, 'KEY_SLOT_EMPTY'> {
  const found = evidenceOf(slots, slot);
  return found ? ok(found) : fail('KEY_SLOT_EMPTY', { field: slot });
}

async function check(
  store: SealedStore,
  slots: Slots,
): Promise<Result<readonly KeyEvidence[], StoreFault | 'DUKPT_STATE_INVALID' | 'KEY_NOT_AS_ANNOUNCED'>> {
  const dukpt = await store.read(dukptSlot);
  if (!dukpt.ok) return dukpt;
  if (dukpt.value?.secret) {
    const state = parseDukpt(dukpt.value.secret, schemeOfId(hex(dukpt.value.facts.initialKeyId)));
    dukpt.value.secret.wipe();
    if (!state.ok) return state;
    if (state.value.state.counter !== slots.dukpt?.state.state.counter)
      return fail('KEY_NOT_AS_ANNOUNCED', { field: 'counter' });
  } else if (slots.dukpt) return fail('KEY_NOT_AS_ANNOUNCED', { field: 'dukpt' });
  for (const slot of [...tagSlots, ...slots.acquirers.keys()]) {
    const kept = await store.read(isTagSlot(slot) ? tagRecords[slot] : acquirerRecord(slot));
    if (!kept.ok) return kept;
    const of = kept.value?.secret && checkValue('AES', 'cmac', kept.value.secret);
    kept.value?.secret?.wipe();
    if ((of?.ok ? toHex(of.value) : undefined) !== keyIn(slots, slot)?.facts.kcv)
      return fail('KEY_NOT_AS_ANNOUNCED', { field: slot });
  }
  return ok(heldSlots(slots));
}

function refuse(key: Secret<'key'>, field: string): Result<never, 'KEY_NOT_AS_ANNOUNCED'> {
  key.wipe();
  return fail('KEY_NOT_AS_ANNOUNCED', { field });
}

async function unwrapUnderProtection(
  store: SealedStore,
  wanted: KeyLoad,
): Promise<Result<UnwrappedKey, StoreFault | UnwrapError | 'KEY_SLOT_EMPTY'>> {
  const protection = await store.read(keyBlockProtectionKeyRecord);
  if (!protection.ok) return protection;
  const kbpk = protection.value?.secret;
  if (!kbpk) return fail('KEY_SLOT_EMPTY', { field: 'kbpk' });
  const unwrapped = unwrapKeyBlock(kbpk, wanted.keyBlock);
  kbpk.wipe();
  return unwrapped;
}

/** Whose an initial key is: out of optional block IK, 8 bytes, for AES; out of KS, 10 bytes, for TDES. X9.143, 6.3.6. */
function initialKeyIdOf(algorithm: string, blocks: UnwrappedKey['optionalBlocks']): Uint8Array | undefined {
  const isTdes = algorithm === 'T';
  const id = fromHex(blocks.find((block) => block.id === (isTdes ? 'KS' : 'IK'))?.data ?? '');
  return id.ok && id.value.length === (isTdes ? 10 : 8) ? id.value : undefined;
}

type Facts = LoadOrder & { readonly kcv: string };

async function putTag(
  store: SealedStore,
  slots: Slots,
  slot: TagSlot,
  key: Secret<'key'>,
  facts: Facts,
): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
  const written = await store.write(tagRecords[slot], facts, key);
  if (!written.ok) return written;
  slots.tags.get(slot)?.key.wipe();
  slots.tags.set(slot, { facts, key });
  return written;
}

async function putAcquirer(
  store: SealedStore,
  slots: Slots,
  slot: AcquirerSlot,
  key: Secret<'key'>,
  facts: Facts,
): Promise<Result<void, 'STORE_WRITE_FAILED' | 'KEY_NOT_AS_ANNOUNCED'>> {
  if (!slots.acquirers.has(slot)) {
    if (slots.acquirers.size >= acquirerKeysMax) return refuse(key, 'slot');
    // Named first: a name without its key is an empty slot, a key without its name would never be wiped.
    const listed = await store.write(acquirerListRecord, { slots: [...slots.acquirers.keys(), slot] });
    if (!listed.ok) return listed;
  }
  const written = await store.write(acquirerRecord(slot), facts, key);
  if (!written.ok) return written;
  slots.acquirers.get(slot)?.key.wipe();
  slots.acquirers.set(slot, { facts, key });
  return written;
}

async function putDukpt(
  store: SealedStore,
  slots: Slots,
  key: Secret<'key'>,
  initialKeyId: Uint8Array | undefined,
  order: Facts,
): Promise<Result<void, 'STORE_WRITE_FAILED' | 'KEY_NOT_AS_ANNOUNCED' | 'KEY_LENGTH_INVALID'>> {
  if (!initialKeyId) return refuse(key, 'initialKeyId');
  const fresh = initialiseDukpt(key, initialKeyId);
  key.wipe();
  if (!fresh.ok) return fail('KEY_NOT_AS_ANNOUNCED', { field: 'length' });
  const facts = { ...order, initialKeyId: toHex(initialKeyId) };
  const held = slots.dukpt;
  // Loading an initial key anew would set its counter back, and with it use every transaction key a second time.
  const isSame = held?.facts.kcv === facts.kcv && held.facts.initialKeyId === facts.initialKeyId;
  const state = isSame && held ? held.state : fresh.value;
  const written = await writeDukpt(store, facts, state);
  if (written.ok) slots.dukpt = { facts, state };
  return written;
}

async function writeDukpt(
  store: SealedStore,
  facts: z.output<(typeof dukptSlot)['facts']>,
  state: DukptState,
): Promise<Result<void, 'STORE_WRITE_FAILED'>> {
  const secret = serialiseDukpt(state);
  const written = await store.write(dukptSlot, facts, secret);
  secret.wipe();
  return written;
}

async function take(
  store: SealedStore,
  slots: Slots,
): Promise<Result<TransactionKey, 'STORE_WRITE_FAILED' | 'KEY_SLOT_EMPTY' | 'DUKPT_COUNTER_EXHAUSTED'>> {
  if (!slots.dukpt) return fail('KEY_SLOT_EMPTY', { field: 'dukpt' });
  const { facts, state } = slots.dukpt;
  const taken = takeDukpt(state);
  if (!taken.ok) return taken;
  // X9.24-3:2017, 6.4: stored before use. When it cannot be stored, the key is not used.
  const written = await writeDukpt(store, facts, taken.value.next);
  if (!written.ok) return written;
  slots.dukpt = { facts, state: taken.value.next };
  return ok(taken.value.transactionKey);
}
