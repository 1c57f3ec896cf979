import { type World } from '@tsunagu/protocols/world';
import { startTerminal, type Terminal } from '../agent/index.ts';
import { openCardSide } from '../payment/index.ts';
import { folderFiles } from '../sealed-store/index.ts';
import type { WorkerSays, WorkerTask } from './messages.ts';

/** The terminals of one thread. They share the thread and nothing else. */
export interface RunningTerminals {
  stop(serials: readonly string[]): Promise<void>;
}

/** Starts the terminals of a task, one after the other, and tells how each fares. */
export function runTerminals(world: World, task: WorkerTask, tell: (says: WorkerSays) => void): RunningTerminals {
  const running = new Map<string, Promise<Terminal | undefined>>();
  for (const { serial, folder, relay } of task.plans) {
    const started = (async (): Promise<Terminal | undefined> => {
      const terminal = await startTerminal({
        world,
        files: await folderFiles(folder),
        openCardSide,
        shopper: { seed: task.seed, meanSeconds: task.saleEverySeconds },
        ...(relay && { relay }),
      });
      if (terminal.ok) return terminal.value;
      const { code, facts } = terminal.fault;
      world.log('error', 'terminalNotStarted', { serial, fault: terminal.fault });
      tell({ kind: 'failed', serial, code, facts: { serial, ...facts } });
      return undefined;
    })();
    running.set(serial, started);
    void started
      .then(async (terminal) => {
        const connected = await terminal?.connected;
        if (connected?.ok) tell({ kind: 'connected', serial });
        else if (connected && connected.fault.code !== 'LINK_DOWN')
          tell({ kind: 'failed', serial, code: connected.fault.code, facts: { serial } });
      })
      .catch((error: unknown) => {
        world.log('error', 'terminalFailed', { serial, message: String(error) });
        tell({ kind: 'failed', serial, code: 'PROCESS_DIED', facts: { serial } });
      });
  }
  return {
    async stop(serials) {
      await Promise.all(
        serials.map(async (serial) => {
          const terminal = await running.get(serial)?.catch(() => undefined);
          await terminal?.stop();
          running.delete(serial);
          tell({ kind: 'stopped', serial });
        }),
      );
    },
  };
}
