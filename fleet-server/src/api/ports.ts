import type {
  AskWhy,
  CampaignDetail,
  CampaignDryRun,
  CampaignException,
  CampaignSpec,
  CampaignSummary,
  CampaignVerb,
  ChangedLayer,
  ChangeLayer,
  ClaimBundle,
  DriftEntry,
  DriftReason,
  DriftSummary,
  EffectiveConfiguration,
  ExpiryEntry,
  Job,
  KeyReleaseRecord,
  JobBody,
  LayerDocument,
  LayerRef,
  LayerSummary,
  LayerVersion,
  LifecycleView,
  LiveEvent,
  MoveLifecycle,
  NegativeAdded,
  NegativeAuthority,
  Overview,
  RegisterTerminal,
  SaleLine,
  Serial,
  SettingDifference,
  TerminalDetail,
  TimelineEntry,
  Why,
  addNegative,
  addNegativeRange,
  importNegative,
  jobQuery,
  negativeDiff,
  NegativeExplanation,
  NegativeImported,
  negativeListView,
  negativeOverview,
  NegativePublished,
  NegativeStateView,
  ReportTrouble,
  seeTerminalAlarms,
  SwitchAlarmView,
  terminalAlarmFilter,
} from '@tsunagu/protocols/fleet';
import type { Result, Secret } from '@tsunagu/protocols/kit';
import type { NegativeProof } from '@tsunagu/protocols/negative/proof';
import type { z } from 'zod';
import type { JobOrdering, Jobs } from '../jobs/index.ts';
import type { Actor } from '../audit/index.ts';
import type { Assessor } from '../assessor/index.ts';
import type { Custody } from '../custody/index.ts';
import type { Selection } from '../estate/index.ts';
import type { Ceremonies, Manufacturers, Revocations } from '../identity/index.ts';
import type { Acquirers, KeyCeremonies, KeyInventory, KeyRuns, TagRotations } from '../keys/index.ts';
import type { Inspections } from '../inspection/index.ts';
import type { Refurbish } from '../refurbish/index.ts';
import type { Software } from '../software/index.ts';
import type { Swaps } from '../swap/index.ts';
import type { Operator, ValidityDesk } from '../switch/index.ts';
import type { LinkHealth } from '../switch/routing/route.ts';
import type { SwitchRules } from '../switch/rules/rules.ts';
import type { StandIn } from '../switch/stand-in/stand-in.ts';

/** Which part of a list: at most `limit` items after `cursor`, which is a `next` of an earlier page. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

/** A part of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** An event with its place in the stream. */
export interface NumberedEvent {
  readonly id: number;
  readonly event: LiveEvent;
}

/** The live feed: the latest events, bounded, and whoever listens. */
export interface LiveFeed {
  /** The number of the newest event; 0 before the first. */
  readonly latest: number;
  /** Everything newer than `id`, oldest first; undefined when the ring no longer reaches back that far. */
  since(id: number): readonly NumberedEvent[] | undefined;
  /** Calls `take` for each event from now on, until the returned function is called. */
  listen(take: (numbered: NumberedEvent) => void): () => void;
  /** Which log it is, where one outlives the server. */
  readonly run?: string;
  /** As `since`, further back, and `limit` at most. */
  read?(id: number, limit: number): Promise<readonly NumberedEvent[] | undefined>;
}

export type { Actor } from '../audit/index.ts';

/** A negative list, as people work with it. */
export interface NegativeListRoom {
  overview(page: PageRequest): Promise<Result<z.infer<typeof negativeOverview>>>;
  details(): Promise<NegativeStateView>;
  add(
    pan: Secret<'pan'>,
    reason: z.infer<typeof addNegative>['reason'],
    by: Actor,
    source: string,
  ): Promise<Result<NegativeAdded>>;
  remove(pan: Secret<'pan'>, source: string, by: Actor): Promise<Result<NegativePublished>>;
  importList(file: z.infer<typeof importNegative>, by: Actor): Promise<Result<NegativeImported>>;
  allow(pan: Secret<'pan'>, isWithdrawn: boolean, by: Actor): Promise<Result<NegativePublished>>;
  addRange(range: z.infer<typeof addNegativeRange>, by: Actor): Promise<Result<NegativePublished>>;
  publishVersion(second?: Actor): Promise<Result<NegativePublished>>;
  diff(from: number, to: number): Promise<Result<z.infer<typeof negativeDiff>>>;
  authority(): Promise<NegativeAuthority>;
  bringRoot(document: Uint8Array, by: Actor): Promise<Result<NegativeAuthority>>;
  countersignRoot(document: Uint8Array, by: Actor): Result<Uint8Array>;
  sign(
    digest: string,
    signature: { readonly keyId: string; readonly signature: Uint8Array },
  ): Promise<Result<NegativePublished>>;
  explain(pan: Secret<'pan'>): Promise<NegativeExplanation>;
  prove(pan: Secret<'pan'>, serial: Serial, at: number): Promise<Result<NegativeProof>>;
}

/** What the rules of the switch need to be shown and changed. */
export interface SwitchRuleRooms {
  readonly rules: SwitchRules;
  readonly standIn: StandIn;
  readonly health: LinkHealth;
  readonly now: () => number;
  /** DE42 of the terminals of this house. */
  readonly merchant: string;
}

