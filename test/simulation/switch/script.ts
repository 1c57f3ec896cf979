import { cardCompanyLink } from '@tsunagu/protocols/acquiring';
import { z } from 'zod';
import { chanceOf } from '../random.ts';

/** How long there is trouble, milliseconds of virtual time; afterwards everything works. */
export const troubleMs = 60_000;
export const terminals = 3;

const at = z.number().int().min(0).max(troubleMs);
const forMs = z.number().int().min(1).max(troubleMs);
const percent = z.number().int().min(0).max(100);

/** What people do at tills, and what the world does to the switch. */
export const step = z.discriminatedUnion('do', [
  z.strictObject({
    at,
    do: z.literal('sell'),
    terminal: z
      .number()
      .int()
      .min(0)
      .max(terminals - 1),
    /** `charge` puts money onto the one prepaid card, `spend` pays with it. */
    operation: z.enum(['sale', 'offlineSale', 'offlineAuthorisation', 'charge', 'spend']),
    /** Names it, too: no two have the same. */
    amountMinor: z.number().int().min(1).max(999_999),
    /** What the terminal does when no answer comes: asks again first, or reverses at once. */
    repeats: z.boolean(),
    /** The customer changes his mind so long after the answer; the terminal takes the sale back. */
    cancelsAfterMs: z.number().int().min(0).max(troubleMs).nullable(),
    /** Whether the cardholder pays in the own currency, where it is offered. */
    dcc: z.boolean().default(false),
  }),
  /** Power fails right before, within, or right after the n-th statement from here; within a COMMIT the last record of the log is torn. */
  z.strictObject({
    at,
    do: z.literal('cut-at-statement'),
    nth: z.number().int().min(1).max(400),
    moment: z.enum(['before', 'torn', 'after']),
    forMs,
  }),
  z.strictObject({ at, do: z.literal('cut'), forMs }),
  /** Writes fail: no room, or a flush that the disk refuses; what was to be kept then is kept, or not. */
  z.strictObject({ at, do: z.literal('disk-fails'), how: z.enum(['full', 'fsync-lost', 'fsync-kept']), forMs }),
  z.strictObject({ at, do: z.literal('step-clock'), byMs: z.number().int().min(-90_000_000).max(90_000_000) }),
  /** The issuer is gone: connections break, or (silent) stay and carry nothing. */
  z.strictObject({ at, do: z.literal('partition'), of: z.enum(['issuer', 'terminals']), isSilent: z.boolean(), forMs }),
  z.strictObject({
    at,
    do: z.literal('bad-line'),
    of: z.enum(['issuer', 'terminals']),
    lostPercent: percent,
    doubledPercent: percent,
    latePercent: percent,
    forMs,
  }),
  /** Another node takes over while this one still believes that it works. */
  z.strictObject({ at, do: z.literal('take-over'), forMs }),
  /** The issuer takes no advice: it says so, or (silent) says nothing. */
  z.strictObject({ at, do: z.literal('advices-refused'), isSilent: z.boolean(), forMs }),
  /** What is written takes its time: so long at most until it is on the disk, and until that is told. */
  z.strictObject({ at, do: z.literal('disk-slow'), mostMs: z.number().int().min(1).max(1_000), forMs }),
  /** The connections to the issuer break and are there again: it is signed on anew. */
  z.strictObject({ at, do: z.literal('sign-on') }),
  /** A person looks at the dead letters until there is one, and does something about it. */
  z.strictObject({
    at,
    do: z.literal('look'),
    /** `both`: two people at once. */
    does: z.enum(['settle', 'retry', 'retry-and-settle', 'both']),
    /** Of which node they ask: of the one that serves, or of the oldest that still believes that it does. */
    of: z.enum(['serving', 'oldest']),
    /** Which of the letters. */
    place: z.number().int().min(0).max(100),
    /** They act at once, once the line is signed on anew, or right before that; and then at the n-th statement. */
    when: z.enum(['now', 'before-sign-on', 'at-sign-on']),
    nth: z.number().int().min(0).max(400),
  }),
]);
export type Step = z.infer<typeof step>;

export const script = z.strictObject({
  seed: z.number().int().min(0),
  /** After how many attempts an advice is a dead letter. */
  manualAfter: z.number().int().min(1).max(1_000).default(cardCompanyLink.profile.timers.storeAndForward.manualAfter),
  steps: z.array(step).max(200),
});
export type Script = z.infer<typeof script>;

/** The script of a seed: some sales, and two to five troubles. */
export function scriptOf(seed: number): Script {
  const chance = chanceOf(seed, 'switch script');
  const steps: Step[] = [];
  const sales = chance.int(6, 12);
  for (let index = 0; index < sales; index += 1)
    steps.push({
      at: chance.int(1_000, troubleMs - 10_000),
      do: 'sell',
      terminal: chance.int(0, terminals - 1),
      operation: chance.percent(75) ? 'sale' : chance.pick(['offlineSale', 'offlineAuthorisation']),
      amountMinor: 1_000 + index * 100 + chance.int(0, 99),
      repeats: chance.percent(50),
      cancelsAfterMs: chance.percent(20) ? chance.int(0, 20_000) : null,
      dcc: chance.percent(30),
    });
  steps.push(...prepaidOf(seed));
  const troubles = chance.int(2, 5);
  for (let index = 0; index < troubles; index += 1) steps.push(troubleOf(chance));
  const byHand = byHandOf(seed);
  steps.push(...byHand.steps);
  return script.parse({ ...byHand, seed, steps: steps.toSorted((one, other) => one.at - other.at) });
}

