import { z } from 'zod';
import { settingValues } from './configuration.ts';
import { serialSchema } from './identity.ts';
import { cause } from './why.ts';
import { keySlot } from './held-key.ts';
import { custodyKeyId } from './key-custody.ts';
import { softwareInstall } from './job.ts';
import { jobBody } from './job-kinds.ts';
import { queryText } from './query.ts';
import { reasonText } from './reason.ts';

const time = z.iso.datetime().describe('RFC 3339, UTC.');
const count = (says: string) => z.number().int().nonnegative().describe(says);

/** What is done to each terminal of a campaign. A new kind is a new entry here and in the server's table of actions. */
export const campaignAction = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('software').describe('Another software.'),
      images: z
        .array(softwareInstall.shape.digest)
        .min(1)
        .max(16)
        .describe('Uploaded images, one a model: each terminal gets the one of its model.'),
      back: z
        .array(softwareInstall.shape.digest)
        .max(16)
        .default([])
        .describe('Images that a roll-back installs, one a model; their rollback counter must not be lower.'),
      allowDowngrade: z.boolean().default(false).describe('Whether a terminal with a newer version is changed too.'),
    }),
    z.strictObject({
      kind: z
        .literal('configuration')
        .describe('Other values: in a layer of the campaign, above those of the place and below a terminal’s own.'),
      values: settingValues.describe('The values, by setting; what is left out stays.'),
    }),
    z.strictObject({
      kind: z.literal('keys').describe('A fresh key.'),
      slot: keySlot,
      below: custodyKeyId
        .optional()
        .describe('The base key whose keys are replaced: a terminal that holds none below it any more is done.'),
    }),
    z.strictObject({
      kind: z.literal('job').describe('Any other job, the same for everybody.'),
      body: jobBody,
      back: jobBody.optional().describe('The job of a roll-back.'),
    }),
  ])
  .describe('What is done to each terminal.');
/** What is done to each terminal of a campaign. */
export type CampaignAction = z.output<typeof campaignAction>;

const clock = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/);
/** Days as a window names them. */
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
/** A window in which terminals may be changed. */
export const maintenanceWindow = z
  .strictObject({
    days: z
      .array(z.enum(weekdays))
      .min(1)
      .max(7)
      .default([...weekdays])
      .describe('Days on which it opens.'),
    from: clock.describe("When it opens, hh:mm on the shop's clock."),
    until: clock.describe('When it closes; at or before `from` it is the next day.'),
  })
  .describe(
    'A window of the shop’s local time: open while its clock shows a time in between. What lies in an hour that a change of the clock skips does not come that day; what lies in one that comes twice comes twice.',
  );
/** A window in which terminals may be changed. */
export type MaintenanceWindow = z.output<typeof maintenanceWindow>;

/** What a gate watches. Each is a share of sales that should not grow. */
export const gateMetrics = ['notApproved', 'technical', 'reversed', 'fallback', 'refused'] as const;
/** What a gate watches. */
export const gateMetric = z
  .enum(gateMetrics)
  .describe(
    'A share of sales: `notApproved` (neither approved nor reversed), `technical` (declined with an action code of 9xx or by the switch), `reversed`, `fallback` (by stripe), `refused` (ended by the terminal itself).',
  );
/** What a gate watches. */
export type GateMetric = z.infer<typeof gateMetric>;

const promotion = z.enum(['automatic', 'person']).describe('Who lets the next ring begin.');
const failures = z
  .strictObject({
    count: z.number().int().min(1).max(1_000_000).optional().describe('So many failures end the ring.'),
    percent: z.number().gt(0).max(100).optional().describe('Or so many per cent of those that ended.'),
    minimum: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(10)
      .describe('Per cent count from so many ends on, and in a smaller ring when it is through.'),
  })
  .describe('How many failures are too many.');

/** A part of a cohort that goes before the others. */
export const campaignRing = z
  .strictObject({
    percent: z.number().gt(0).max(100).describe('How much of the cohort is in this ring and those before it.'),
    soakMs: count('How long it is watched after it is through, milliseconds.').default(0),
    enoughPercent: z.number().min(1).max(100).default(100).describe('It is through when so much of it ended.'),
    promotion: promotion.default('automatic'),
    failures: failures.default({ percent: 10, minimum: 10 }),
  })
  .describe('A part of the cohort that goes before the others.');
/** A part of a cohort that goes before the others. */
export type CampaignRing = z.output<typeof campaignRing>;

/** Whether each ring is larger than the one before it, and the last one is the whole. */
export const ringsAreGrowing = (rings: readonly Pick<CampaignRing, 'percent'>[]): boolean =>
  rings.every((ring, index) => ring.percent > (rings[index - 1]?.percent ?? 0)) && rings.at(-1)?.percent === 100;

/** How fast a campaign goes. */
export const campaignPace = z
  .strictObject({
    perMinute: z.number().int().min(1).max(100_000).default(1_000).describe('Orders a minute to begin with.'),
    growth: z.number().min(1).max(10).default(1).describe('Factor of each step; 1 is a constant pace.'),
    every: z
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(100)
      .describe('A step comes with so many changed; who had it before proves nothing.'),
    perMinuteMax: z.number().int().min(1).max(100_000).default(10_000).describe('It never goes faster.'),
    openMax: z.number().int().min(1).max(10_000).default(1_000).describe('The most orders that are open at once.'),
  })
  .describe('How fast it goes.');
