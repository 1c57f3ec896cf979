import { createHash, X509Certificate } from 'node:crypto';
import { identityRecord } from '@tsunagu/firmware-bridge/enrolment/index';
import type { LedgerEntry } from '@tsunagu/firmware-bridge/jobs/index';
import { openLedger } from '@tsunagu/firmware-bridge/jobs/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { type Job, type JobBody, jobBody, parseWith, type Serial } from '@tsunagu/protocols/fleet';
import type { LogFacts, LogLevel } from '@tsunagu/protocols/world';
import { digestOf, type Fixture, fixture } from './fixture.ts';
import { goodLine } from './link.ts';
import { chanceOf } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { type Script, type Step, troubleMs } from './script.ts';
import { type Rooms, SimulatedServer, type ServerBugs } from './server.ts';
import { SimulatedTerminal, type TerminalBugs } from './terminal.ts';
import { SimulatedWorld } from './world.ts';

/** Bugs that are put in on purpose, by wrapping ports. */
export interface Bugs {
  readonly terminal?: TerminalBugs;
  readonly server?: ServerBugs;
}

/** What a run left behind: invariants look at nothing else. */
export interface Run {
  readonly script: Script;
  readonly terminals: readonly SimulatedTerminal[];
  /** Every job, as the server has it at the end. */
  readonly jobs: readonly Job[];
  /** Jobs that were ordered, by id, and what they were to do. */
  readonly ordered: ReadonlyMap<string, JobBody>;
  /** The log of a wiped terminal's life is short: what its ledger still holds at the end. */
  readonly ledgers: ReadonlyMap<Serial, readonly LedgerEntry[]>;
  /** Logs at the server that are whole, by job. */
  readonly logs: ReadonlyMap<string, boolean>;
  /** Whether the identity on each terminal's medium is let in at the end, and how many certificates it was given after its first. */
  readonly identities: ReadonlyMap<Serial, { readonly refused: ErrorCode | undefined; readonly renewed: number }>;
  readonly openHighest: number;
  /** What the logs said, in order. */
  readonly trace: readonly string[];
  /** SHA-256 of the trace: two runs of one script have the same. */
  readonly hash: string;
  /** Exceptions that nobody took. */
  readonly thrown: readonly string[];
  readonly endedMs: number;
  readonly statements: number;
}

/** When a run that has not become quiet is given up; later by as much as the server's clock was set back, since what was not to be before a time waits for it again. */
const patienceMs = ({ steps }: Script): number =>
  steps.reduce(
    (sum, step) => (step.do === 'step-clock' && step.of === 'server' ? sum + Math.max(0, -step.byMs) : sum),
    45 * 60_000,
  );

/** Runs a script to its end: the troubles, then a world in which everything works, until nothing is left to do. */
export async function simulate(script: Script, bugs: Bugs = {}): Promise<Run> {
  const shared = await fixture();
  return await new Simulation(script, shared, bugs).run();
}

class Simulation {
  readonly #script: Script;
  readonly #scheduler = new Scheduler();
  readonly #trace: string[] = [];
  readonly #thrown: string[] = [];
  readonly #server: SimulatedServer;
  readonly #terminals: readonly SimulatedTerminal[];
  readonly #database: ReturnType<Fixture['database']>;
  readonly #fixture: Fixture;
  readonly #ordered = new Map<string, JobBody>();
  readonly #order: (string | undefined)[] = [];
  readonly #approving = new Set<string>();
  #openHighest = 0;

  constructor(script: Script, shared: Fixture, bugs: Bugs) {
    this.#script = script;
    this.#fixture = shared;
    this.#database = shared.database();
    const scheduler = this.#scheduler;
    this.#server = new SimulatedServer(
      scheduler,
      shared,
      script.seed,
      this.#database.path,
      this.#sink('server'),
      bugs.server ?? {},
    );
    this.#terminals = shared.terminals
      .slice(0, script.terminals)
      .map(
        (enrolled) =>
          new SimulatedTerminal(
            enrolled,
            { scheduler, fixture: shared, server: this.#server },
            script.seed,
            this.#sink(enrolled.serial),
            bugs.terminal ?? {},
          ),
      );
  }

