import { fail, ok, type Result } from '../../kit/index.ts';
import { sameBytes } from '../container/merkle.ts';
import { sortEntries, tagOf } from '../container/entries.ts';
import { countOf, type NegativeSet } from '../container/encode.ts';
import { decodeOverlay } from '../overlay/overlay.ts';
import {
  decodeHead,
  decodeManifest,
  decodeOverlayDocument,
  decodeRoot,
  type Head,
  type Manifest,
  type NegativeKey,
  type NegativeRole,
  type OverlayDocument,
  overlayDigestBytes,
  type RootDocument,
} from './documents.ts';
import { countLetGo, type LetGo, lettingGo } from './let-go.ts';
import { documentDigest, genuineSigners, type SignedBytes } from './signed-bytes.ts';

/** What a terminal knows of a list and of who may speak for it. Times are seconds since 1970. */
export interface TrustState {
  readonly list: string;
  readonly root: RootDocument;
  /** The newest head that was accepted. */
  readonly head: Head | null;
  /** Version in force; null before the first. */
  readonly applied: Manifest | null;
  /** Emergency entries that count beside what is in force, and the newest number they came under. */
  readonly overlay: Float64Array;
  readonly overlaySeq: number;
  /** Emergency entries that came since `since`: for the cap. */
  readonly emergency: { readonly since: number; readonly count: number };
  /** What one list key alone let go lately. */
  readonly letGo: LetGo;
  /** Signed time at which what is in force last equalled a head; 0 never. */
  readonly freshAt: number;
  /** The highest signed time that was seen: no clock is believed below it. */
  readonly timeFloor: number;
  /** Offline approvals since `freshAt`. */
  readonly offline: { readonly count: number; readonly amountMinor: number };
}

/** Why a document is refused. */
export type TrustFault =
  | 'SIGNATURE_INVALID'
  | 'NEGATIVE_DOCUMENT_INVALID'
  | 'NEGATIVE_ROLLED_BACK'
  | 'NEGATIVE_EXPIRED'
  | 'NEGATIVE_MIXED'
  | 'NEGATIVE_SHRINKS'
  | 'NEGATIVE_EMERGENCY_CAPPED'
  | 'NEGATIVE_FILE_INVALID';

/** A head lives for this at most, whatever it says: a stolen key serves an old list for so long. */
export const headLifeSecondsMax = 72 * 3_600;
const day = 86_400;
/** The most emergency entries that are kept over versions that a terminal has not caught up with. */
const overlayKeptMax = 8_192;
const shrinkMax = 0.05;

/** What a terminal knows when it leaves the factory or enrols: the root it was given by hand. */
export const initialTrust = (list: string, root: RootDocument): TrustState => ({
  list,
  root,
  head: null,
  applied: null,
  overlay: new Float64Array(0),
  overlaySeq: 0,
  emergency: { since: 0, count: 0 },
  letGo: { cards: 0, at: 0 },
  freshAt: 0,
  timeFloor: 0,
  offline: { count: 0, amountMinor: 0 },
});

/** The moment to measure by: a clock that is behind what was signed already is not believed. */
export const trustedNow = (state: TrustState, now: number): number => Math.max(now, state.timeFloor);

/** The keys of a role for a list that are good at a moment. */
export const keysFor = (root: RootDocument, role: NegativeRole, list: string, now: number): readonly NegativeKey[] =>
  root.keys.filter((key) => key.role === role && (key.list === '' || key.list === list) && key.notAfter >= now);

/** The lists that a root names keys for: every terminal under it holds them all, so that a server cannot leave one out. */
export const listsOf = ({ keys }: RootDocument): readonly string[] => [
  ...new Set(keys.flatMap(({ role, list }) => (role === 'list' && list !== '' ? [list] : []))),
];

/** Reads a root that nobody vouches for but the channel it came by: the first one. It must still be signed by itself. */
export function openFirstRoot(document: SignedBytes): Result<RootDocument, TrustFault> {
  const root = decodeRoot(document.payload);
  if (!root.ok) return root;
  return isRootSignedBy(document, root.value) ? root : fail('SIGNATURE_INVALID', { field: 'root' });
}

