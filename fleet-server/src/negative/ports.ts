import type {
  addNegative,
  addNegativeRange,
  Hello,
  importNegative,
  NegativeAdded,
  NegativeAuthority,
  negativeDiff,
  NegativeExplanation,
  NegativeImported,
  NegativeListView,
  negativeOverview,
  NegativePublished,
  NegativeStateView,
  Serial,
} from '@tsunagu/protocols/fleet';
import type { Result, Secret } from '@tsunagu/protocols/kit';
import type { NegativeCodec, PermutedPan } from '@tsunagu/protocols/negative';
import type { NegativeSignature, TrustFault } from '@tsunagu/protocols/negative/authority';
import type { NegativeProof } from '@tsunagu/protocols/negative/proof';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { z } from 'zod';
import type { Artefacts } from '../artefacts/index.ts';
import type { Database, PageRequest, Store } from '../store/index.ts';
import type { Vault } from '../vault/index.ts';
import type { Publishing } from './publishing.ts';
import type { NegativeSigning } from './signing.ts';

/** The keys that the tags of cards are made with. */
export interface TagKeys {
  /** That of every list's next version. */
  readonly wanted: string;
  /** The one that takes over from it: cards that come meanwhile get a tag under either. undefined: none does. */
  readonly next: string | undefined;
}

/** What the negative file needs of the rooms around it. */
export interface NegativeRooms {
  readonly world: World;
  readonly store: Store;
  readonly vault: Vault;
  readonly artefacts: Artefacts;
  readonly tagKeys: TagKeys;
  /** Puts a head and its overlay before all terminals, at once and for those who come later. Called after they are on disk. */
  publish(list: string, bytes: Uint8Array): void;
  /** The list changed. */
  announce(): void;
  /** Up to how much each terminal may approve by itself, minor units; 0: nothing. */
  floorLimits(): Promise<(serial: string) => number>;
}

/** What is known of a list in short. */
export interface NegativeState {
  readonly list: string;
  readonly version: number;
  readonly overlaySeq: number;
}

/** Who changes the list, and the human being behind it, whatever they came with. */
export interface Actor {
  readonly subject: string;
  readonly person?: string;
}
/** Why a card is listed. */
export type Reason = z.infer<typeof addNegative>['reason'];

