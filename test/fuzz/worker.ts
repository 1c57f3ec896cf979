import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { type FuzzReport, fuzz, replay } from './engine.ts';
import type { Target } from './target.ts';

/** What a worker is told. */
export interface Assignment {
  readonly target: string;
  readonly seed: number;
  readonly executionsMax: number;
  readonly forMs: number;
  readonly isGuided: boolean;
  readonly findsMax: number;
  /** A crasher to execute once instead. */
  readonly replay?: string;
  /** Executions, length of the input under way, its bytes: what is left to read where the worker hangs or dies. */
  readonly shared: SharedArrayBuffer;
}

export type Outcome = FuzzReport & { readonly elapsedMs: number };

/** Bytes of the input that a worker keeps in view. */
export const sharedInputMax = 1 << 17;

declare global {
  var fuzzCounters: Uint32Array;
  var fuzzConstants: readonly number[];
}

/** Counts the bytes of the arrays that are asked for, however the sources do it. */
function countAllocations(): () => number {
  let bytes = 0;
  const asked = (what: unknown): void => {
    if (typeof what === 'number') bytes += what;
    else if (typeof what === 'object' && what !== null && 'length' in what && typeof what.length === 'number')
      bytes += what.length;
  };
  globalThis.Uint8Array = new Proxy(Uint8Array, {
    construct(target, args, newTarget) {
      if (!(args[0] instanceof ArrayBuffer)) asked(args[0]);
      return Reflect.construct(target, args, newTarget);
    },
  });
  const { alloc, allocUnsafe, concat } = Buffer;
  Buffer.alloc = (size, ...rest) => (asked(size), alloc(size, ...rest));
  Buffer.allocUnsafe = (size) => (asked(size), allocUnsafe(size));
  Buffer.concat = (list, total) => {
    for (const part of list) asked(part);
    return concat(list, total);
  };
  return () => {
    const taken = bytes;
    bytes = 0;
    return taken;
  };
}

/** Runs one target in a worker thread and posts what came of it. */
export function work(targets: readonly Target[]): void {
  const assignment: Assignment = workerData;
  const target = targets.find(({ name }) => name === assignment.target);
  if (!target) throw new Error(`no target ${assignment.target}`);
  const options = {
    counters: globalThis.fuzzCounters,
    constants: globalThis.fuzzConstants,
    takeAllocated: countAllocations(),
  };
  if (assignment.replay !== undefined) {
    const failure = replay(target, Uint8Array.from(readFileSync(assignment.replay)), options);
    parentPort?.postMessage(
      failure === undefined ? undefined : String(failure instanceof Error ? failure.stack : failure),
    );
    return;
  }
  const counts = new Int32Array(assignment.shared, 0, 2);
  const view = Buffer.from(assignment.shared, 8);
  const start = performance.now();
  const report = fuzz(target, {
    seed: assignment.seed,
    isGuided: assignment.isGuided,
    findsMax: assignment.findsMax,
    ...options,
    goOn(executions, input) {
      counts[0] = executions;
      counts[1] = input.length;
      view.set(input.subarray(0, sharedInputMax));
      return (
        executions < assignment.executionsMax && (executions % 16 !== 0 || performance.now() - start < assignment.forMs)
      );
    },
  });
  const outcome: Outcome = { ...report, elapsedMs: performance.now() - start };
  parentPort?.postMessage(outcome);
}