const isRootSignedBy = (document: SignedBytes, { keys, threshold }: RootDocument): boolean =>
  threshold > 0 &&
  genuineSigners(
    'root',
    document,
    keys.filter(({ role }) => role === 'root'),
  ) >= threshold;

/**
 * Takes the next root: version one higher, signed by enough keys of the root in force and of its own. Where it changes the keys
 * of a role, what those keys said last is forgotten: this is how a fleet recovers from a key that ran versions ahead.
 * @throws nothing; order of faults: form, version, signatures, expiry
 */
export function acceptRoot(state: TrustState, document: SignedBytes, now: number): Result<TrustState, TrustFault> {
  const root = decodeRoot(document.payload);
  if (!root.ok) return root;
  if (root.value.version !== state.root.version + 1)
    return fail('NEGATIVE_ROLLED_BACK', { field: 'root', facts: { version: root.value.version } });
  if (!isRootSignedBy(document, state.root) || !isRootSignedBy(document, root.value))
    return fail('SIGNATURE_INVALID', { field: 'root' });
  if (root.value.notAfter < trustedNow(state, now)) return fail('NEGATIVE_EXPIRED', { field: 'root' });
  const isChanged = (role: NegativeRole): boolean =>
    idsOf(state.root, role, state.list) !== idsOf(root.value, role, state.list);
  const forgetsHead = isChanged('head') || isChanged('list');
  return ok({
    ...state,
    root: root.value,
    head: forgetsHead ? null : state.head,
    // What is in force stays in force, but its number is no floor any more, and it is equal to no head.
    applied: isChanged('list') && state.applied ? { ...state.applied, epoch: 0, version: 0 } : state.applied,
    overlaySeq: isChanged('emergency') ? 0 : state.overlaySeq,
    // Signed time is the head key's word too.
    timeFloor: isChanged('head') ? 0 : state.timeFloor,
    letGo: isChanged('head') ? { ...state.letGo, at: Math.min(state.letGo.at, now) } : state.letGo,
  });
}

/** The keys of a role that matter to a list: another list's keys come and go without it. */
const idsOf = (root: RootDocument, role: NegativeRole, forList: string): string =>
  root.keys
    .filter((key) => key.role === role && (key.list === '' || key.list === forList))
    .map(({ id, list }) => `${id}/${list}`)
    .sort()
    .join();

/**
 * Takes a head. Epoch, version and number of the overlay only rise; between equals the time of issue does.
 * Order of faults: form, list, signature, root, expiry, rollback, contradiction.
 */
export function acceptHead(state: TrustState, document: SignedBytes, now: number): Result<TrustState, TrustFault> {
  const read = decodeHead(document.payload);
  if (!read.ok) return read;
  const head = read.value;
  const at = trustedNow(state, now);
  if (head.list !== state.list) return fail('NEGATIVE_MIXED', { field: 'list' });
  if (genuineSigners('head', document, keysFor(state.root, 'head', head.list, at)) < 1)
    return fail('SIGNATURE_INVALID', { field: 'head' });
  if (head.rootVersion < state.root.version) return fail('NEGATIVE_ROLLED_BACK', { field: 'root' });
  if (state.root.notAfter < at) return fail('NEGATIVE_EXPIRED', { field: 'root' });
  if (head.notAfter < at || head.notAfter - head.issuedAt > headLifeSecondsMax)
    return fail('NEGATIVE_EXPIRED', { field: 'head' });
  const known = state.head;
  const order = known ? compareHeads(head, known) : 1;
  const appliedOrder = state.applied ? compareVersions(head, state.applied) : 1;
  if (order < 0 || appliedOrder < 0 || (known && head.seq < known.seq))
    return fail('NEGATIVE_ROLLED_BACK', { field: 'head', facts: { version: head.version, seq: head.seq } });
  if (known && order === 0 && head.issuedAt < known.issuedAt)
    return fail('NEGATIVE_ROLLED_BACK', { field: 'issuedAt' });
  const saysOtherwise =
    known &&
    ((compareVersions(head, known) === 0 && !sameBytes(head.manifest, known.manifest)) ||
      (order === 0 && !sameBytes(head.overlay, known.overlay)));
  if (saysOtherwise) return fail('NEGATIVE_MIXED', { field: 'head' });
  return ok(refreshed({ ...state, head, timeFloor: Math.max(state.timeFloor, head.issuedAt) }));
}