/** How fast a campaign goes. */
export type CampaignPace = z.output<typeof campaignPace>;

/** The sequential test of a campaign. */
export const campaignGate = z
  .strictObject({
    metrics: z
      .array(gateMetric)
      .min(1)
      .max(gateMetrics.length)
      .default([...gateMetrics])
      .describe('What is watched.'),
    alpha: z.number().gt(0).max(0.2).default(0.01).describe('The most that a good change may be stopped by chance.'),
    margin: z.number().min(0).max(0.5).default(0.02).describe('So much worse is still good enough.'),
    salesMin: count('Sales that each side must have before a ring is promoted by itself.').default(50),
  })
  .describe('Sales of updated terminals against those of others of the same model.');
/** The sequential test of a campaign. */
export type CampaignGate = z.output<typeof campaignGate>;

/** A campaign as somebody asks for it. */
export const campaignSpec = z
  .strictObject({
    name: z.string().min(1).max(80).describe('What people call it.'),
    target: queryText.default('').describe('Whom it is for, as a query; empty is everybody.'),
    isDynamic: z.boolean().default(false).describe('Whether terminals that meet the query later join.'),
    requires: queryText
      .default('')
      .describe('What must hold before a terminal is changed, as a query; it waits until then.'),
    attested: z.boolean().default(false).describe('Whether the images must be attested by runs on real hardware.'),
    action: campaignAction,
    rings: z
      .array(campaignRing)
      .min(1)
      .max(10)
      .default([campaignRing.parse({ percent: 100 })])
      .describe('In their order; the last one is the whole.'),
    pace: campaignPace.default(campaignPace.parse({})),
    windows: z.array(maintenanceWindow).max(14).default([]).describe('When terminals may be changed; none is always.'),
    timeZone: z.string().max(64).default('Asia/Tokyo').describe('IANA zone of shops that have none of their own.'),
    startAt: time.optional().describe('Not before this moment.'),
    endAt: time.optional().describe('It ends then, whoever is left; 90 days after its start unless told.'),
    attemptsMax: z.number().int().min(1).max(10).default(3).describe('Orders that one terminal gets before it failed.'),
    gate: campaignGate.nullable().default(campaignGate.parse({})).describe('The sequential test; null is none.'),
  })
  .describe('A campaign as somebody asks for it.');
/** A campaign as somebody asks for it. */
export type CampaignSpec = z.output<typeof campaignSpec>;

/**
 * How far a campaign is.
 *
 * | phase | orders | open orders | terminals that are done | leads to |
 * |---|---|---|---|---|
 * | proposed | none | – | – | running (a second person), rejected |
 * | running | by ring, pace, window | go on | stay | paused, completed, aborted, rollingBack |
 * | paused | none | go on: what was ordered is not taken back | stay | running, aborted, rollingBack |
 * | aborted | none | `queued` and `offered` are cancelled; `running` ends by itself and counts | stay | rollingBack |
 * | rollingBack | of the way back only | as for aborted; what still ends well is brought back too | are brought back | rolledBack, aborted |
 * | completed, rolledBack, rejected | none | none | stay | rollingBack from completed |
 */
export const campaignPhases = [
  'proposed',
  'running',
  'paused',
  'aborted',
  'rollingBack',
  'completed',
  'rolledBack',
  'rejected',
] as const;
/** How far a campaign is. */
export const campaignPhase = z.enum(campaignPhases).describe('How far it is.');
/** How far a campaign is. */
export type CampaignPhase = z.infer<typeof campaignPhase>;

/** What people do to a campaign. */
export const campaignVerbs = ['approve', 'reject', 'pause', 'resume', 'promote', 'abort', 'rollback'] as const;
/** What people do to a campaign. */
export type CampaignVerb = (typeof campaignVerbs)[number];
/** Something that a person does to a campaign. */
export const actOnCampaign = z
  .strictObject({
    verb: z.enum(campaignVerbs).describe('What is done.'),
    reason: reasonText(0).default('').describe('Why, for those who read it later.'),
  })
  .describe('Something that a person does to a campaign.');

/** How a ring stands. One that was open is `paused` or `stopped` together with its campaign. */
export const ringStates = [
  'waiting',
  'open',
  'soaking',
  'undecided',
  'awaitingPerson',
  'paused',
  'stopped',
  'passed',
] as const;
const arm = (says: string) =>
  z
    .object({ sales: count('Sales that were counted.'), events: count('Those that the metric is about.') })
    .describe(says);

/** What happened to a campaign. */
export const campaignEvent = z
  .object({
    at: time,
    what: z
      .string()
      .max(40)
      .describe('What happened: `created`, a verb, `ringOpened`, `thresholdReached`, `gateFailed` …'),
    by: z.string().nullable().describe('Who did it; null: the server by itself.'),
    facts: z.record(z.string(), z.union([z.string(), z.number()])).describe('What belongs to it, by name.'),
  })
  .describe('Something that happened to a campaign.');
