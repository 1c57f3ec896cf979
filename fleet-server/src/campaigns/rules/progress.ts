import {
  type CampaignPhase,
  type CampaignRing,
  type CampaignSpec,
  type CampaignVerb,
  campaignVerbs,
  type ringStates,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';

/** How far one ring is. Times are the server's, milliseconds since 1970. */
export interface RingProgress {
  readonly openedAt: number | null;
  /** When enough of it had ended. */
  readonly throughAt: number | null;
  readonly passedAt: number | null;
  /** A person let the next one begin. */
  readonly isPromoted: boolean;
  /** Failures that a person saw and went on with. */
  readonly pardoned: number;
}

/** How far a campaign is: everything about it that changes, but for its sets. */
export interface Progress {
  readonly phase: CampaignPhase;
  readonly reason: string | null;
  /** Who did last what led to the phase; null: the server. */
  readonly by: string | null;
  readonly rings: readonly RingProgress[];
}

/** What a ring came to. */
export interface RingCount {
  readonly size: number;
  readonly done: number;
  readonly failed: number;
}

/** What the world says, when a campaign looks at itself. */
export interface Seen {
  readonly now: number;
  readonly rings: readonly RingCount[];
  readonly openOrders: number;
  /** A metric whose evidence reached the limit. */
  readonly gateFailed: string | undefined;
  /** Whether both sides of the gate have enough sales; true where there is no gate. */
  readonly isGateFed: boolean;
  readonly endAt: number;
  /** Terminals that were changed and not brought back. */
  readonly toBringBack: number;
}

/** Something that a step made happen, for the history. */
export interface Happened {
  readonly what: string;
  readonly facts: Readonly<Record<string, string | number>>;
}

export const freshRing: RingProgress = {
  openedAt: null,
  throughAt: null,
  passedAt: null,
  isPromoted: false,
  pardoned: 0,
};

type Rules = Pick<CampaignSpec, 'rings' | 'isDynamic'> & { readonly canGoBack: boolean; readonly startAt: number };

/** One look of a campaign at itself: what opens, what ends, what stops. */
export function advance(
  rules: Rules,
  progress: Progress,
  seen: Seen,
): { readonly progress: Progress; readonly happened: readonly Happened[] } {
  const { phase } = progress;
  const { now } = seen;
  const to = (next: CampaignPhase, reason: string | null, what: string, facts: Happened['facts'] = {}) => ({
    progress: { ...progress, phase: next, reason, by: null },
    happened: [{ what, facts }],
  });
  const still = { progress, happened: [] };
  if (phase === 'rollingBack')
    return seen.toBringBack === 0 && seen.openOrders === 0 ? to('rolledBack', progress.reason, 'rolledBack') : still;
  if (phase !== 'running' && phase !== 'paused') return still;
  if (seen.gateFailed !== undefined)
    return rules.canGoBack
      ? to('rollingBack', 'CAMPAIGN_GATE_FAILED', 'gateFailed', { metric: seen.gateFailed })
      : to('aborted', 'CAMPAIGN_GATE_FAILED', 'gateFailed', { metric: seen.gateFailed });
  if (seen.endAt <= now) return to('completed', null, 'endReached');
  if (phase === 'paused' || rules.startAt > now) return still;

  const happened: Happened[] = [];
  const rings = [...progress.rings];
  for (const [index, ring] of rules.rings.entries()) {
    const count = seen.rings[index] ?? { size: 0, done: 0, failed: 0 };
    let state = rings[index] ?? freshRing;
    if (state.openedAt === null) {
      happened.push({ what: 'ringOpened', facts: { ring: index + 1, terminals: count.size } });
      state = { ...state, openedAt: now };
    }
    if (failedTooOften(ring, count, state.pardoned))
      return {
        progress: {
          phase: 'paused',
          reason: 'CAMPAIGN_THRESHOLD_REACHED',
          by: null,
          rings: rings.with(index, state),
        },
        happened: [...happened, { what: 'thresholdReached', facts: { ring: index + 1, failed: count.failed } }],
      };
    if (state.throughAt === null && isThrough(ring, count)) state = { ...state, throughAt: now };
    const isLast = index === rules.rings.length - 1;
    if (state.passedAt === null && standOf(ring, state, isLast || seen.isGateFed, now) === 'passed') {
      state = { ...state, passedAt: now };
      happened.push({ what: 'ringPassed', facts: { ring: index + 1, done: count.done, failed: count.failed } });
    }
    rings[index] = state;
    if (state.passedAt === null) break;
  }
  const isOver = rings.at(-1)?.passedAt != null && !rules.isDynamic && seen.openOrders === 0;
  if (isOver) happened.push({ what: 'completed', facts: {} });
  return { progress: { ...progress, rings, ...(isOver && { phase: 'completed', reason: null, by: null }) }, happened };
}

/** So many ends are enough of a ring. */
const enoughOf = ({ enoughPercent }: CampaignRing, size: number): number => Math.ceil((size * enoughPercent) / 100);

const isThrough = (ring: CampaignRing, { size, done, failed }: RingCount): boolean =>
  done + failed >= enoughOf(ring, size);

function failedTooOften(ring: CampaignRing, { size, done, failed }: RingCount, pardoned: number): boolean {
  const { failures } = ring;
  if (failed <= pardoned) return false;
  if (failures.count !== undefined && failed >= failures.count) return true;
  return (
    failures.percent !== undefined &&
    // A ring that is smaller than that is judged when it is through: nobody goes on behind a first ring that failed as a whole.
    done + failed >= Math.min(failures.minimum, enoughOf(ring, size)) &&
    failed * 100 >= failures.percent * (done + failed)
  );
}

/** How a ring stands. */
export function standOf(
  ring: Pick<CampaignRing, 'soakMs' | 'promotion'>,
  { openedAt, throughAt, passedAt, isPromoted }: RingProgress,
  isGateFed: boolean,
  now: number,
): (typeof ringStates)[number] {
  if (openedAt === null) return 'waiting';
  if (passedAt !== null) return 'passed';
  if (isPromoted) return 'passed';
  if (throughAt === null) return 'open';
  if (now < throughAt + ring.soakMs) return 'soaking';
  if (ring.promotion === 'person') return 'awaitingPerson';
  return isGateFed ? 'passed' : 'undecided';
}

/** How a ring stands in a phase: nothing is under way in one of a campaign that was stopped. */
export function standIn(phase: CampaignPhase, ...about: Parameters<typeof standOf>): (typeof ringStates)[number] {
  const state = standOf(...about);
  if (state === 'waiting' || state === 'passed' || phase === 'running') return state;
  return phase === 'paused' ? 'paused' : 'stopped';
}

/** The newest ring that is open; -1 before the first. */
export const ringOpenOf = ({ rings }: Pick<Progress, 'rings'>): number =>
  rings.findLastIndex(({ openedAt }) => openedAt !== null);

/** From which phases each verb leads where. */
const verbs = {
  approve: { from: ['proposed'], to: 'running' },
  reject: { from: ['proposed'], to: 'rejected' },
  pause: { from: ['running'], to: 'paused' },
  resume: { from: ['paused'], to: 'running' },
  promote: { from: ['running'], to: 'running' },
  abort: { from: ['proposed', 'running', 'paused', 'rollingBack'], to: 'aborted' },
  rollback: { from: ['running', 'paused', 'aborted', 'completed'], to: 'rollingBack' },
} as const satisfies Record<CampaignVerb, { from: readonly CampaignPhase[]; to: CampaignPhase }>;

/** What a person's verb does. CAMPAIGN_VERB_NOT_NOW: not in this phase, or there is no ring to promote. */
export function act(
  progress: Progress,
  verb: CampaignVerb,
  by: string,
  reason: string,
  failed: readonly number[],
): Result<Progress, 'CAMPAIGN_VERB_NOT_NOW'> {
  const { from, to } = verbs[verb];
  const can = campaignVerbs.filter((each) => verbs[each].from.some((phase) => phase === progress.phase));
  const refused = fail('CAMPAIGN_VERB_NOT_NOW', { facts: { phase: progress.phase, verb, can: can.join(' ') } });
  if (!from.some((phase) => phase === progress.phase)) return refused;
  let { rings } = progress;
  if (verb === 'promote') {
    const open = ringOpenOf(progress);
    const ring = rings[open];
    if (!ring || ring.isPromoted || ring.passedAt !== null) return refused;
    rings = rings.with(open, { ...ring, isPromoted: true });
  }
  if (verb === 'resume') rings = rings.map((ring, index) => ({ ...ring, pardoned: failed[index] ?? 0 }));
  const keeps = verb === 'promote' || verb === 'approve' || verb === 'resume';
  return ok({ phase: to, reason: keeps ? null : reason || null, by, rings });
}