const compareVersions = (
  a: { readonly epoch: number; readonly version: number },
  b: { readonly epoch: number; readonly version: number },
): number => a.epoch - b.epoch || a.version - b.version;
const compareHeads = (a: Head, b: Head): number => compareVersions(a, b) || a.seq - b.seq;

/** Whether the state in force is what the newest head says; then its age begins anew. */
export const isEqualToHead = ({ head, applied, overlaySeq }: TrustState): boolean =>
  head !== null && applied !== null && compareVersions(head, applied) === 0 && overlaySeq === head.seq;

const refreshed = (state: TrustState): TrustState =>
  state.head && isEqualToHead(state) && state.head.issuedAt > state.freshAt
    ? { ...state, freshAt: state.head.issuedAt, offline: { count: 0, amountMinor: 0 } }
    : state;

/**
 * Takes an overlay: the one that the head in force names. Its cards count at once, on any base, beside all that counted before: only
 * a new list, by a list key, ends an emergency entry.
 * Order of faults: form, list, signature, match with the head, cap.
 */
export function acceptOverlay(state: TrustState, document: SignedBytes, now: number): Result<TrustState, TrustFault> {
  const read = decodeOverlayDocument(document.payload);
  if (!read.ok) return read;
  const overlay = read.value;
  const entries = decodeOverlay(overlay.overlay);
  if (!entries.ok) return entries;
  if (overlay.list !== state.list) return fail('NEGATIVE_MIXED', { field: 'list' });
  const at = trustedNow(state, now);
  if (genuineSigners('overlay', document, keysFor(state.root, 'emergency', overlay.list, at)) < 1)
    return fail('SIGNATURE_INVALID', { field: 'overlay' });
  if (!isNamedBy(state.head, document, overlay)) return fail('NEGATIVE_MIXED', { field: 'overlay' });
  const known = new Set([...state.overlay].map(tagOf));
  const fresh = entries.value.filter((entry) => !known.has(tagOf(entry))).length;
  const window = at - state.emergency.since < day ? state.emergency : { since: at, count: 0 };
  if (window.count + fresh > state.root.emergencyPerDay)
    return fail('NEGATIVE_EMERGENCY_CAPPED', {
      facts: { count: window.count + fresh, max: state.root.emergencyPerDay },
    });
  return ok(
    refreshed({
      ...state,
      overlay: union(state.overlay, entries.value),
      overlaySeq: overlay.seq,
      emergency: { since: window.since, count: window.count + fresh },
    }),
  );
}

const isNamedBy = (head: Head | null, document: SignedBytes, overlay: OverlayDocument): boolean =>
  head !== null &&
  compareVersions(head, overlay) === 0 &&
  head.seq === overlay.seq &&
  sameBytes(head.overlay, documentDigest(document).subarray(0, overlayDigestBytes));

const union = (a: Float64Array, b: Float64Array): Float64Array =>
  sortEntries(Float64Array.from([...a, ...b])).slice(0, overlayKeptMax);

/** A manifest that was checked. */
export interface CheckedManifest extends Manifest {
  /** How many list keys signed it. */
  readonly signers: number;
}

/**
 * Checks a manifest: the one that the head in force names, by a list key of this very list. A list that shrinks by more than a
 * twentieth needs a second list key; which cards went, `checkLetGo` asks once the list is here. Order of faults: form, list, match with the head, signatures, expiry, rollback, shrinking.
 */
