import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import {
  type Configuration,
  configurationHash,
  factoryConfiguration,
  type Hello,
  readConfiguration,
  type Response,
  type SettingName,
  settingNames,
  settingOf,
  type SettingValues,
  type TwinReport,
} from '@tsunagu/protocols/fleet';
import { ok, type Result } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { Link } from '../link/index.ts';
import type { SealedStore } from '../sealed-store/index.ts';
import { type Committed, configurationRecord, hashOf, type Next, nextRecord } from './records.ts';
import { untilWindowMs } from './window.ts';

export interface TwinOptions {
  readonly world: World;
  readonly store: SealedStore;
  readonly model: TerminalModel;
  readonly link: Pick<Link, 'ask' | 'publish' | 'isUp' | 'redial'>;
  /** Runs something while no sale is in hand. */
  readonly whenIdle: <T>(work: () => Promise<T>) => Promise<T>;
  readonly changed: () => void;
  /** The run is over: nothing is waited for any more. */
  readonly signal: AbortSignal;
  /** How long a configuration has to prove itself by an answer of the server; 30 s unless told. */
  readonly proofMs?: number;
  /** The pause before one that did not is tried again; it doubles. A minute unless told. */
  readonly retryMs?: number;
}

/** The terminal's half of the twin: what is in force, and how it follows what is desired. */
export interface Twin {
  /** What is in force; as it left the factory, version 0, before the first. */
  readonly inForce: { readonly version: number; readonly hash: string; readonly values: Configuration };
  /** What the hello says of it. */
  report(): Hello['configuration'];
  /** Fetches what is desired, tries it, and reports. Returns at once. */
  wake(): void;
  /** As `wake`, and tells what is in force afterwards; `drift` when that is not what is desired, or nobody answered. */
  applyNow(): Promise<{ readonly version: number; readonly hash: string; readonly drift: string | undefined }>;
  /** A technician changes settings at the terminal. They stay until something else is desired. */
  service(by: string, changes: SettingValues): Promise<Result<void>>;
  idle(): Promise<void>;
}

type Desired = Extract<Response, { kind: 'twin' }>;
/** Why what is desired is not in force. */
interface Standing {
  readonly answers: string;
  /** An error code, of this build or of the one before. */
  readonly code: string;
  readonly field?: string | undefined;
}

/** So often a configuration is tried before it counts as one that cuts the terminal off. */
const attemptsMax = 3;
const askMs = 5_000;
const lookAgainMs = 250;

/** Opens the twin of a store. A trial that a power loss ended was not proven: the last good configuration is in force. */
export async function openTwin(
  options: TwinOptions,
): Promise<Result<Twin, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>> {
  const { store } = options;
  const committed = await store.read(configurationRecord);
  if (!committed.ok) return committed;
  const next = await store.read(nextRecord);
  if (!next.ok) return next;
  return ok(new FollowingTwin(options, committed.value?.facts, next.value?.facts));
}

class FollowingTwin implements Twin {
  readonly #options: TwinOptions;
  #committed: Committed;
  #next: Next | undefined;
  #inForce: Twin['inForce'];
  #standing: Standing | undefined;
  #running: Promise<void> | undefined;
  #isWanted = false;
  /** Whether the server said what is desired when it was last asked. */
  #isAnswered = false;
  #retry: Timer | undefined;

