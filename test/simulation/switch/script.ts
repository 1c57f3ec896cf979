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
]);
export type Step = z.infer<typeof step>;

export const script = z.strictObject({ seed: z.number().int().min(0), steps: z.array(step).max(200) });
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
  return { seed, steps: steps.toSorted((one, other) => one.at - other.at) };
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
