import {
  type CampaignPhase,
  type Cause,
  type CauseCode,
  causeCodes,
  causes as causeTable,
  type Query,
} from '@tsunagu/protocols/fleet';
import { firstFailure, type TerminalFacts } from './match.ts';
import type { WindowState } from './windows.ts';

/** A job that is not over. Times are the server's. */
export interface OpenJob {
  readonly job: string;
  readonly at: number;
  readonly attempts: number;
  /** How its last attempt failed, and when the next one is handed out at the earliest. */
  readonly fault: string | null;
  readonly notBefore: number;
}

/** Where one terminal stands in one campaign. */
export interface Standing {
  readonly isInCohort: boolean;
  readonly isDone: boolean;
  readonly isBack: boolean;
  readonly ring: number;
  /** The order that is open. */
  readonly order: OpenJob | undefined;
  readonly exception:
    | {
        readonly state: 'retrying' | 'failed';
        readonly attempts: number;
        readonly fault: string | null;
        readonly nextAt: number | null;
      }
    | undefined;
}

/** What a campaign is to one terminal. */
export interface CampaignView {
  readonly id: string;
  readonly name: string;
  readonly phase: CampaignPhase;
  /** Why it is paused, aborted or going back; a code of the error table or a person's words. */
  readonly reason: string | null;
  readonly by: string | null;
  readonly startAt: number | undefined;
  readonly endAt: number;
  readonly target: Query;
  readonly requires: Query;
  readonly ringOpen: number;
  /** Why the kind of change is not for this terminal; undefined when it is. */
  readonly actionCause: (
    facts: TerminalFacts,
  ) => { readonly code: CauseCode; readonly facts: Cause['facts'] } | undefined;
  /** What keeps the change from every terminal for now. */
  readonly held: { readonly code: CauseCode; readonly facts: Cause['facts'] } | undefined;
  /** Whether the terminal has it already. */
  readonly isHad: (facts: TerminalFacts) => boolean;
  readonly window: (facts: TerminalFacts) => WindowState;
  /** A newer campaign about the same thing that goes before this one at this terminal. */
  readonly rival: (facts: TerminalFacts) => string | undefined;
  /** When the pace allows another order; undefined when it does now. */
  readonly paceAt: number | undefined;
}

type Pending = { readonly code: CauseCode; readonly facts?: Cause['facts']; readonly until?: number | undefined };

/** What an open job means: it waits for its next attempt, or for the terminal. */
export const causeOfJob = ({ job, at, attempts, fault, notBefore }: OpenJob, now: number): Pending =>
  notBefore > now
    ? { code: 'RETRY', facts: { attempts, fault: fault ?? '', job }, until: notBefore }
    : { code: 'JOB_OPEN', facts: { job, since: iso(at) } };

/** Causes that concern a terminal whatever it should get. */
function causesOfTerminal(facts: TerminalFacts, mayConnect: boolean): readonly (Pending | false)[] {
  return [
    !mayConnect && { code: 'LIFECYCLE', facts: { state: facts.lifecycle } },
    facts.tampered && { code: 'TAMPERED' },
    !facts.enrolled && { code: 'NEVER_ENROLLED' },
    facts.enrolled && facts.link !== 'ready' && facts.isCertified === false && { code: 'CERTIFICATE_ENDED' },
    facts.enrolled &&
      facts.link !== 'ready' && {
        code: 'OFFLINE',
        facts: {
          link: facts.link,
          ...(facts.linkSince !== undefined && { since: iso(facts.linkSince) }),
          ...(facts.parent !== undefined && facts.parentLink !== 'ready' && { parent: facts.parent }),
        },
      },
  ];
}

/**
 * Everything that keeps a campaign from changing a terminal now, the deciding cause first. Only `NEXT` (or `PACE`): it may be ordered.
 * The same rule decides what is ordered and what "why not?" answers.
 */
export function causesOf(
  view: CampaignView,
  standing: Standing,
  facts: TerminalFacts,
  mayConnect: boolean,
  now: number,
): readonly Cause[] {
  const { phase, requires } = view;
  if (standing.isDone && !standing.isBack && phase !== 'rollingBack' && phase !== 'rolledBack') return [made('DONE')];
  const missing = firstFailure(requires, facts, now);
  const window = view.window(facts);
  const rival = view.rival(facts);
  const action = view.actionCause(facts);
  const campaign = { campaign: view.name };
  const gone = phase === 'completed' || phase === 'rolledBack' || view.endAt <= now;
  const { order, exception } = standing;
  const pending: readonly (Pending | false | undefined)[] = [
    ...causesOfTerminal(facts, mayConnect),
    !standing.isInCohort && {
      code: 'NOT_IN_COHORT',
      facts: { ...campaign, test: firstFailure(view.target, facts, now)?.text ?? '' },
    },
    phase === 'rejected' && { code: 'CAMPAIGN_REJECTED', facts: { ...campaign, by: view.by ?? '' } },
    phase === 'proposed' && { code: 'CAMPAIGN_PROPOSED', facts: campaign },
    view.reason === 'CAMPAIGN_GATE_FAILED' && { code: 'GATE_FAILED', facts: campaign },
    phase === 'aborted' &&
      view.reason !== 'CAMPAIGN_GATE_FAILED' && {
        code: 'CAMPAIGN_ABORTED',
        facts: { ...campaign, by: view.by ?? '', reason: view.reason ?? '' },
      },
    gone && { code: 'CAMPAIGN_ENDED', facts: campaign },
    exception?.state === 'failed' && {
      code: 'FAILED',
      facts: { attempts: exception.attempts, fault: exception.fault ?? '' },
    },
    action,
    view.held,
    phase === 'paused' && {
      code: 'CAMPAIGN_PAUSED',
      facts: { ...campaign, by: view.by ?? '', reason: view.reason ?? '' },
    },
    view.startAt !== undefined &&
      view.startAt > now && { code: 'CAMPAIGN_NOT_STARTED', facts: campaign, until: view.startAt },
    phase === 'rollingBack' && { code: 'GOES_BACK', facts: campaign },
    rival !== undefined && { code: 'OTHER_CAMPAIGN_FIRST', facts: { campaign: rival } },
    missing && missingCause(requires, missing, facts, now),
    // Before its beginning and after its end no ring stands in the way.
    (phase === 'running' || phase === 'paused') &&
      view.ringOpen >= 0 &&
      standing.ring > view.ringOpen && {
        code: 'RING_NOT_OPEN',
        facts: { ring: standing.ring + 1, open: view.ringOpen + 1 },
      },
    order && causeOfJob(order, now),
    exception?.state === 'retrying' &&
      (exception.nextAt ?? 0) > now && {
        code: 'RETRY',
        facts: { attempts: exception.attempts, fault: exception.fault ?? '' },
        until: exception.nextAt ?? undefined,
      },
    !window.isOpen && { code: 'WINDOW_CLOSED', until: window.opensAt },
    view.paceAt !== undefined && { code: 'PACE', until: view.paceAt },
  ];
  const found = pending.flatMap((one) => (one ? [made(one.code, one.facts, one.until)] : []));
  return found.length === 0 ? [made('NEXT', {}, now)] : found.sort(byPrecedence);
}