/** A list of cards that terminals refuse. */
export interface NegativeList {
  /** When the keys end that terminals check lists with: of the root document, and of each role in it. Milliseconds since 1970. */
  readonly endings: readonly { readonly name: string; readonly endsAt: number }[];
  readonly state: NegativeState;
  entries(): Promise<number>;
  overview(page: PageRequest): Promise<Result<z.infer<typeof negativeOverview>, 'INPUT_INVALID'>>;
  details(): Promise<NegativeStateView>;
  /** Adds a card at once. When it resolves the entry is on disk and its head is on the way to every connected terminal. */
  add(
    pan: Secret<'pan'>,
    reason: Reason,
    by: Actor,
    source?: string,
  ): Promise<Result<NegativeAdded, 'PAN_INVALID' | 'NEGATIVE_OVERLAY_FULL' | 'NEGATIVE_LIST_UNKNOWN'>>;
  /** Takes a card off for one source, in a new version. */
  remove(pan: Secret<'pan'>, source: string, by: Actor): Promise<Result<NegativePublished, 'NEGATIVE_ENTRY_UNKNOWN'>>;
  /** Takes an issuer's list in, in a new version. A whole list (`replace`) is taken whole, or refused by its first line that is no card. */
  importList(
    file: z.infer<typeof importNegative>,
    by: Actor,
  ): Promise<Result<NegativeImported, 'NEGATIVE_LIST_REFUSED'>>;
  /** Lets a good card through, or ends that, in a new version; an emergency entry still goes before it. */
  allow(
    pan: Secret<'pan'>,
    isWithdrawn: boolean,
    by: Actor,
  ): Promise<Result<NegativePublished, 'NEGATIVE_CARD_LISTED'>>;
  addRange(range: z.infer<typeof addNegativeRange>, by: Actor): Promise<Result<NegativePublished, 'INPUT_INVALID'>>;
  /**
   * Makes a new version out of all entries, with an empty overlay.
   *
   * @param second who gives the second signature, where more goes than one may let go. APPROVAL_OWN: they let some of it go themselves;
   *   APPROVAL_NOT_APART: they and somebody who did are one side.
   */
  publishVersion(second?: Actor): Promise<Result<NegativePublished, 'APPROVAL_OWN' | 'APPROVAL_NOT_APART'>>;
  diff(from: number, to: number): Promise<Result<z.infer<typeof negativeDiff>, 'NEGATIVE_VERSION_UNKNOWN'>>;
  explain(pan: Secret<'pan'>): Promise<NegativeExplanation>;
  /** Whether a card was blocked on a terminal at a time, provably. */
  prove(
    pan: Secret<'pan'>,
    serial: Serial,
    at: number,
  ): Promise<
    Result<NegativeProof, 'NEGATIVE_PROOF_UNAVAILABLE' | 'TERMINAL_UNKNOWN' | 'PAN_INVALID' | 'INPUT_INVALID'>
  >;
  /** Whether a card is on the list now. */
  isListed(pan: Secret<'pan'>): Promise<boolean>;
  /** Stores what a terminal says it applies. Returns whether that changed. */
  observe(tx: Transaction<Database>, serial: Serial, applied: Hello['negative']): Promise<boolean>;
  /** Who may speak for the list, and what waits for their signatures. */
  authority(): Promise<NegativeAuthority>;
  /** Takes the next root, which comes into force with the first version signed under it. */
  bringRoot(document: Uint8Array, by: Actor): Promise<Result<NegativeAuthority, TrustFault | 'NEGATIVE_ROOT_UNUSABLE'>>;
  /** Adds the signatures of the root keys that are here to a proposal. */
  countersignRoot(document: Uint8Array, by: Actor): Result<Uint8Array, 'NEGATIVE_DOCUMENT_INVALID'>;
  /** Takes a list key's signature of the version that waits. */
  sign(
    digest: string,
    signature: NegativeSignature,
  ): Promise<Result<NegativePublished, 'NEGATIVE_VERSION_UNKNOWN' | 'SIGNATURE_INVALID'>>;
  /** The artefact that a name of the device API stands for. */
  locate(name: string): Promise<string | undefined>;
  /** The first root of the authority, for terminals that enrol. */
  root(): Promise<Uint8Array>;
  /** Puts the newest head out again: after the broker started. */
  republish(): Promise<void>;
  close(): void;
}

/** All lists; as one of them, the regular one. */
export interface Negative extends NegativeList {
  /** Makes the versions that put lists under the key that is wanted; a list whose keys lie elsewhere waits for its signatures. */
  retag(): Promise<void>;
  /** A list by its name. */
  of(list: string): NegativeList | undefined;
  /** The lists by name. */
  lists(): Promise<readonly NegativeListView[]>;
  /**
   * Makes a list, or has it published in another codec from its next version on. NEGATIVE_CODEC_IMPOSSIBLE: cards came while it was a list of
   * keyed hashes, and nobody can tell their numbers any more. NEGATIVE_LIST_UNNAMED: the root has no keys for it, and its keys lie elsewhere.
   */
  setList(
    list: string,
    codec: NegativeCodec,
    by: Actor,
  ): Promise<Result<NegativeListView, 'NEGATIVE_LIST_UNNAMED' | 'NEGATIVE_CODEC_IMPOSSIBLE'>>;
}

/** What every part of the list works with. */
export interface ListParts {
  readonly rooms: NegativeRooms;
  readonly list: string;
  readonly signing: NegativeSigning;
  readonly publishing: Publishing;
  /** What a card is in containers that are made with a key: the MAC of its number, 16 bytes. */
  readonly macOf: (pan: Secret<'pan'>, tagKey: string) => Uint8Array;
  /** Where it stands in an exact list that is made with a key; undefined for a number that those do not hold. */
  readonly placeOf: (pan: Secret<'pan'>, tagKey: string) => PermutedPan | undefined;
  /** How the list is wanted from its next version on. */
  readonly codec: () => Promise<NegativeCodec>;
  /** Signs the heads of all other lists anew. */
  readonly renewOthers: () => Promise<void>;
  /** Makes the version that puts a next root in force. */
  readonly publishUnderNext: () => Promise<void>;
}
