import { Worker } from 'node:worker_threads';
import type { Find } from './engine.ts';
import { type Assignment, type Outcome, sharedInputMax } from './worker.ts';

/** How long an input may take. */
const silentDefaultMs = 10_000;
const heapMaxMb = 512;

/** What is kept of a worker that hung or died: the input that it was at. */
export interface Lost {
  readonly executions: number;
  readonly find: Find;
}

/**
 * Runs a target in a thread of its own and watches it: an input that takes ten seconds is a hang, one that fills half a
 * gigabyte of heap ends the thread, and both are finds.
 */
export function runTarget(
  bundlePath: string,
  assignment: Omit<Assignment, 'shared'>,
  silentMaxMs = silentDefaultMs,
): Promise<Outcome | Lost> {
  const shared = new SharedArrayBuffer(8 + sharedInputMax);
  const counts = new Int32Array(shared, 0, 2);
  const lost = (signature: string): Lost => {
    const [executions = 0, length = 0] = counts;
    const input = Uint8Array.from(new Uint8Array(shared, 8, Math.min(length, sharedInputMax)));
    return { executions, find: { input, signature, message: signature } };
  };
  return new Promise((resolve) => {
    const worker = new Worker(bundlePath, {
      workerData: { ...assignment, shared },
      resourceLimits: { maxOldGenerationSizeMb: heapMaxMb },
      execArgv: [],
    });
    let last = -1;
    const watch = setInterval(() => {
      if (counts[0] === last && last > 0) end(lost(`hangs: no end within ${silentMaxMs / 1000} s`));
      last = counts[0] ?? 0;
    }, silentMaxMs);
    const end = (outcome: Outcome | Lost): void => {
      clearInterval(watch);
      void worker.terminate();
      resolve(outcome);
    };
    worker.once('message', end).once('error', (error) => end(lost(`the thread died: ${error.message}`)));
  });
}

/** Executes one crasher under all bounds; the fault, or undefined. */
export function replayTarget(bundlePath: string, target: string, path: string): Promise<string | undefined> {
  const assignment = { target, seed: 0, executionsMax: 1, forMs: 0, isGuided: true, findsMax: 1, replay: path };
  return new Promise((resolve, reject) => {
    new Worker(bundlePath, { workerData: assignment, execArgv: [] }).once('message', resolve).once('error', reject);
  });
}