/** Whether nothing but the pace, or nothing at all, stands in the way. */
export const mayBeOrdered = (found: readonly Cause[]): boolean =>
  found.every(({ code }) => code === 'NEXT' || code === 'PACE');

/** Fields of prerequisites that have a cause of their own, and what the terminal would be like if that were not the cause. */
const prerequisites: Readonly<
  Record<string, { readonly code: CauseCode; readonly from: keyof TerminalFacts; readonly otherwise: object }>
> = {
  battery: { code: 'BATTERY_LOW', from: 'battery', otherwise: { battery: 100 } },
  idleMinutes: { code: 'NOT_IDLE', from: 'idleSince', otherwise: { idleSince: 0 } },
};

function missingCause(
  requires: Query,
  { field, text }: { readonly field: string; readonly text: string },
  facts: TerminalFacts,
  now: number,
): Pending {
  const code = prerequisiteCause(requires, field, facts, now);
  return { code, facts: { test: text }, until: code === 'NOT_IDLE' ? idleEnough(requires, facts, now) : undefined };
}

/** When a terminal that nobody uses meanwhile has been idle for long enough: at the first minute count of the query after which idleness is not what is missing. */
function idleEnough(requires: Query, facts: TerminalFacts, now: number): number | undefined {
  const { idleSince } = facts;
  if (idleSince === undefined) return undefined;
  return idleMinutesIn(requires)
    .flatMap((minutes) => [idleSince + minutes * 60_000, idleSince + minutes * 60_000 + 1])
    .filter((at) => at > now)
    .toSorted((one, other) => one - other)
    .find((at) => firstFailure(requires, facts, at)?.field !== 'idleMinutes');
}

/** The counts of minutes that a query compares idleness with. */
function idleMinutesIn(query: Query): readonly number[] {
  if (query.kind === 'and' || query.kind === 'or') return query.parts.flatMap(idleMinutesIn);
  if (query.kind === 'not') return idleMinutesIn(query.part);
  return query.kind === 'compare' && query.field.name === 'idleMinutes' && typeof query.value === 'number'
    ? [query.value]
    : [];
}

/** The cause of a prerequisite that does not hold. A test may also want a battery low, or not be answered at all: neither has a cause of its own. */
function prerequisiteCause(requires: Query, field: string, facts: TerminalFacts, now: number): CauseCode {
  if (field === 'lifecycle') return 'LIFECYCLE';
  const own = prerequisites[field];
  if (!own || facts[own.from] === undefined) return 'PREREQUISITE';
  return firstFailure(requires, { ...facts, ...own.otherwise }, now)?.field === field ? 'PREREQUISITE' : own.code;
}

/** What a terminal that nothing is arranged for waits on: for targets without a campaign. */
export function causesOfPlain(
  facts: TerminalFacts,
  mayConnect: boolean,
  more: readonly (Pending | false | undefined)[],
): readonly Cause[] {
  const pending = [...causesOfTerminal(facts, mayConnect), ...more];
  return pending.flatMap((one) => (one ? [made(one.code, one.facts, one.until)] : [])).sort(byPrecedence);
}

/** One cause, as it is told. */
export const made = (code: CauseCode, facts: Cause['facts'] = {}, until?: number): Cause => ({
  code,
  facts,
  until: until === undefined ? null : iso(until),
});

const byPrecedence = (one: Cause, other: Cause): number =>
  causeCodes.indexOf(one.code) - causeCodes.indexOf(other.code);

/** When it is tried next: when the last of the causes passes, where all of them pass by themselves at a known time. */
export function nextTryOf(found: readonly Cause[]): string | null {
  const times = found.map(({ code, until }) => (causeTable[code].wait === 'time' ? until : null));
  return times.every((time) => time !== null) ? (times.toSorted().at(-1) ?? null) : null;
}

const iso = (at: number): string => new Date(at).toISOString();