/** In three runs of four an issuer does not take advices for a while, and people see to what is left of that; drawn beside the rest, so that this stays as it was. */
function byHandOf(seed: number): { manualAfter?: number; steps: readonly Step[] } {
  const chance = chanceOf(seed, 'switch by hand');
  if (chance.percent(25)) return { steps: [] };
  const steps: Step[] = [];
  const several = (most: number, make: () => Step): void => {
    for (let left = chance.int(1, most); left > 0; left -= 1) steps.push(make());
  };
  let index = 0;
  several(2, () => {
    const refused = chance.int(1_000, troubleMs - 15_000);
    // Something is to be told to the issuer meanwhile.
    several(3, () => {
      index += 1;
      const isOffline = chance.percent(50);
      return {
        at: refused + chance.int(0, 8_000),
        do: 'sell',
        terminal: chance.int(0, terminals - 1),
        operation: isOffline ? 'offlineSale' : 'sale',
        amountMinor: 7_000 + index * 100 + chance.int(0, 99),
        repeats: chance.percent(50),
        cancelsAfterMs: isOffline ? null : chance.int(0, 5_000),
        dcc: false,
      };
    });
    return { at: refused, do: 'advices-refused', isSilent: chance.percent(40), forMs: chance.int(8_000, 40_000) };
  });
  if (chance.percent(70))
    steps.push({
      at: chance.int(0, troubleMs - 10_000),
      do: 'disk-slow',
      mostMs: chance.int(2, 60),
      forMs: chance.int(10_000, troubleMs),
    });
  several(3, () => ({ at: chance.int(5_000, troubleMs - 1_000), do: 'sign-on' }));
  several(5, () => ({
    at: chance.int(2_000, troubleMs - 1_000),
    do: 'look',
    does: chance.pick(['settle', 'settle', 'retry', 'retry-and-settle', 'both']),
    of: chance.percent(80) ? 'serving' : 'oldest',
    place: chance.int(0, 9),
    when: chance.pick(['now', 'before-sign-on', 'at-sign-on', 'at-sign-on']),
    nth: chance.percent(75) ? chance.int(0, 60) : 0,
  }));
  return { manualAfter: chance.int(1, 3), steps };
}

/** Money goes onto the prepaid card, is spent in part meanwhile, and a person wants it back; drawn beside the rest, so that this stays as it was. */
function prepaidOf(seed: number): Step[] {
  const chance = chanceOf(seed, 'switch prepaid');
  const steps: Step[] = [];
  const charges = chance.int(0, 3);
  for (let index = 0; index < charges; index += 1) {
    const at = chance.int(1_000, troubleMs - 20_000);
    const cancelsAfterMs = chance.int(0, 15_000);
    const sell = { do: 'sell', repeats: chance.percent(50), dcc: false } as const;
    const amountMinor = 5_000 + index * 100 + chance.int(0, 99);
    const till = () => chance.int(0, terminals - 1);
    steps.push({ ...sell, at, terminal: till(), operation: 'charge', amountMinor, cancelsAfterMs });
    if (chance.percent(60))
      steps.push({
        ...sell,
        at: at + chance.int(1_000, 18_000),
        terminal: till(),
        operation: 'spend',
        amountMinor: 3_000 + index * 100 + chance.int(0, 99),
        cancelsAfterMs: chance.percent(10) ? chance.int(0, 10_000) : null,
      });
  }
  return steps;
}

function troubleOf(chance: ReturnType<typeof chanceOf>): Step {
  const when = chance.int(500, troubleMs - 5_000);
  const forMs = chance.int(200, 15_000);
  const of = chance.percent(65) ? ('issuer' as const) : ('terminals' as const);
  switch (chance.int(0, 8)) {
    case 0:
    case 1:
    case 2:
      return {
        at: when,
        do: 'cut-at-statement',
        nth: chance.int(1, 60),
        moment: chance.pick(['before', 'torn', 'after']),
        forMs,
      };
    case 3:
      return { at: when, do: 'cut', forMs };
    case 4:
      return { at: when, do: 'disk-fails', how: chance.pick(['full', 'fsync-lost', 'fsync-kept']), forMs };
    case 5:
      return { at: when, do: 'step-clock', byMs: chance.int(-90_000_000, 90_000_000) };
    case 6:
      return { at: when, do: 'partition', of, isSilent: chance.percent(50), forMs };
    case 7:
      return {
        at: when,
        do: 'bad-line',
        of,
        lostPercent: chance.int(0, 40),
        doubledPercent: chance.int(0, 40),
        latePercent: chance.int(0, 40),
        forMs,
      };
    default:
      return { at: when, do: 'take-over', forMs };
  }
}