export function checkManifest(
  state: TrustState,
  document: SignedBytes,
  now: number,
): Result<CheckedManifest, TrustFault> {
  const read = decodeManifest(document.payload);
  if (!read.ok) return read;
  const manifest = read.value;
  const at = trustedNow(state, now);
  const { head, applied } = state;
  if (manifest.list !== state.list) return fail('NEGATIVE_MIXED', { field: 'list' });
  if (!head || compareVersions(head, manifest) !== 0 || !sameBytes(head.manifest, documentDigest(document)))
    return fail('NEGATIVE_MIXED', { field: 'manifest' });
  const signers = genuineSigners('manifest', document, keysFor(state.root, 'list', manifest.list, at));
  if (signers < 1) return fail('SIGNATURE_INVALID', { field: 'manifest' });
  if (manifest.notAfter < at) return fail('NEGATIVE_EXPIRED', { field: 'manifest' });
  if (applied && compareVersions(manifest, applied) < 0) return fail('NEGATIVE_ROLLED_BACK', { field: 'manifest' });
  if (applied && manifest.count < applied.count * (1 - shrinkMax) && signers < 2)
    return fail('NEGATIVE_SHRINKS', { facts: { count: manifest.count, before: applied.count } });
  return ok({ ...manifest, signers });
}

/**
 * Checks a list that is here by what it lets go of the one in force, whatever it adds: a manifest's count says nothing about which cards
 * they are. What two keys signed is not counted.
 * @param base undefined where none is in force that could be read
 * @returns what one key alone let go by then, for `applyManifest`
 */
export function checkLetGo(
  state: TrustState,
  { signers }: Pick<CheckedManifest, 'signers'>,
  base: NegativeSet | undefined,
  next: NegativeSet,
  now: number,
): Result<LetGo, TrustFault> {
  const at = trustedNow(state, now);
  const count = base ? countOf(base) : 0;
  const cards = base && signers < 2 ? lettingGo(base, next, at) : 0;
  const letGo = countLetGo(state.letGo, count, cards, at);
  return letGo ? ok(letGo) : fail('NEGATIVE_SHRINKS', { facts: { cards, count } });
}

/** A container with the manifest's Merkle root is in force from here on, and beside it the overlay that is for it. */
export const applyManifest = (
  state: TrustState,
  manifest: Manifest,
  overlay: Float64Array,
  letGo: LetGo = state.letGo,
): TrustState => refreshed({ ...state, applied: manifest, overlay, letGo });

/** How old what is in force is, by signed policy. */
export type Freshness = 'fresh' | 'soft' | 'hard';

/**
 * How far what is in force may be relied on. `hard`: no offline approval – too old, too many or too much approved since, an own
 * document expired, or a clock behind signed time.
 */
export function freshnessOf(state: TrustState, now: number): Freshness {
  const { policy } = state.root;
  const { applied, head, offline, freshAt } = state;
  const age = now - freshAt;
  const isOver = offline.count >= policy.offlineCountMax || offline.amountMinor >= policy.offlineAmountMaxMinor;
  const isExpired = !applied || !head || applied.notAfter < now || state.root.notAfter < now;
  // A second list's worth of clock error is forgiven: heads are signed by a server whose clock runs on its own.
  const isBehind = now < state.timeFloor - clockErrorSeconds;
  if (freshAt === 0 || isExpired || isBehind || isOver || age > policy.hardSeconds) return 'hard';
  return age > policy.softSeconds ? 'soft' : 'fresh';
}
const clockErrorSeconds = 300;

/** What may still be approved without the issuer on what is in force. */
export interface OfflineAllowance {
  /** `soft`: less than usual a sale; `hard`: nothing. */
  readonly freshness: Freshness;
  /** What is left of the signed sum, minor units; 0 when `hard`. */
  readonly amountLeftMinor: number;
}

/** What may still be approved without the issuer. Counted since the last head that was in force as a whole, by signed policy. */
export function offlineAllowanceOf(state: TrustState, now: number): OfflineAllowance {
  const freshness = freshnessOf(state, now);
  const left = state.root.policy.offlineAmountMaxMinor - state.offline.amountMinor;
  return { freshness, amountLeftMinor: freshness === 'hard' ? 0 : left };
}

/** Counts an offline approval. */
export const countOffline = (state: TrustState, amountMinor: number): TrustState => ({
  ...state,
  offline: { count: state.offline.count + 1, amountMinor: state.offline.amountMinor + amountMinor },
});
