import type {
  CampaignSummary,
  Cause,
  CauseCode,
  JobBody,
  KeyLoad,
  KeySlot,
  LifecycleState,
  Serial,
  SoftwareInstall,
} from '@tsunagu/protocols/fleet';
import type { Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { Approvals, WriteNote } from '../audit/index.ts';
import type { Database, Store } from '../store/index.ts';
import type { CampaignLayers } from '../twin/index.ts';
import type { TerminalFacts } from './rules/match.ts';
import type { Leg } from './tables.ts';

/** An image as it is ordered: for which model, and what its signed target asks of a terminal first. */
export interface ImageOrder {
  readonly model: string;
  readonly install: SoftwareInstall;
  readonly versionMin?: string | undefined;
  readonly batteryPercentMin?: number | undefined;
  /** Revisions of the hardware that it is for; all of them without a list. */
  readonly hardwareRevisions?: readonly string[] | undefined;
}

/** What campaigns need of the rooms around them. */
export interface CampaignRooms {
  readonly world: Pick<World, 'clock' | 'timers' | 'id' | 'log'>;
  readonly store: Store;
  readonly live: { publish(event: { readonly name: 'campaign'; readonly data: CampaignSummary }): void };
  /** The second person, and the log of who did what. */
  readonly approvals: Pick<Approvals, 'request' | 'decide' | 'get' | 'onDecided'>;
  readonly note: WriteNote;
  readonly jobs: {
    /** Queues a job that belongs to a campaign; undefined when the terminal has an open one about the same subject. */
    queueIn(
      tx: Transaction<Database>,
      serial: Serial,
      body: JobBody,
      subject: string,
      reference: string,
    ): Promise<string | undefined>;
    /** Whether a terminal has an open job about a subject. */
    isOpen(tx: Transaction<Database>, serial: Serial, subject: string): Promise<boolean>;
    /** Takes a job back where its state permits that. */
    cancelIn(tx: Transaction<Database>, id: string): Promise<void>;
    wake(serial: Serial): Promise<void>;
  };
  readonly software: {
    order(wanted: Pick<SoftwareInstall, 'digest' | 'proofTimeoutMs' | 'allowDowngrade'>): Promise<Result<ImageOrder>>;
    /** Whether terminals would believe the repository now. */
    inTime(): Result<void>;
    /** Whether runs on real hardware are on record for an image. */
    isAttested(digest: string): Promise<boolean>;
  };
  readonly keys: {
    /** A fresh key for a slot; undefined while the terminal has no key to carry it under. */
    rotate(tx: Transaction<Database>, serial: Serial, slot: KeySlot): Promise<KeyLoad | undefined>;
  };
  readonly twin: {
    readonly campaignLayers: CampaignLayers;
    /** Something else is desired of terminals now, and it is on disk. */
    moved(...serials: readonly Serial[]): void;
  };
  /** Whether a lifecycle state permits a connection. */
  readonly mayConnect: (state: LifecycleState) => boolean;
}

/** A kind of change, made ready for one campaign. */
export interface Action {
  /** What it is about: of two campaigns about one thing only one at a time changes a terminal. */
  readonly subject: string;
  /** Whether what was done can be taken back. */
  readonly canGoBack: boolean;
  /** Why it is not for a terminal at all. */
  cause(facts: TerminalFacts): { readonly code: CauseCode; readonly facts: Cause['facts'] } | undefined;
  /** What keeps it from every terminal for now; undefined when nothing does. It passes by what a person does, and all goes on by itself then. */
  held?(): { readonly code: CauseCode; readonly facts: Cause['facts'] } | undefined;
  /** Whether a terminal has it already. */
  isHad(facts: TerminalFacts): boolean;
  /** Orders it, in a transaction. Undefined: another order about the subject is open. */
  order(tx: Transaction<Database>, facts: TerminalFacts, leg: Leg, reference: string): Promise<string | undefined>;
  /** Writes what it needs besides the campaign's own row. Throws: it cannot be written. */
  proposed?(tx: Transaction<Database>, by: string): Promise<void>;
  /** Whether a failure says nothing against terminal and change, and passes: no order is lost by that, and another one follows. */
  isPending?(fault: string): boolean;
  /** Takes from terminals what an order left there that did not end well. */
  withdraw?(tx: Transaction<Database>, serials: readonly Serial[]): Promise<void>;
}
