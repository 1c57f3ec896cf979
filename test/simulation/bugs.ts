import type { Files } from '@tsunagu/firmware-bridge/sealed-store/index';
import { fingerprintOf } from '@tsunagu/fleet-server/identity/index';
import { encodeEnvelope, jobReport, parseEnvelope, parseWith, type UpTopic } from '@tsunagu/protocols/fleet';
import type { InvariantName } from './invariants.ts';
import type { Script, Step } from './script.ts';
import type { Bugs } from './simulate.ts';

/** A bug that is put in by wrapping a port, and the script under which it shows. */
export interface PlantedBug {
  readonly is: string;
  readonly bugs: Bugs;
  readonly script: Script;
}

const script = (...steps: readonly Step[]): Script => ({ seed: 1, terminals: 2, steps: [...steps] });
const order = (at: number, type: string, terminal = 0): Step => ({
  at,
  do: 'order',
  terminal,
  type,
  isUrgent: false,
  delayMs: 0,
});
const cut = (at: number, event: string): Step => ({
  at,
  do: 'cut-terminal-at-event',
  terminal: 0,
  event,
  forMs: 2_000,
  keepsUnsynced: false,
});

/** A medium that says it has written a file, and has not. */
const forgets =
  (name: RegExp) =>
  (files: Files): Files => {
    const kept = new Map<string, Uint8Array>();
    return {
      ...files,
      read: async (wanted) => kept.get(wanted) ?? files.read(wanted),
      write: async (wanted, bytes) =>
        void (name.test(wanted) ? kept.set(wanted, bytes) : await files.write(wanted, bytes)),
      rename: async (from, to) => {
        const bytes = kept.get(from);
        if (!bytes) return files.rename(from, to);
        kept.delete(from);
        kept.set(to, bytes);
        return undefined;
      },
    };
  };

function isProgress(topic: UpTopic, payload: Uint8Array): boolean {
  const message = topic.kind === 'job' ? parseEnvelope(payload) : undefined;
  const report = message?.ok ? parseWith(jobReport, message.value.body) : undefined;
  return report?.ok === true && report.value.state === 'running';
}

