import {
  type CampaignDryRun,
  type CampaignSpec,
  causeCodes,
  jobOfMany,
  parseQuery,
  ringsAreGrowing,
  serialSchema,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type Actor } from '../audit/index.ts';
import { readyAction } from './actions.ts';
import { digestOf, freshGates, freshProgress, noteEvent } from './campaign.ts';
import { factsOf, numberTerminals } from './facts.ts';
import type { CampaignRooms } from './ports.ts';
import { causesOf, type CampaignView } from './rules/causes.ts';
import { firstFailure, type TerminalFacts } from './rules/match.ts';
import { placeInOrder, ringBounds, ringOf } from './rules/rings.ts';
import { isTimeZone, windowAt } from './rules/windows.ts';
import { select } from './select.ts';
import { CampaignSets } from './sets.ts';

const sampleMax = 200;
const excludedSampleMax = 5;
const excludedMax = 50;
const pageMax = 5_000;

/** Everything of a specification that can be wrong, and what it comes to. */
async function understand(rooms: CampaignRooms, spec: CampaignSpec, id: string) {
  const target = parseQuery(spec.target);
  if (!target.ok) return fail(target.fault.code, { ...target.fault, field: `target:${target.fault.offset ?? 0}` });
  const requires = parseQuery(spec.requires);
  if (!requires.ok)
    return fail(requires.fault.code, { ...requires.fault, field: `requires:${requires.fault.offset ?? 0}` });
  if (!ringsAreGrowing(spec.rings)) return fail('CAMPAIGN_RINGS_INVALID', { field: 'rings' });
  if (!isTimeZone(spec.timeZone)) return fail('TIME_ZONE_UNKNOWN', { field: 'timeZone' });
  const { startAt, endAt } = spec;
  const startsAt = startAt === undefined ? rooms.world.clock.now() : Date.parse(startAt);
  if (endAt !== undefined && Date.parse(endAt) <= Math.max(startsAt, rooms.world.clock.now()))
    return fail('INPUT_INVALID', { field: 'endAt' });
  const refused = refusedJob(spec);
  if (refused !== undefined) return fail('CAMPAIGN_JOB_REFUSED', { field: refused });
  const inTime = spec.action.kind === 'software' ? rooms.software.inTime() : ok(undefined);
  if (!inTime.ok) return inTime;
  const action = await readyAction(rooms, spec, id);
  return action.ok ? ok({ target: target.value, requires: requires.value, action: action.value }) : action;
}

/**
 * The job of a campaign that it may not order: what cannot be undone waits for a second person at each terminal, and nobody is asked
 * for that here; keys have their custodians, and software its attestation, its gates and its way back.
 */
function refusedJob({ action }: CampaignSpec): string | undefined {
  if (action.kind !== 'job') return undefined;
  if (!jobOfMany.safeParse(action.body).success) return 'action.body.type';
  return action.back === undefined || jobOfMany.safeParse(action.back).success ? undefined : 'action.back.type';
}

/** Stores a campaign that was proposed, and asks for its approval. Its cohort is what the query finds now. */
export async function createCampaign(rooms: CampaignRooms, spec: CampaignSpec, by: Actor): Promise<Result<string>> {
  const { world, store } = rooms;
  const id = world.id();
  const understood = await understand(rooms, spec, id);
  if (!understood.ok) return understood;
  const { target, action } = understood.value;
  const now = world.clock.now();
  await numberTerminals(store.db);
  const cohort = await select(store.db, target, { now });
  if (cohort.length === 0 && !spec.isDynamic) return fail('CAMPAIGN_COHORT_EMPTY', { field: 'target' });
  const places = cohort.map(({ serial }) => placeInOrder(id, serial));
  const bounds = ringBounds(places, spec.rings);
  const sets = new CampaignSets(spec.rings.length);
  const draft = sets.draft();
  for (const [index, { ordinal }] of cohort.entries()) {
    draft.add('cohort', ordinal);
    draft.add(`ring${ringOf(places[index] ?? 0, bounds)}`, ordinal);
  }
  try {
    return await store.write(async (tx): Promise<Result<string>> => {
      const subject = `campaign/${id}`;
      const text = JSON.stringify(spec);
      const digest = digestOf({ id, spec: text });
      const facts = { name: spec.name, kind: spec.action.kind, terminals: cohort.length };
      const asked = await rooms.approvals.request(tx, {
        kind: 'campaign',
        subject,
        digest,
        facts: { ...facts, target: spec.target },
        by,
      });
      if (!asked.ok) return asked;
      await tx
        .insertInto('campaigns')
        .values({
          id,
          version: 1,
          name: spec.name,
          kind: spec.action.kind,
          subject: action.subject,
          phase: 'proposed',
          spec: text,
          progress: JSON.stringify({ ...freshProgress(spec.rings.length), bounds }),
          gate: JSON.stringify(freshGates(spec)),
          created_at: now,
          created_by: by.subject,
          approval: asked.value.id,
          approved_by: null,
          started_at: null,
          ended_at: null,
        })
        .execute();
      await draft.write(tx, id);
      await action.proposed?.(tx, by.subject);
      await noteEvent(tx, id, now, 'created', by.subject, { terminals: cohort.length });
      await rooms.note(tx, { actor: by, action: 'campaign.create', subject, afterHash: digest, facts });
      return ok(id);
    });
  } finally {
    draft.drop();
    sets.close();
  }
}

