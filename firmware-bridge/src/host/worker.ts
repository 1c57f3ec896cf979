import { parentPort, workerData } from 'node:worker_threads';
import { systemWorld } from '@tsunagu/protocols/world';
import { logLine } from './log-line.ts';
import type { HostSays, WorkerSays, WorkerTask } from './messages.ts';
import { runTerminals } from './terminals.ts';

// The inside of one worker thread. Both ends are this very program, so their messages are typed and not parsed.
if (!parentPort) throw new Error('this file runs as a worker thread');
const host = parentPort;
const tell = (says: WorkerSays): void => host.postMessage(says);
const world = systemWorld((level, event, facts) =>
  tell({ kind: 'log', line: logLine(world.clock.now(), level, event, facts) }),
);
const terminals = runTerminals(world, workerData as WorkerTask, tell);
host.on('message', (says: HostSays) => {
  if (says.kind === 'stop') void terminals.stop(says.serials);
  else host.close();
});