  constructor(options: TwinOptions, committed: Committed | undefined, next: Next | undefined) {
    this.#options = options;
    this.#committed = committed ?? { version: 0, values: {} };
    this.#next = next;
    this.#inForce = this.#forceOf(this.#committed);
    const { local } = this.#committed;
    if (local) this.#standing = { answers: local.over, code: 'CONFIGURATION_CHANGED_LOCALLY', field: local.by };
    if (next?.code !== undefined && next.state !== 'staged')
      this.#standing = { answers: hashOf(next), code: next.code, field: next.field };
    options.signal.addEventListener('abort', () => this.#retry?.cancel(), { once: true });
  }

  get inForce(): Twin['inForce'] {
    return this.#inForce;
  }

  report(): Hello['configuration'] {
    const { version, hash } = this.#inForce;
    const { layers } = this.#inForce.hash === hashOf(this.#committed) ? this.#committed : (this.#next ?? {});
    return {
      version,
      hash,
      ...(layers && { layers }),
      ...(this.#standing && { answers: this.#standing.answers, drift: this.#standing.code }),
    };
  }

  wake(): void {
    this.#isWanted = true;
    this.#running ??= this.#follow().finally(() => {
      this.#running = undefined;
      if (this.#isWanted && this.#options.link.isUp && !this.#options.signal.aborted) this.wake();
    });
  }

  async applyNow(): ReturnType<Twin['applyNow']> {
    // One that runs already may have asked before the change that is meant.
    await this.#running;
    this.wake();
    await this.#running;
    const { version, hash } = this.#inForce;
    return { version, hash, drift: this.#isAnswered ? this.#standing?.code : 'LINK_DOWN' };
  }

  idle = async (): Promise<void> => this.#running;

  async service(by: string, changes: SettingValues): Promise<Result<void>> {
    const { world, model, store, whenIdle, changed } = this.#options;
    await this.#running;
    const before = this.#committed;
    const values = { ...(before.version === 0 ? factoryConfiguration : before.values), ...changes };
    const fits = readConfiguration(values, model);
    if (!fits.ok) return fits;
    const over = before.local?.over ?? hashOf(before);
    const settings = [...new Set([...(before.local?.settings ?? []), ...Object.keys(changes)])];
    const next: Committed = {
      ...before,
      version: Math.max(1, before.version),
      values,
      local: { by, at: Math.round(world.clock.now()), settings, over },
    };
    return whenIdle(async () => {
      const written = await store.write(configurationRecord, next);
      if (!written.ok) return written;
      this.#committed = next;
      this.#inForce = this.#forceOf(next);
      this.#standing = { answers: over, code: 'CONFIGURATION_CHANGED_LOCALLY', field: by };
      world.log('warn', 'configurationChangedLocally', { by, settings });
      void this.#tell(before.version);
      changed();
      return ok(undefined);
    });
  }

  async #follow(): Promise<void> {
    this.#isWanted = false;
    this.#isAnswered = false;
    const { link, world } = this.#options;
    const answer = await link.ask({ kind: 'pull' }, 'request', { pull: 'twin' });
    if (!answer.ok || answer.value.kind !== 'twin') {
      world.log('warn', 'twinPullFailed', answer.ok ? { answer: answer.value.kind } : { fault: answer.fault });
      return;
    }
    this.#isAnswered = true;
    const before = this.#inForce.hash;
    await this.#take(answer.value);
    await this.#tell(answer.value.version);
    if (this.#inForce.hash !== before) this.#options.changed();
  }

  /** Brings what is desired into force, or finds out why not. */
  async #take(desired: Desired): Promise<void> {
    const { world, model } = this.#options;
    const { version, hash, values, layers } = desired;
    if (configurationHash(values) !== hash) {
      world.log('warn', 'configurationDamaged', { version });
      this.#standing = { answers: '', code: 'CONFIGURATION_DAMAGED' };
      return;
    }
    if (hash === hashOf(this.#committed)) {
      // As desired already, whoever set it so.
      if (version !== this.#committed.version || this.#committed.local) await this.#commit({ version, values, layers });
      this.#standing = undefined;
      return;
    }
    if (this.#committed.local?.over === hash) {
      this.#standing = { answers: hash, code: 'CONFIGURATION_CHANGED_LOCALLY', field: this.#committed.local.by };
      return;
    }
    const known = this.#next && hashOf(this.#next) === hash ? this.#next : undefined;
    if (known?.state === 'refused') return;
    const attempts = (known?.attempts ?? 0) + (known?.state === 'waits' ? 0 : 1);
    const staged: Next = { version, values, layers, state: 'staged', attempts };
    if (attempts > attemptsMax) {
      await this.#park({ ...staged, state: 'reverted', code: 'CONFIGURATION_REVERTED' });
      return;
    }
    if (!(await this.#park(staged))) return;
    const fits = readConfiguration(values, model);
    if (!fits.ok) {
      const { code, field } = fits.fault;
      await this.#park({ ...staged, state: 'refused', code, ...(field !== undefined && { field: String(field) }) });
      return;
    }
    const disturbing = this.#disturbedBy(fits.value.values);
    const { maintenanceWindow, timeZone } = this.#inForce.values;
    const pauseMs = disturbing ? untilWindowMs(maintenanceWindow, timeZone, world.clock.now()) : 0;
    if (pauseMs > 0) {
      await this.#park({ ...staged, state: 'waits', code: 'CONFIGURATION_WAITS', field: disturbing });
      this.#tryAgainIn(pauseMs);
      return;
    }
    await this.#try(staged, fits.value.values);
  }

  /** Switches when no sale is in hand, has the server answer, and keeps it; else goes back. */
  async #try(staged: Next, values: Configuration): Promise<void> {
    const { world, whenIdle, link, retryMs = 60_000 } = this.#options;
    const isMoved = movesLink(values, this.#inForce.values);
    const isTried = await whenIdle(async () => {
      if (!(await this.#park({ ...staged, state: 'trial' }))) return false;
      this.#inForce = { version: staged.version, hash: hashOf(staged), values };
      return true;
    });
    if (!isTried) return;
    if (isMoved) link.redial();
    const isProven = await this.#isProven(isMoved);
    // A run that ends leaves the trial as a power loss does: the next boot has the last good one, and tries again.
    if (!isProven && this.#options.signal.aborted) return;
    if (isProven && (await this.#commit(staged))) {
      world.log('info', 'configurationApplied', { version: staged.version, hash: hashOf(staged) });
      this.#standing = undefined;
      return;
    }
    await whenIdle(async () => {
      this.#inForce = this.#forceOf(this.#committed);
    });
    world.log('warn', 'configurationReverted', { version: staged.version, attempts: staged.attempts });
    if (isMoved) link.redial();
    await this.#park({ ...staged, state: 'reverted', code: 'CONFIGURATION_REVERTED' });
    if (staged.attempts < attemptsMax) this.#tryAgainIn(retryMs * 2 ** (staged.attempts - 1));
    if (isMoved) await this.#isProven(true);
  }

  /** The proof: the server answers a terminal that works by the new configuration. */
  async #isProven(isRedialled: boolean): Promise<boolean> {
    const { world, link, signal, proofMs = 30_000 } = this.#options;
    const end = world.clock.monotonicMs() + proofMs;
    // A line that was just dropped looks up for a moment.
    if (isRedialled) await world.timers.sleep(lookAgainMs, signal).catch(() => undefined);
    while (!signal.aborted && world.clock.monotonicMs() < end) {
      if (link.isUp) {
        const left = Math.max(1, Math.min(askMs, end - world.clock.monotonicMs()));
        const echo = await link.ask({ kind: 'pull' }, 'request', { pull: 'time' }, left);
        if (echo.ok && echo.value.kind === 'time') return true;
      }
      await world.timers.sleep(lookAgainMs, signal).catch(() => undefined);
    }
    return false;
  }

  /** Makes it the last good one. One write: before it the old one is kept, after it the new one. */
  async #commit({ version, values, layers }: Pick<Committed, 'version' | 'values' | 'layers'>): Promise<boolean> {
    const { store, world } = this.#options;
    const committed: Committed = { version, values, layers };
    const written = await store.write(configurationRecord, committed);
    if (!written.ok) {
      world.log('error', 'configurationNotStored', { version, fault: written.fault });
      this.#standing = { answers: '', code: written.fault.code };
      return false;
    }
    this.#committed = committed;
    this.#inForce = this.#forceOf(committed);
    if (this.#next) {
      this.#next = undefined;
      // What is left over of it is known by its hash, and thrown away by the next one.
      const removed = await store.remove(nextRecord);
      if (!removed.ok) world.log('warn', 'configurationLeftOver', { fault: removed.fault });
    }
    return true;
  }

  /** Keeps what is not in force, and why. */
  async #park(next: Next): Promise<boolean> {
    const { store, world } = this.#options;
    const written = await store.write(nextRecord, next);
    if (written.ok) {
      this.#next = next;
      if (next.code !== undefined) {
        this.#standing = { answers: hashOf(next), code: next.code, field: next.field };
        world.log('warn', 'configurationNotInForce', { version: next.version, code: next.code, setting: next.field });
      }
      return true;
    }
    world.log('error', 'configurationNotStored', { version: next.version, fault: written.fault });
    this.#standing = { answers: '', code: written.fault.code };
    return false;
  }

  async #tell(base: number): Promise<void> {
    const { link, model } = this.#options;
    const { version, hash } = this.#inForce;
    const isGood = hash === hashOf(this.#committed);
    const { values, layers } = isGood ? this.#committed : (this.#next ?? this.#committed);
    const { local } = this.#committed;
    const read = readConfiguration(values, model);
    const body: TwinReport = {
      base,
      answers: this.#standing?.answers ?? hash,
      version,
      hash,
      values,
      ...(layers && { layers }),
      ...(this.#standing && { drift: this.#standing.code }),
      ...(this.#standing?.field !== undefined && { field: this.#standing.field }),
      ...(read.ok && read.value.unknown.length > 0 && { unknown: [...read.value.unknown] }),
      ...(local && isGood && { local: { by: local.by, at: local.at, settings: local.settings } }),
    };
    await link.publish({ kind: 'twin' }, 'twin', body);
  }

  #tryAgainIn(pauseMs: number): void {
    const { world, signal } = this.#options;
    this.#retry?.cancel();
    if (!signal.aborted) this.#retry = world.timers.after(Math.min(pauseMs, 2 ** 31 - 1), () => this.wake());
  }

  /** A disruptive setting that a configuration changes. */
  #disturbedBy(values: Configuration): SettingName | undefined {
    return settingNames.find(
      (name) => settingOf(name).isDisruptive === true && values[name] !== this.#inForce.values[name],
    );
  }

  #forceOf(committed: Committed): Twin['inForce'] {
    const read = readConfiguration(committed.values, this.#options.model);
    return {
      version: committed.version,
      hash: hashOf(committed),
      // What was good for an older software may not be for this one: then as it left the factory.
      values: read.ok ? read.value.values : factoryConfiguration,
    };
  }
}

const movesLink = (one: Configuration, other: Configuration): boolean =>
  one.fleetHost !== other.fleetHost || one.fleetPort !== other.fleetPort;
