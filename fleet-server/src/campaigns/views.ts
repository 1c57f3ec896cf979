import type { TerminalFacts } from './rules/match.ts';
import type { Campaign } from './campaign.ts';
import { endOf, startOf } from './campaign.ts';
import type { CampaignView } from './rules/causes.ts';
import { firstFailure } from './rules/match.ts';
import { ringOpenOf } from './rules/progress.ts';
import { windowAt, type WindowState } from './rules/windows.ts';

/** What a campaign looks like to a terminal right now. Windows are worked out once a zone. */
export function viewOf(
  campaign: Campaign,
  others: readonly Campaign[],
  zoneOf: (facts: TerminalFacts) => string | undefined,
  now: number,
): CampaignView {
  const { spec, progress, action } = campaign;
  const windows = new Map<string, WindowState>();
  // The newer goes first: of two campaigns about one thing it is the one that people thought of last.
  const rivals = others.filter(
    (other) =>
      other.number > campaign.number &&
      other.action.subject === action.subject &&
      (other.progress.phase === 'running' || other.progress.phase === 'paused'),
  );
  const credit = campaign.credit;
  return {
    id: campaign.id,
    name: campaign.name,
    phase: progress.phase,
    reason: progress.reason,
    by: progress.by,
    startAt: startOf(campaign),
    endAt: endOf(campaign),
    target: campaign.target,
    requires: campaign.requires,
    ringOpen: ringOpenOf(progress),
    actionCause: (facts) => action.cause(facts),
    held: action.held?.(),
    isHad: (facts) => action.isHad(facts),
    window(facts) {
      const zone = zoneOf(facts) ?? spec.timeZone;
      const known = windows.get(zone);
      if (known) return known;
      const state = windowAt(spec.windows, zone, now);
      windows.set(zone, state);
      return state;
    },
    rival: (facts) => rivals.find((other) => wants(other, facts, now))?.name,
    paceAt: progress.phase === 'running' && credit !== undefined && credit.orders < 1 ? now + 1_000 : undefined,
  };
}

/**
 * Whether a campaign has a claim on a terminal: it still has to change it, and could. One whose prerequisites do not hold has none, so
 * that an older campaign can bring them about; so v1 → v2 → v3 gets through in whichever order the campaigns were made.
 */
function wants({ sets, requires, action }: Campaign, facts: TerminalFacts, now: number): boolean {
  const { ordinal } = facts;
  return (
    sets.has('cohort', ordinal) &&
    !sets.has('done', ordinal) &&
    !sets.has('failed', ordinal) &&
    firstFailure(requires, facts, now) === undefined &&
    action.cause(facts) === undefined &&
    !action.isHad(facts)
  );
}