/** Whom a campaign would reach, who is left out and why, and who could not be ordered now. */
export async function dryRun(
  rooms: CampaignRooms,
  spec: CampaignSpec,
  zoneOf: (facts: TerminalFacts) => string | undefined,
): Promise<Result<CampaignDryRun>> {
  const { world, store } = rooms;
  const understood = await understand(rooms, spec, '');
  if (!understood.ok) return understood;
  const { target, requires, action } = understood.value;
  const now = world.clock.now();
  await numberTerminals(store.db);
  const view: CampaignView = {
    id: '',
    name: spec.name,
    phase: 'running',
    reason: null,
    by: null,
    startAt: spec.startAt === undefined ? undefined : Date.parse(spec.startAt),
    endAt: spec.endAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(spec.endAt),
    target,
    requires,
    ringOpen: spec.rings.length,
    actionCause: (facts) => action.cause(facts),
    held: action.held?.(),
    isHad: (facts) => action.isHad(facts),
    window: (facts) => windowAt(spec.windows, zoneOf(facts) ?? spec.timeZone, now),
    rival: () => undefined,
    paceAt: undefined,
  };
  const excluded = new Map<string, string[]>();
  const counts = new Map<string, number>();
  const waiting = new Map<string, number>();
  const places: number[] = [];
  const sample: string[] = [];
  for (let after = 0; ; ) {
    const page = await factsOf(store.db, { after, limit: pageMax });
    for (const facts of page) {
      const failure = firstFailure(target, facts, now);
      if (failure) {
        const list = excluded.get(failure.text) ?? [];
        excluded.set(failure.text, list);
        if (list.length < excludedSampleMax) list.push(facts.serial);
        counts.set(failure.text, (counts.get(failure.text) ?? 0) + 1);
        continue;
      }
      places.push(placeInOrder(spec.name, facts.serial));
      if (sample.length < sampleMax) sample.push(facts.serial);
      const standing = {
        isInCohort: true,
        isDone: action.isHad(facts),
        isBack: false,
        ring: 0,
        order: undefined,
        exception: undefined,
      };
      const code = causesOf(view, standing, facts, rooms.mayConnect(facts.lifecycle), now)[0]?.code ?? 'NEXT';
      waiting.set(code, (waiting.get(code) ?? 0) + 1);
    }
    const last = page.at(-1);
    if (!last || page.length < pageMax) break;
    after = last.ordinal;
  }
  const bounds = ringBounds(places, spec.rings);
  const rings = spec.rings.map(() => 0);
  for (const place of places) {
    const ring = ringOf(place, bounds);
    rings[ring] = (rings[ring] ?? 0) + 1;
  }
  return ok({
    cohort: places.length,
    rings,
    sample: sample.map((serial) => serialSchema.parse(serial)),
    excluded: [...excluded]
      .map(([test, serials]) => ({
        why: test,
        terminals: counts.get(test) ?? 0,
        sample: serials.map((serial) => serialSchema.parse(serial)),
      }))
      .sort((one, other) => other.terminals - one.terminals)
      .slice(0, excludedMax),
    waiting: causeCodes.flatMap((code) => {
      const terminals = waiting.get(code);
      return terminals === undefined ? [] : [{ code, terminals }];
    }),
  });
}