/** What the management API asks of the other rooms. Each method answers in the shapes of `protocols/fleet`. */
export interface ApiRooms {
  readonly estate: {
    overview(): Promise<Overview>;
    terminal(serial: Serial): Promise<Result<TerminalDetail>>;
    timeline(serial: Serial, page: PageRequest): Promise<Result<Page<TimelineEntry>>>;
    register(terminal: RegisterTerminal, by: Actor): Promise<Result<ClaimBundle>>;
    reissueClaim(serial: Serial, by: Actor): Promise<Result<ClaimBundle>>;
    trouble(serial: Serial, trouble: ReportTrouble): Promise<Result<void>>;
    alarms(filter: z.infer<typeof terminalAlarmFilter>, page: PageRequest): Promise<Result<Page<SwitchAlarmView>>>;
    alarmSeen(id: string, by: Actor): Promise<Result<void>>;
    alarmsSeen(which: z.infer<typeof seeTerminalAlarms>, by: Actor): Promise<number>;
    recount(serial: Serial): Promise<Result<void>>;
  };
  readonly lifecycle: {
    view(serial: Serial): Promise<Result<LifecycleView>>;
    move(serial: Serial, move: MoveLifecycle, by: Actor): Promise<Result<LifecycleView>>;
  };
  readonly ceremonies: Omit<Ceremonies, 'trust' | 'maintain'>;
  readonly manufacturers: Omit<Manufacturers, 'prove'>;
  readonly keys: {
    readonly ceremonies: KeyCeremonies;
    readonly runs: Omit<KeyRuns, 'proven'>;
    readonly inventory: KeyInventory;
    readonly acquirers: Acquirers;
    readonly negative: TagRotations;
    renewProtection(serial: Serial): Promise<Result<Job>>;
    releases(serial: Serial): Promise<Result<readonly KeyReleaseRecord[]>>;
  };
  readonly switchRules: SwitchRuleRooms;
  readonly expiry: {
    list(page: PageRequest): Promise<Result<Page<ExpiryEntry>>>;
  };
  readonly custody: Omit<Custody, 'close'>;
  readonly swaps: Omit<Swaps, 'close'>;
  readonly inspections: Inspections;
  readonly refurbish: Omit<Refurbish, 'benchTestPassed' | 'takeIn'>;
  readonly assessor: Assessor;
  readonly selection: Selection;
  readonly revocations: Revocations;
  readonly twin: {
    readonly documents: {
      layer(ref: LayerRef): Promise<Result<LayerDocument>>;
      version(ref: LayerRef, version: number): Promise<Result<LayerDocument>>;
      /** Writes the changed values as the version after `base`; fails when `base` is not the newest. */
      change(
        ref: LayerRef,
        base: number,
        change: ChangeLayer,
        by: Actor & { readonly reason: string },
      ): Promise<Result<ChangedLayer>>;
      rollBack(
        ref: LayerRef,
        base: number,
        to: number,
        by: Actor & { readonly reason: string },
      ): Promise<Result<ChangedLayer>>;
      history(ref: LayerRef, page: PageRequest): Promise<Result<Page<LayerVersion>>>;
      diff(ref: LayerRef, from: number, to: number): Promise<Result<readonly SettingDifference[]>>;
      layers(page: PageRequest): Promise<Result<Page<LayerSummary>>>;
    };
    readonly drift: {
      list(page: PageRequest & { readonly reason?: DriftReason | undefined }): Promise<Result<Page<DriftEntry>>>;
      summary(): Promise<DriftSummary>;
      effective(serial: Serial): Promise<Result<EffectiveConfiguration>>;
      compare(serial: Serial, other: Serial | undefined): Promise<Result<readonly SettingDifference[]>>;
    };
  };
  readonly jobs: {
    job(id: string): Promise<Result<Job>>;
    /** Newest first. */
    list(
      selection: { readonly [Name in keyof z.infer<typeof jobQuery>]: z.infer<typeof jobQuery>[Name] | undefined },
      page: PageRequest,
    ): Promise<Result<Page<Job>>>;
    /** Has a terminal do something: a payment, its totals, a slip, another software. */
    start(serial: Serial, body: JobBody, by: Actor, ordering?: JobOrdering): Promise<Result<Job>>;
    cancel(id: string, by: Actor): Promise<Result<Job>>;
    cancelMany: Jobs['cancelMany'];
    retry(id: string, by: Actor): Promise<Result<Job>>;
    approve(id: string, by: Actor): Promise<Result<Job>>;
    readonly carry: Jobs['carry'];
    readonly carried: Jobs['carried'];
    readonly logs: { read(job: string): Promise<Result<Uint8Array>> };
  };
  readonly software: Omit<Software, 'target' | 'delta' | 'close'>;
  readonly sales: {
    /** Newest first. */
    list(page: PageRequest & { readonly serial?: Serial }): Promise<Result<Page<SaleLine>>>;
  };
  readonly negative: NegativeListRoom & {
    of(list: string): NegativeListRoom | undefined;
    lists(): Promise<readonly z.infer<typeof negativeListView>[]>;
    setList(list: string, codec: 'KH' | 'KP', by: Actor): Promise<Result<z.infer<typeof negativeListView>>>;
  };
  readonly campaigns: {
    create(spec: CampaignSpec, by: Actor): Promise<Result<CampaignDetail>>;
    dryRun(spec: CampaignSpec): Promise<Result<CampaignDryRun>>;
    list(page: PageRequest): Promise<Result<Page<CampaignSummary>>>;
    get(id: string): Promise<Result<CampaignDetail>>;
    act(id: string, verb: CampaignVerb, by: Actor, reason: string, version?: number): Promise<Result<CampaignDetail>>;
    exceptions(id: string, page: PageRequest): Promise<Result<Page<CampaignException>>>;
    why(asked: AskWhy): Promise<Result<Page<Why>>>;
  };
  /** What a person who runs the switch sees and does. */
  readonly operator: () => Operator;
  /** Files of cards that merchant centres ask about. */
  readonly validity: () => ValidityDesk;
  readonly live: LiveFeed;
}