  #sink =
    (who: string) =>
    (_level: LogLevel, event: string, facts: LogFacts): void => {
      // Signatures of ECDSA are of chance, and so is what a certificate is known by: no seed has it.
      const shown = Object.entries(facts)
        .filter(([name]) => name !== 'fingerprint')
        .map(([name, value]) => `${name}=${textOf(value)}`);
      this.#trace.push(`${this.#scheduler.nowMs} ${who} ${event} ${shown.join(' ')}`.trimEnd());
    };

  async run(): Promise<Run> {
    const onThrown = (error: unknown): void => {
      this.#thrown.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    };
    process.on('unhandledRejection', onThrown);
    try {
      await this.#server.start();
      for (const terminal of this.#terminals) this.#scheduler.after(0, () => void terminal.boot());
      for (const step of this.#script.steps)
        this.#scheduler.after(step.at, () => void this.#take(step).catch(onThrown));
      await this.#scheduler.run(troubleMs);
      this.#heal();
      // Quiet for so long that whoever waits would have come back.
      let quietSince: number | undefined;
      let looked = 0;
      const look = async (): Promise<void> => {
        const isQuiet = await this.#isQuiet();
        quietSince = isQuiet ? (quietSince ?? this.#scheduler.nowMs) : undefined;
      };
      while (
        this.#scheduler.nowMs < troubleMs + patienceMs(this.#script) &&
        !(quietSince !== undefined && this.#scheduler.nowMs - quietSince >= 12_000)
      ) {
        looked += 1;
        await this.#scheduler.run(troubleMs + looked * 6_000);
        await look();
      }
      return await this.#harvest();
    } finally {
      process.off('unhandledRejection', onThrown);
      for (const terminal of this.#terminals) terminal.halt();
      await this.#server.end();
      await this.#scheduler.settle();
      this.#database.remove();
    }
  }

  /** From here on everything works. */
  #heal(): void {
    this.#trace.push(`${this.#scheduler.nowMs} healed`);
    this.#server.statementsUntilCut = Number.POSITIVE_INFINITY;
    for (const terminal of this.#terminals) {
      terminal.cutAtEvent = undefined;
      terminal.medium.changesUntilCut = Number.POSITIVE_INFINITY;
      terminal.medium.isFull = false;
      terminal.lines.tornAfter = undefined;
      const { open: _open, ...good } = goodLine();
      Object.assign(terminal.lines.line, good);
    }
  }

  async #isQuiet(): Promise<boolean> {
    const { rooms } = this.#server;
    if (!rooms || this.#terminals.some((terminal) => !terminal.agent && !terminal.isWiped)) return false;
    const open = await this.#scheduler.outside(() =>
      rooms.store.db
        .selectFrom('jobs')
        .select(['id', 'state'])
        .where('state', 'in', ['held', 'queued', 'offered', 'running'])
        .where('serial', 'not in', [
          '',
          ...this.#terminals.filter(({ isWiped }) => isWiped).map(({ serial }) => serial),
        ])
        .execute(),
    );
    // Whoever ordered it may have heard no answer, since the server lost its power right after: who approves finds it all the same.
    for (const { id, state } of open) if (state === 'held') this.#approveLater(id);
    return open.length === 0;
  }

  async #harvest(): Promise<Run> {
    const { rooms } = this.#server;
    if (!rooms) throw new Error('the server did not come back');
    const jobs: Job[] = [];
    const logs = new Map<string, boolean>();
    for (const { id } of await rooms.store.db
      .selectFrom('jobs')
      .select('id')
      .orderBy('created_at')
      .orderBy('id')
      .execute()) {
      const job = await rooms.jobs.job(id);
      if (!job.ok) continue;
      jobs.push(job.value);
      if (job.value.type !== 'log.pull') continue;
      const whole = await rooms.jobs.logs.read(id);
      logs.set(id, whole.ok && digestOf(whole.value) === job.value.result?.log?.digest);
    }
    const ledgers = new Map<Serial, readonly LedgerEntry[]>();
    for (const terminal of this.#terminals) {
      const { world, files } = terminal.autopsy();
      const sealed = await openSealedStore(files, world);
      const ledger = sealed.ok ? await openLedger(sealed.value, world.clock) : sealed;
      if (!ledger.ok) terminal.torn.push(`${ledger.fault.code} at the end`);
      ledgers.set(
        terminal.serial,
        ledger.ok
          ? (['begun', 'finished', 'acknowledged'] as const).flatMap((state) => ledger.value.entries(state))
          : [],
      );
    }
    const identities = new Map<Serial, { refused: ErrorCode | undefined; renewed: number }>();
    for (const terminal of this.#terminals) identities.set(terminal.serial, await this.#identityOf(terminal, rooms));
    for (const job of jobs)
      this.#trace.push(`end ${job.serial} ${job.type} ${job.state} ${job.attempt} ${job.fault ?? ''}`);
    return {
      script: this.#script,
      terminals: this.#terminals,
      jobs,
      ordered: this.#ordered,
      ledgers,
      logs,
      identities,
      openHighest: this.#openHighest,
      trace: this.#trace,
      hash: createHash('sha256').update(this.#trace.join('\n')).digest('hex'),
      thrown: this.#thrown,
      endedMs: this.#scheduler.nowMs,
      statements: this.#server.statements,
    };
  }

  async #identityOf(terminal: SimulatedTerminal, { store, admission }: Rooms) {
    const { world, files } = terminal.autopsy();
    const sealed = await openSealedStore(files, world);
    const read = sealed.ok ? await sealed.value.read(identityRecord) : sealed;
    const chain = read.ok && read.value?.facts.step === 'enrolled' ? read.value.facts.certificateChain : undefined;
    if (read.ok) read.value?.secret?.wipe();
    const admitted = await admission(chain === undefined ? undefined : new X509Certificate(chain));
    const given = await store.db
      .selectFrom('certificates')
      .select('fingerprint')
      .where('subject', '=', terminal.serial)
      .execute();
    return { refused: admitted.ok ? undefined : admitted.fault.code, renewed: given.length - 1 };
  }

  #bodyOf(type: string, index: number): JobBody {
    const { images } = this.#fixture.software;
    const image = images[index % images.length];
    const amountMinor = 1_000 + index;
    const params: Record<string, unknown> = {
      'sale.test': { amountMinor, card: 'visa-contact' },
      'payment.run': { kind: 'sale', amountMinor, card: 'visa-contact' },
      'slip.print': {},
      'software.install': image && {
        version: image.version,
        digest: digestOf(image.bytes),
        size: image.bytes.length,
        counter: image.counter,
        proofTimeoutMs: 20_000,
      },
    };
    const body = parseWith(jobBody, { type, params: params[type] ?? {} });
    if (!body.ok) throw new Error(`no such job: ${type}`);
    return body.value;
  }

  async #take(step: Step): Promise<void> {
    const { rooms } = this.#server;
    const terminal = 'terminal' in step ? this.#terminals[step.terminal] : undefined;
    if ('terminal' in step && !terminal) return;
    const { order: _, ...shown } = { order: undefined, ...step };
    this.#trace.push(`${this.#scheduler.nowMs} step ${JSON.stringify(shown)}`);
    const now = (): number => this.#scheduler.nowMs;
    switch (step.do) {
      case 'order': {
        const index = this.#order.length;
        this.#order.push(undefined);
        if (!rooms || !terminal) return;
        const body = this.#bodyOf(step.type, index);
        const notBefore = step.delayMs > 0 ? this.#serverNow() + step.delayMs : undefined;
        const ordered = await rooms.jobs.start(
          terminal.serial,
          body,
          { subject: 'operator', roles: ['operator'] },
          {
            priority: step.isUrgent ? 'emergency' : 'routine',
            notBefore,
            reference: `run:${index}`,
          },
        );
        if (!ordered.ok) return;
        this.#order[index] = ordered.value.id;
        this.#ordered.set(ordered.value.id, body);
        const open = await rooms.jobs.openSubjects(rooms.store.db, terminal.serial);
        this.#openHighest = Math.max(this.#openHighest, open.size);
        if (ordered.value.state === 'held') this.#approveLater(ordered.value.id);
        return;
      }
      case 'cancel': {
        const id = this.#order[step.order];
        if (id !== undefined) await rooms?.jobs.cancel(id, { subject: 'operator' });
        return;
      }
      case 'configure': {
        if (!rooms) return;
        const { language, floorLimitMinor } = step;
        const ref = { layer: 'defaults' } as const;
        const { documents } = rooms.twin;
        const newest = await documents.layer(ref);
        const changes = { language, floorLimitMinor };
        const by = { subject: 'operator', reason: 'simulated' };
        if (newest.ok) await documents.change(ref, newest.value.version, changes, by);
        return;
      }
      case 'cut-terminal':
        return terminal?.cut(step.forMs, step.keepsUnsynced);
      case 'cut-terminal-at-change':
        if (!terminal) return;
        terminal.atChange = step;
        terminal.medium.changesUntilCut = step.nth;
        return;
      case 'cut-terminal-at-event':
        if (terminal) terminal.cutAtEvent = step;
        return;
      case 'cut-server':
        return this.#server.cut(step.forMs);
      case 'cut-server-at-statement':
        this.#server.cutForMs = step.forMs;
        this.#server.statementsUntilCut = step.nth;
        return;
      case 'line-down':
      case 'line-bad': {
        if (!terminal) return;
        const { line } = terminal.lines;
        if (step.do === 'line-bad') {
          const { doubledPercent, latePercent, lateMs } = step;
          Object.assign(line, { doubledPercent, latePercent, lateMs });
        } else {
          line.isDown = true;
          for (const close of line.open) close();
        }
        const { open: _open, ...good } = goodLine();
        this.#scheduler.after(step.forMs, () => void Object.assign(line, good));
        return;
      }
      case 'clone':
        if (terminal) this.#server.clone(terminal.serial, step.forMs);
        return;
      case 'step-clock':
        if (step.of === 'server') this.#server.skewMs += step.byMs;
        else {
          const stepped = this.#terminals[step.of];
          if (stepped) stepped.skewMs += step.byMs;
        }
        return;
      case 'flash-full':
        if (!terminal) return;
        terminal.medium.isFull = true;
        this.#scheduler.after(step.forMs, () => {
          terminal.medium.isFull = false;
        });
        return;
      case 'tear-downloads':
        if (!terminal) return;
        terminal.lines.tornAfter = step.afterBytes;
        this.#scheduler.after(step.forMs, () => {
          if (now() >= step.at) terminal.lines.tornAfter = undefined;
        });
    }
  }

  #serverNow(): number {
    return new SimulatedWorld(
      this.#scheduler,
      chanceOf(0, ''),
      () => this.#server.skewMs,
      () => undefined,
    ).clock.now();
  }

  /** Somebody else lets it go, a moment later; whoever hears no answer, since the server lost its power meanwhile, asks again. */
  #approveLater(id: string): void {
    if (this.#approving.has(id)) return;
    this.#approving.add(id);
    let isAnswered = false;
    const ask = (): void => {
      if (isAnswered) return;
      this.#scheduler.after(1_500, ask);
      void this.#server.rooms?.jobs.approve(id, { subject: 'approver', roles: ['admin'] }).then(() => {
        isAnswered = true;
      });
    };
    this.#scheduler.after(1_500, ask);
  }
}

function textOf(value: LogFacts[string]): string {
  if (typeof value !== 'object' || value === null) return String(value);
  // Ids and bytes are the run's own; of a fault its code says enough.
  return 'code' in value ? value.code : value.join(',');
}
