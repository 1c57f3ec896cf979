import { type CampaignSpec, campaignSpec, parseJson, parseQuery, type Query } from '@tsunagu/protocols/fleet';
import { FaultError, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { Selectable } from 'kysely';
import { z } from 'zod';
import { sha256 } from '@tsunagu/protocols/audit';
import type { Queryable } from '../store/index.ts';
import { readyAction } from './actions.ts';
import type { Action, CampaignRooms } from './ports.ts';
import { freshGate, type GateState } from './rules/gate.ts';
import type { Credit } from './rules/pace.ts';
import { freshRing, type Progress } from './rules/progress.ts';
import { CampaignSets } from './sets.ts';
import type { CampaignTables } from './tables.ts';

export type CampaignRow = Selectable<CampaignTables['campaigns']>;

const moment = z.number().nullable();
const storedProgress = z.object({
  reason: z.string().nullable(),
  by: z.string().nullable(),
  rings: z.array(
    z.object({
      openedAt: moment,
      throughAt: moment,
      passedAt: moment,
      isPromoted: z.boolean(),
      pardoned: z.number(),
    }),
  ),
  bounds: z.array(z.number()),
});
const arms = z.object({ salesA: z.number(), eventsA: z.number(), salesB: z.number(), eventsB: z.number() });
const storedGate = z.record(
  z.string(),
  z.object({
    log: z.array(z.number()),
    strata: z.record(z.string(), z.object({ counted: arms, waiting: arms })),
  }),
);

/** What JSON text of a campaign's row may be at most. */
const rowTextMax = 1_048_576;
/** A campaign without an end of its own ends after this. */
const lifeMs = 90 * 86_400_000;
/** Terminals that were heard of lately are looked at first; so many at most. */
const calledMax = 10_000;

/** A campaign that is held in memory: what its row says, and its sets. */
export interface Campaign {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly approval: string | null;
  readonly spec: CampaignSpec;
  readonly target: Query;
  readonly requires: Query;
  readonly action: Action;
  readonly sets: CampaignSets;
  /** Places in the order at which rings end. */
  readonly bounds: readonly number[];
  version: number;
  progress: Progress;
  gate: Readonly<Record<string, GateState>>;
  approvedBy: string | null;
  startedAt: number | null;
  endedAt: number | null;
  /** Orders that the pace allows; it starts anew with the server. */
  credit: Credit | undefined;
  /** Orders that are open, or whose end was not counted yet. */
  openOrders: number;
  /** Whether something kept it from every terminal, as its history has it; undefined: not looked yet. */
  isHeld: boolean | undefined;
  /** Where the last look at those who wait ended. */
  lookedUpTo: number;
  /** Terminals that something happened to: they are looked at first. */
  readonly called: Set<number>;
}

/** Reads a campaign of the store. A fault: its action can no longer be made ready (an image is gone). */
export async function readCampaign(rooms: CampaignRooms, on: Queryable, row: CampaignRow): Promise<Result<Campaign>> {
  const spec = unwrap(parseJson(campaignSpec, row.spec, rowTextMax));
  const { bounds, ...progress } = unwrap(parseJson(storedProgress, row.progress, rowTextMax));
  const action = await readyAction(rooms, spec, row.id);
  const { openOrders } = await on
    .selectFrom('campaign_orders')
    .select((all) => all.fn.countAll<number>().as('openOrders'))
    .where('campaign', '=', row.id)
    .executeTakeFirstOrThrow();
  if (!action.ok) return action;
  return {
    ok: true,
    value: {
      id: row.id,
      number: row.number,
      name: row.name,
      createdAt: row.created_at,
      createdBy: row.created_by,
      approval: row.approval,
      spec,
      target: unwrap(parseQuery(spec.target)),
      requires: unwrap(parseQuery(spec.requires)),
      action: action.value,
      sets: await CampaignSets.read(on, row.id, spec.rings.length),
      bounds,
      version: row.version,
      progress: { phase: row.phase, ...progress },
      gate: unwrap(parseJson(storedGate, row.gate, rowTextMax)),
      approvedBy: row.approved_by,
      startedAt: row.started_at,
      endedAt: row.ended_at,
      credit: undefined,
      openOrders: Number(openOrders),
      isHeld: undefined,
      lookedUpTo: 0,
      called: new Set(),
    },
  };
}

/** What changes in a campaign's row. */
export interface Change {
  readonly progress: Progress;
  readonly gate: Campaign['gate'];
  readonly approvedBy: string | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

export const changeOf = (campaign: Campaign, changed: Partial<Change> = {}): Change => ({
  progress: campaign.progress,
  gate: campaign.gate,
  approvedBy: campaign.approvedBy,
  startedAt: campaign.startedAt,
  endedAt: campaign.endedAt,
  ...changed,
});

/** What a second person approves: this campaign, with exactly this specification. */
export const digestOf = ({ id, spec }: Pick<CampaignRow, 'id' | 'spec'>): string => sha256(`${id}\n${spec}`);

/** Writes what changed of a campaign's row, as its next version. Throws VERSION_CONFLICT when the row is at another one. */
export async function writeChange(on: Queryable, campaign: Campaign, change: Change): Promise<void> {
  const { phase, ...progress } = change.progress;
  const { numUpdatedRows } = await on
    .updateTable('campaigns')
    .set({
      version: campaign.version + 1,
      phase,
      progress: JSON.stringify({ ...progress, bounds: campaign.bounds }),
      gate: JSON.stringify(change.gate),
      approved_by: change.approvedBy,
      started_at: change.startedAt,
      ended_at: change.endedAt,
    })
    .where('id', '=', campaign.id)
    .where('version', '=', campaign.version)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new FaultError({ code: 'VERSION_CONFLICT', facts: { base: campaign.version } });
}

/** Takes into memory what was written. */
export function applyChange(campaign: Campaign, change: Change): void {
  campaign.version += 1;
  campaign.progress = change.progress;
  campaign.gate = change.gate;
  campaign.approvedBy = change.approvedBy;
  campaign.startedAt = change.startedAt;
  campaign.endedAt = change.endedAt;
}

/** Writes a line of a campaign's history. */
export const noteEvent = (
  on: Queryable,
  campaign: string,
  at: number,
  what: string,
  by: string | null,
  facts: Readonly<Record<string, string | number>>,
) =>
  on
    .insertInto('campaign_events')
    .values({ campaign, at, what, by, facts: JSON.stringify(facts) })
    .execute();

/** When it may begin, and when it ends. */
export const startOf = ({ spec, startedAt, createdAt }: Campaign): number =>
  spec.startAt === undefined ? (startedAt ?? createdAt) : Date.parse(spec.startAt);
export const endOf = (campaign: Campaign): number =>
  campaign.spec.endAt === undefined ? startOf(campaign) + lifeMs : Date.parse(campaign.spec.endAt);

/** What a new campaign begins with. */
export const freshProgress = (rings: number): Omit<Progress, 'phase'> => ({
  reason: null,
  by: null,
  rings: Array.from({ length: rings }, () => freshRing),
});
export const freshGates = (spec: CampaignSpec): Campaign['gate'] =>
  Object.fromEntries((spec.gate?.metrics ?? []).map((metric) => [metric, freshGate]));

/** Whether it does something by itself. */
export const isActive = ({ progress: { phase } }: Pick<Campaign, 'progress'>): boolean =>
  phase === 'running' || phase === 'paused' || phase === 'rollingBack';

/** Has a terminal looked at first at the next tick. */
export function call(campaign: Campaign, ordinal: number): void {
  if (campaign.called.size < calledMax) campaign.called.add(ordinal);
}
