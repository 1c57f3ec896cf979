import type { Job, TestSale } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Client } from '../client/index.ts';

const finished = new Set(['succeeded', 'failed', 'timed-out', 'cancelled']);
const waitMs = 60_000;
const pollMs = 1_000;

/** Starts a test sale and follows it to its end. */
export const runTestSale = (
  world: World,
  client: Client,
  serial: string,
  sale: TestSale,
  onChange: (job: Job) => void,
): Promise<Result<Job>> => runJob(world, client, () => client.startTestSale(serial, sale), onChange);

/**
 * Starts a job and follows it to its end. Live events carry the steps; a slow poll makes up for a lost event.
 * @param onChange called with every newer state of the job
 */
export async function runJob(
  world: World,
  client: Client,
  start: () => Promise<Result<Job>>,
  onChange: (job: Job) => void,
  deadlineMs = waitMs,
): Promise<Result<Job>> {
  const started = await start();
  if (!started.ok) return started;
  const { id } = started.value;
  let newest = started.value;
  onChange(newest);
  return new Promise((resolve) => {
    const stream = client.live({ on: { job: (job) => job.id === id && take(job) } });
    const deadline = world.timers.after(deadlineMs, () => end(fail('WAIT_TOO_LONG', { facts: { job: id } })));
    const poll = world.timers.every(
      pollMs,
      () => void client.job(id).then((answer) => answer.ok && take(answer.value)),
    );
    function take(job: Job): void {
      if (finished.has(newest.state) || job.steps.length < newest.steps.length) return;
      newest = job;
      onChange(job);
      if (finished.has(job.state)) end(ok(job));
    }
    function end(result: Result<Job>): void {
      stream.close();
      deadline.cancel();
      poll.cancel();
      resolve(result);
    }
  });
}