/** For every invariant, a bug that only it has to notice. */
export const plantedBugs = {
  commandsTakeEffectOnce: {
    is: 'the ledger of jobs is not on the medium when a job begins',
    // That it runs is told once, and may be lost; the order is offered again then.
    bugs: {
      terminal: { files: forgets(/^jobs\.sealed/) },
      server: { received: (_serial, topic, payload) => (isProgress(topic, payload) ? undefined : payload) },
    },
    script: script(order(20_000, 'sale.test'), cut(19_000, 'jobFinished')),
  },
  noJobIsLost: {
    is: 'the server acknowledges reports and does not write them, and has no clock',
    bugs: {
      server: {
        jobs: (jobs) => ({
          ...jobs,
          report: (serial, id, report) =>
            report.sale ? Promise.resolve({ ok: true, value: undefined }) : jobs.report(serial, id, report),
        }),
        sweeps: false,
      },
    },
    script: script(order(20_000, 'sale.test')),
  },
  effectIffSucceeded: {
    is: 'a job is cancelled at once although the terminal has it',
    bugs: {
      server: {
        jobs: (jobs, store) => ({
          ...jobs,
          async cancel(id) {
            await store.db
              .updateTable('jobs')
              .set({ state: 'cancelled', finished_at: 1 })
              .where('id', '=', id)
              .execute();
            return jobs.job(id);
          },
        }),
      },
    },
    script: script(order(20_000, 'sale.test'), { at: 20_300, do: 'cancel', order: 0 }),
  },
  reportsTellTheEffect: {
    is: 'a report is changed on its way',
    bugs: {
      server: {
        received(_serial, topic, payload) {
          const message = topic.kind === 'job' ? parseEnvelope(payload) : undefined;
          const report = message?.ok ? parseWith(jobReport, message.value.body) : undefined;
          if (!message?.ok || !report?.ok || report.value.document === undefined) return payload;
          return encodeEnvelope({
            ...message.value,
            body: { attempt: report.value.attempt, state: 'failed', fault: 'SALE_FAILED' },
          });
        },
      },
    },
    script: script(order(20_000, 'slip.print')),
  },
  identityIsKept: {
    is: 'a certificate ends when the next one is made, and not when that is shown',
    bugs: {
      server: {
        certificates: (certificates, store) => ({
          ...certificates,
          async renew(serial, presented, request) {
            const renewed = await certificates.renew(serial, presented, request);
            const fingerprint = fingerprintOf(presented);
            await store.db
              .updateTable('certificates')
              .set({ ended_at: 1 })
              .where('fingerprint', '=', fingerprint)
              .execute();
            return renewed;
          },
        }),
      },
    },
    script: script(order(20_000, 'certificate.renew'), {
      at: 19_000,
      do: 'tear-downloads',
      terminal: 0,
      forMs: 5_000,
      afterBytes: 100,
    }),
  },
  noStateIsTorn: {
    is: 'a record is written in its place, and not beside it',
    bugs: {
      terminal: {
        files: (files) => ({
          ...files,
          write: (name, bytes) => files.write(name.replace(/\.new$/, ''), bytes),
          rename: (from, to) => (from === `${to}.new` ? Promise.resolve() : files.rename(from, to)),
        }),
      },
    },
    script: script({
      at: 30_000,
      do: 'cut-terminal-at-change',
      terminal: 0,
      nth: 1,
      forMs: 2_000,
      keepsUnsynced: false,
    }),
  },
  noKeyIsUsedTwice: {
    is: 'the counter of the transaction keys is not on the medium before its key is used',
    bugs: { terminal: { files: (files) => ({ ...files, ...lateCounter(files) }) } },
    script: script({ at: 40_000, do: 'cut-terminal', terminal: 0, forMs: 2_000, keepsUnsynced: false }),
  },
  tillAlwaysSells: {
    is: 'a self-test holds the terminal for good',
    bugs: { terminal: { cardSide: (side) => ({ ...side, checkReaders: () => new Promise(() => undefined) }) } },
    script: script(order(20_000, 'terminal.test')),
  },
  queuesAreBounded: {
    is: 'the logs that were uploaded stay on the medium',
    bugs: {
      terminal: {
        files: (files) => ({
          ...files,
          remove: (name) => (name.startsWith('log-') ? Promise.resolve() : files.remove(name)),
        }),
      },
    },
    script: script(order(20_000, 'log.pull'), order(30_000, 'log.pull')),
  },
  wipedIsEmpty: {
    is: 'the medium does not tell of all its files',
    bugs: {
      terminal: {
        files: (files) => ({
          ...files,
          list: async () => (await files.list()).filter((name) => !name.startsWith('configuration')),
        }),
      },
    },
    script: script(order(20_000, 'terminal.wipe')),
  },
  nothingIsThrown: {
    is: 'a reader throws',
    bugs: { terminal: { cardSide: (side) => ({ ...side, checkReaders: () => Promise.reject(new Error('planted')) }) } },
    script: script(order(20_000, 'terminal.test')),
  },
} as const satisfies Record<InvariantName, PlantedBug>;

/** Writes of the counter come to the medium one write late. */
function lateCounter(files: Files): Partial<Files> {
  const inMemory = new Map<string, Uint8Array>();
  let writes = 0;
  return {
    read: async (name) => inMemory.get(name) ?? files.read(name),
    async write(name, bytes) {
      if (!name.startsWith('key-dukpt')) return files.write(name, bytes);
      writes += 1;
      // The load of the key is written; what follows from its use is not.
      if (writes === 1) return files.write(name, bytes);
      inMemory.set(name.replace(/\.new$/, ''), bytes);
      return undefined;
    },
    rename: (from, to) =>
      from.startsWith('key-dukpt') && inMemory.has(to) ? Promise.resolve() : files.rename(from, to),
  };
}