/** What happened to a campaign. */
export type CampaignEvent = z.infer<typeof campaignEvent>;

/** A campaign as people see it in a list. */
export const campaignSummary = z
  .object({
    id: z.string().describe('Id, a UUID.'),
    number: z.number().int().describe('Counts campaigns from 1: the newer the higher.'),
    version: z.number().int().describe('Rises with each change; also the ETag.'),
    name: z.string().describe('What people call it.'),
    kind: z.string().describe('What is done: `software`, `configuration`, `keys`, `job`.'),
    phase: campaignPhase,
    createdAt: time,
    createdBy: z.string().describe('Who proposed it.'),
    terminals: z
      .object({
        cohort: count('All.'),
        waiting: count('Not ordered yet.'),
        ordered: count('Ordered and not ended.'),
        done: count('Changed.'),
        failed: count('Failed for good.'),
        retrying: count('Failed and tried again after a pause.'),
        back: count('Brought back; `done` counts them still.'),
      })
      .describe('How many terminals stand where.'),
    ring: z.number().int().describe('The newest ring that is open, from 0.'),
  })
  .describe('A campaign as it stands in a list.');
/** A campaign as people see it in a list. */
export type CampaignSummary = z.infer<typeof campaignSummary>;

/** A campaign with all that is known of it. */
export const campaignDetail = campaignSummary
  .extend({
    spec: campaignSpec,
    approvedBy: z.string().nullable().describe('Who let it begin.'),
    reason: z
      .string()
      .nullable()
      .describe('Why it is paused, aborted or rolled back: a code of the error table, or what a person wrote.'),
    held: cause.nullable().describe('What keeps it from every terminal for now, whatever its phase; null: nothing.'),
    rings: z
      .array(
        z
          .object({
            percent: z.number().describe('How much of the cohort is in this ring and those before it.'),
            state: z.enum(ringStates).describe('How it stands.'),
            size: count('Terminals in this ring alone.'),
            ordered: count('Ordered and not ended.'),
            retrying: count('Failed and tried again after a pause.'),
            done: count('Changed.'),
            failed: count('Failed for good.'),
            back: count('Brought back; `done` counts them still.'),
            openedAt: time.nullable().describe('When it began.'),
            soakUntil: time.nullable().describe('Until when it is watched.'),
          })
          .describe('A ring.'),
      )
      .describe('Rings in their order.'),
    gates: z
      .array(
        z
          .object({
            metric: gateMetric,
            verdict: z.enum(['watching', 'failed']).describe('Whether it failed.'),
            evidence: z.number().describe('Evidence that updated terminals are worse (e-value).'),
            limit: z.number().describe('It fails at so much.'),
            updated: arm('Updated terminals.'),
            control: arm('Others of the same models.'),
          })
          .describe('What one metric came to.'),
      )
      .describe('The sequential test, a metric each.'),
    events: z.array(campaignEvent).describe('What happened, newest first; 100 at most.'),
  })
  .describe('A campaign with all that is known of it.');
/** A campaign with all that is known of it. */
export type CampaignDetail = z.infer<typeof campaignDetail>;

/** A terminal of a campaign that is not where the others are. */
export const campaignException = z
  .object({
    serial: serialSchema,
    state: z.enum(['retrying', 'failed']).describe('`retrying` is ordered again, `failed` is not.'),
    attempts: count('Orders so far.'),
    fault: z.string().nullable().describe('Why the last one failed: a code of the error table.'),
    job: z.string().nullable().describe('Id of the last job.'),
    at: time.describe('When it failed last.'),
    nextAt: time
      .nullable()
      .describe('Not ordered again before this moment; what else it waits for is what "why not?" says.'),
  })
  .describe('A terminal of a campaign that is not where the others are.');
/** A terminal of a campaign that is not where the others are. */
export type CampaignException = z.infer<typeof campaignException>;

/** What a campaign would do, without doing it. */
export const campaignDryRun = z
  .object({
    cohort: count('Terminals that the query finds.'),
    rings: z.array(count('Terminals of the ring.')).describe('How many are in each ring.'),
    sample: z.array(serialSchema).describe('The first 20 of them by serial.'),
    excluded: z
      .array(
        z
          .object({
            why: z.string().describe('The test of the query that did not hold.'),
            terminals: count('How many fall by it.'),
            sample: z.array(serialSchema).describe('The first 5 of them.'),
          })
          .describe('A reason, and whom it keeps out.'),
      )
      .describe('Who is not in it and why, the most first. A terminal counts where it fell first.'),
    waiting: z
      .array(
        z
          .object({ code: z.string().describe('Code of the cause.'), terminals: count('How many would wait for it.') })
          .describe('A cause, and how many would wait for it.'),
      )
      .describe('Who of it could not be ordered right now.'),
  })
  .describe('What a campaign would do, without doing it.');
/** What a campaign would do, without doing it. */
export type CampaignDryRun = z.infer<typeof campaignDryRun>;
