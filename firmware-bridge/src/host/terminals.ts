import { dirname, join } from 'node:path';
import { type Fault, fail } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { startTerminal, type Terminal } from '../agent/index.ts';
import { folderWallet } from '../cards/index.ts';
import type { Vitals } from '../jobs/index.ts';
import { TerminalCardSide } from '../payment/index.ts';
import { openEmulatedStation } from '../readers/station.ts';
import { folderFiles } from '../sealed-store/index.ts';
import type { Unwell, WorkerSays, WorkerTask } from './messages.ts';
import { ReaderCables } from './reader-cables.ts';
import { watchServiceMenu } from './service-menu.ts';
import { watchCarriedJobs } from './carried-jobs.ts';
import { watchTamperSwitch } from './tamper-switch.ts';
import { lockTerminal } from './terminal-lock.ts';

/** The terminals of one thread. They share the thread and nothing else. */
export interface RunningTerminals {
  stop(serials: readonly string[]): Promise<void>;
}

/** Terminals of one thread that may be on their way to their first connection at a time: a fleet that boots as one is a storm. */
const startingMax = 2;
/** A terminal that is not connected by then waits for its server: the next one may start. */
const startingMs = 5_000;

/** Starts the terminals of a task, a few at a time, and tells how each fares. */
export function runTerminals(world: World, task: WorkerTask, tell: (says: WorkerSays) => void): RunningTerminals {
  const running = new Map<string, Promise<Terminal | undefined>>();
  const ending = new AbortController();
  const places = Array.from({ length: startingMax }, () => Promise.resolve());
  for (const [index, { serial, folder, relay, readers }] of task.plans.entries()) {
    const place = index % startingMax;
    const started = (places[place] ?? Promise.resolve()).then(async (): Promise<Terminal | undefined> => {
      if (ending.signal.aborted) return undefined;
      const lock = lockTerminal(folder);
      if (!lock.ok) return notStarted(serial, lock.fault);
      // The cards of a house lie beside its terminals: whoever holds one has it alone.
      const wallet = join(dirname(folder), 'cards');
      const cables = readers === undefined ? new ReaderCables() : undefined;
      const terminal = await startTerminal({
        world,
        files: await folderFiles(folder),
        openCardSide: (options) => {
          const station = cables && openEmulatedStation(options.world, options.model);
          if (station) cables?.attach(station);
          return TerminalCardSide.open({ ...options, wallet: folderWallet(wallet, world.clock), readers }, station);
        },
        vitals,
        shopper: { seed: task.seed, meanSeconds: task.saleEverySeconds },
        ...(relay && { relay }),
        refused: (fault) => tell({ kind: 'refused', ...unwell(serial, fault) }),
      }).catch((cause: unknown) => fail('INTERNAL', { cause }));
      if (!terminal.ok) {
        lock.value();
        return notStarted(serial, terminal.fault);
      }
      // A signal of its own: on that of the thread the watches of all its terminals would pile up.
      const watching = new AbortController();
      watchTamperSwitch(world, folder, terminal.value, watching.signal);
      watchCarriedJobs(world, folder, terminal.value, watching.signal);
      watchServiceMenu(world, folder, terminal.value, watching.signal);
      cables?.watch(world, folder, watching.signal);
      return {
        ...terminal.value,
        async stop() {
          watching.abort();
          await terminal.value.stop();
          lock.value();
        },
      };
    });
    places[place] = started.then(async (terminal) => {
      const arrived = new AbortController();
      const signal = AbortSignal.any([ending.signal, arrived.signal]);
      await Promise.race([terminal?.connected, world.timers.sleep(startingMs, signal)]).catch(noop);
      arrived.abort();
    }, noop);
    running.set(serial, started);
    void started
      .then(async (terminal) => {
        const connected = await terminal?.connected;
        if (connected?.ok) tell({ kind: 'connected', serial });
        else if (connected && connected.fault.code !== 'LINK_DOWN') notStarted(serial, connected.fault);
      })
      .catch((cause: unknown) => notStarted(serial, { code: 'INTERNAL', cause }));
  }
  function notStarted(serial: string, fault: Fault): undefined {
    world.log('error', 'terminalNotStarted', { serial, fault });
    tell({ kind: 'failed', ...unwell(serial, fault) });
  }
  return {
    async stop(serials) {
      ending.abort(new Error('stopped'));
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

/** Of a damaged record its name is what helps; of a refusal, what the server said. */
function unwell(serial: string, { code, field, facts, cause }: Fault): Unwell {
  const said = cause instanceof Error ? { said: cause.message.slice(0, 120) } : {};
  return { serial, code, facts: { ...(field !== undefined && { record: String(field) }), ...facts, ...said } };
}

/** What this process says of itself; an emulated terminal has no thermometer. */
const vitals = (): Vitals => {
  const { rss, heapUsed } = process.memoryUsage();
  return { memory: { residentBytes: rss, heapBytes: heapUsed }, temperatureMilliC: null };
};

const noop = (): void => undefined;
