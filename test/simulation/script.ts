import { z } from 'zod';
import { chanceOf } from './random.ts';

const at = z.number().int().nonnegative();
const terminal = z.number().int().min(0).max(7);
const forMs = z.number().int().min(1);
const keepsUnsynced = z.boolean();
const nth = z.number().int().min(1);

/** What happens to the fleet, step by step. All of a run follows from this and its seed: it is what a failure is shrunk to. */
export const step = z.discriminatedUnion('do', [
  // What people do.
  z.object({
    at,
    do: z.literal('order'),
    terminal,
    type: z.string(),
    isUrgent: z.boolean().default(false),
    delayMs: z.number().int().default(0),
  }),
  z.object({ at, do: z.literal('cancel'), order: z.number().int() }),
  z.object({
    at,
    do: z.literal('configure'),
    language: z.enum(['ja', 'en']),
    floorLimitMinor: z.number().int().default(0),
  }),
  // What the world does.
  z.object({ at, do: z.literal('cut-terminal'), terminal, forMs, keepsUnsynced }),
  z.object({ at, do: z.literal('cut-terminal-at-change'), terminal, nth, forMs, keepsUnsynced }),
  z.object({ at, do: z.literal('cut-terminal-at-event'), terminal, event: z.string(), forMs, keepsUnsynced }),
  z.object({ at, do: z.literal('cut-server'), forMs }),
  z.object({ at, do: z.literal('cut-server-at-statement'), nth, forMs }),
  z.object({ at, do: z.literal('line-down'), terminal, forMs }),
  z.object({
    at,
    do: z.literal('line-bad'),
    terminal,
    forMs,
    doubledPercent: z.number().int(),
    latePercent: z.number().int(),
    lateMs: z.number().int(),
  }),
  z.object({ at, do: z.literal('clone'), terminal, forMs }),
  z.object({ at, do: z.literal('step-clock'), of: z.union([terminal, z.literal('server')]), byMs: z.number().int() }),
  z.object({ at, do: z.literal('flash-full'), terminal, forMs }),
  z.object({ at, do: z.literal('tear-downloads'), terminal, forMs, afterBytes: z.number().int() }),
]);
export type Step = z.output<typeof step>;

export const script = z.object({
  seed: z.number().int(),
  terminals: z.number().int().min(1).max(8),
  steps: z.array(step).max(500),
});
export type Script = z.output<typeof script>;

/** Steps happen in the first minute and a half; then the world heals. */
export const troubleMs = 90_000;

/** Kinds of jobs that people order here. */
export const orders = [
  'sale.test',
  'sale.test',
  'payment.run',
  'configuration.apply',
  'software.install',
  'negative.fetch',
  'terminal.diagnose',
  'terminal.test',
  'terminal.reboot',
  'certificate.renew',
  'log.pull',
  'slip.print',
  'terminal.wipe',
] as const;

/** Moments of a job on the terminal, by what its log says: the power is cut at each of them. */
export const terminalMoments = [
  'jobBegun',
  'jobFinished',
  'jobRestarts',
  'certificateRenewed',
  'terminalStarted',
  'linkUp',
  'configurationApplied',
] as const;

/** The script of a seed. */
export function scriptOf(seed: number): Script {
  const chance = chanceOf(seed, 'script');
  const terminals = 2;
  const when = (): number => chance.int(500, troubleMs);
  const which = (): number => chance.int(0, terminals - 1);
  const steps: Step[] = [];
  const ordered = chance.int(4, 9);
  for (let count = 0; count < ordered; count++)
    steps.push({
      at: when(),
      do: 'order',
      terminal: which(),
      type: chance.pick(orders),
      isUrgent: chance.percent(20),
      delayMs: chance.percent(20) ? chance.int(1_000, 20_000) : 0,
    });
  for (let count = chance.int(0, 2); count > 0; count--)
    steps.push({ at: when(), do: 'cancel', order: chance.int(0, ordered - 1) });
  for (let count = chance.int(0, 2); count > 0; count--)
    steps.push({
      at: when(),
      do: 'configure',
      language: chance.pick(['ja', 'en']),
      floorLimitMinor: chance.pick([0, 0, 1_000]),
    });
  const fault = (): Step => {
    const base = { at: when(), terminal: which(), forMs: chance.int(200, 12_000), keepsUnsynced: chance.percent(50) };
    switch (chance.int(0, 11)) {
      case 0:
        return { ...base, do: 'cut-terminal' };
      case 1:
      case 2:
        return { ...base, do: 'cut-terminal-at-change', nth: chance.int(1, 40) };
      case 3:
      case 4:
        return { ...base, do: 'cut-terminal-at-event', event: chance.pick(terminalMoments) };
      case 5:
        return { at: base.at, do: 'cut-server', forMs: base.forMs };
      case 6:
        return { at: base.at, do: 'cut-server-at-statement', nth: chance.int(1, 120), forMs: base.forMs };
      case 7:
        return { at: base.at, do: 'line-down', terminal: base.terminal, forMs: base.forMs };
      case 8:
        return {
          at: base.at,
          do: 'line-bad',
          terminal: base.terminal,
          forMs: base.forMs * 2,
          doubledPercent: chance.int(0, 40),
          latePercent: chance.int(0, 40),
          lateMs: chance.int(100, 9_000),
        };
      case 9:
        return chance.percent(50)
          ? { at: base.at, do: 'clone', terminal: base.terminal, forMs: base.forMs }
          : {
              at: base.at,
              do: 'tear-downloads',
              terminal: base.terminal,
              forMs: base.forMs,
              afterBytes: chance.int(0, 12_000),
            };
      case 10:
        return {
          at: base.at,
          do: 'step-clock',
          of: chance.pick([base.terminal, base.terminal, 'server'] as const),
          byMs: chance.int(-3_600_000, 3_600_000),
        };
      default:
        return { at: base.at, do: 'flash-full', terminal: base.terminal, forMs: base.forMs };
    }
  };
  for (let count = chance.int(2, 9); count > 0; count--) steps.push(fault());
  return { seed, terminals, steps: steps.toSorted((one, other) => one.at - other.at) };
}
