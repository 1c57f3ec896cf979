import { Coverage } from './coverage.ts';
import { minimise } from './minimise.ts';
import { type Draw, drawing, mutate } from './mutate.ts';
import { type Bound, BrokenContract, must, type Target } from './target.ts';

/** An input that broke the contract. */
export interface Find {
  readonly input: Uint8Array;
  /** Of what happened; equal for inputs that meet the same fault. */
  readonly signature: string;
  readonly message: string;
}

export interface FuzzReport {
  readonly executions: number;
  /** Inputs that gave a value. */
  readonly accepted: number;
  readonly corpus: number;
  readonly reached: number;
  readonly total: number;
  /** The most work and memory that any input took, for each byte of it (of 64 at least). */
  readonly workPerByte: number;
  readonly memoryPerByte: number;
  readonly finds: readonly Find[];
}

export interface FuzzOptions {
  readonly seed: number;
  /** Counters of the instrumented code, and bytes of arrays asked for since the last look. */
  readonly counters: Uint32Array;
  readonly takeAllocated: () => number;
  /** Numbers that the code compares with. */
  readonly constants: readonly number[];
  /** Asked before each execution with its number and input; false ends the run. */
  readonly goOn: (executions: number, input: Uint8Array) => boolean;
  /** Without it, inputs are changed blindly and none is kept: what guidance is measured against. */
  readonly isGuided?: boolean;
  /** How many kinds of fault end the run. */
  readonly findsMax?: number;
}

const defaults = {
  work: { base: 60_000, perByte: 1_500 },
  memory: { base: 1 << 18, perByte: 4_096 },
  lengthMax: 4_096,
};

const limit = ({ base, perByte }: Bound, lengthBytes: number): number => base + perByte * lengthBytes;

/** The kind of a fault: its message without figures, and where it was thrown. */
function signatureOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const at = error instanceof BrokenContract ? '' : (/at (\S+) \(/.exec(error.stack ?? '')?.[1] ?? '');
  return `${error.name}: ${error.message.replaceAll(/\d+/g, '#').slice(0, 120)} ${at}`.trim();
}

/** One execution of a target under its bounds; undefined, or the fault. */
function execute(target: Target, input: Uint8Array, coverage: Coverage, takeAllocated: () => number): Execution {
  let failure: unknown;
  let isAccepted = false;
  takeAllocated();
  try {
    isAccepted = target.run(input.slice());
  } catch (error) {
    failure = error ?? new Error('nothing was thrown');
  }
  const memory = takeAllocated();
  const { isNew, work } = coverage.look();
  try {
    if (failure === undefined) {
      must(
        work <= limit(target.work ?? defaults.work, input.length),
        `too much work: ${work} for ${input.length} bytes`,
      );
      must(
        memory <= limit(target.memory ?? defaults.memory, input.length),
        `too much memory: ${memory} for ${input.length} bytes`,
      );
    }
  } catch (error) {
    failure = error;
  }
  return { isNew, isAccepted, work, memory, failure };
}

interface Execution {
  readonly isNew: boolean;
  readonly isAccepted: boolean;
  readonly work: number;
  readonly memory: number;
  readonly failure: unknown;
}

interface Entry {
  readonly input: Uint8Array;
  picks: number;
}

/** Of three inputs drawn the one that was picked least, so that what is new gets its turns. */
function pick(corpus: readonly Entry[], draw: Draw): Entry | undefined {
  const drawn = [
    corpus[draw(corpus.length)],
    corpus[draw(corpus.length)],
    corpus.at(-1 - draw(Math.min(corpus.length, 8))),
  ];
  const chosen = drawn.reduce((least, next) => (next && (!least || next.picks < least.picks) ? next : least));
  if (chosen) chosen.picks += 1;
  return chosen;
}

/** Executes one input, as a crasher is replayed: the fault, or nothing. */
export function replay(
  target: Target,
  input: Uint8Array,
  options: Pick<FuzzOptions, 'counters' | 'takeAllocated'>,
): unknown {
  return execute(target, input, new Coverage(options.counters), options.takeAllocated).failure;
}

/**
 * Fuzzes a target: starts from its seeds, changes what it has, and keeps each input that makes code run which did not
 * run before, or more often. Inputs that break the contract are made small and reported once for each kind of fault.
 */
export function fuzz(
  target: Target,
  { seed, counters, constants, takeAllocated, goOn, isGuided = true, findsMax = 8 }: FuzzOptions,
): FuzzReport {
  const coverage = new Coverage(counters);
  const draw = drawing(seed);
  const corpus: Entry[] = [];
  const finds = new Map<string, Find>();
  let executions = 0;
  let accepted = 0;
  let workPerByte = 0;
  let memoryPerByte = 0;
  coverage.look();
  const attempt = (input: Uint8Array, isSeed: boolean): boolean => {
    if (!goOn(executions, input)) return false;
    executions += 1;
    const run = execute(target, input, coverage, takeAllocated);
    if (run.isAccepted) accepted += 1;
    workPerByte = Math.max(workPerByte, run.work / Math.max(64, input.length));
    memoryPerByte = Math.max(memoryPerByte, run.memory / Math.max(64, input.length));
    if (run.failure === undefined) {
      if (isSeed || (isGuided && run.isNew)) corpus.push({ input, picks: 0 });
      return true;
    }
    const signature = signatureOf(run.failure);
    if (finds.has(signature)) return true;
    const small = minimise(input, (smaller) => {
      const { failure } = execute(target, smaller, coverage, takeAllocated);
      return failure !== undefined && signatureOf(failure) === signature;
    });
    finds.set(signature, { input: small, signature, message: String(run.failure) });
    return finds.size < findsMax;
  };
  let isOn = [new Uint8Array(0), ...target.seeds()].every((input) => attempt(new Uint8Array(input), true));
  const others = {
    tokens: target.tokens ?? [Uint8Array.of(0)],
    constants,
    other: (): Uint8Array => corpus[draw(corpus.length)]?.input ?? new Uint8Array(0),
    lengthMax: target.lengthMax ?? defaults.lengthMax,
  };
  while (isOn) isOn = attempt(mutate(pick(corpus, draw)?.input ?? new Uint8Array(0), draw, others), false);
  const { reached, total } = coverage;
  return {
    executions,
    accepted,
    corpus: corpus.length,
    reached,
    total,
    workPerByte,
    memoryPerByte,
    finds: [...finds.values()],
  };
}
