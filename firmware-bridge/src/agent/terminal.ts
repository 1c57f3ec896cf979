import { once } from 'node:events';
import { modelOf } from '@tsunagu/protocols/catalogue';
import type { CarriedJobs, CarriedReport, Serial, SettingValues } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { logTo } from '@tsunagu/protocols/world';
import { readClaim, readManufacturer } from '../enrolment/index.ts';
import { endWipe, openLogRing } from '../jobs/index.ts';
import { directNetwork } from '../link/index.ts';
import { type CardSide, refusedPayment } from '../payment/index.ts';
import { openArtefactCache, openChunkStore, openNamedParts, openRelay, relayedNetwork } from '../relay/index.ts';
import { openSealedStore } from '../sealed-store/index.ts';
import { bootSoftware } from '../software/index.ts';
import type { TamperSensor } from '../tamper/index.ts';
import { nextBoot } from './boot.ts';
import type { TerminalOptions } from './options.ts';
import { run, type Running, type RunOptions } from './running.ts';

/** A running terminal. */
export interface Terminal {
  readonly serial: Serial;
  /** Resolves when it is enrolled and connected for the first time; a fault when it never will be. */
  readonly connected: Promise<Result<void>>;
  /** Makes a payment at the till, after those that are in hand; refused while the terminal is not up. */
  pay: CardSide['run'];
  /** A sensor of the case speaks. */
  tamper(sensor: TamperSensor): Promise<void>;
  /**
   * Does what a technician carried here, restarts included, and signs what came of it. After a power cut the same is brought once more.
   * TERMINAL_NOT_ENROLLED: it has no identity yet, and obeys nobody.
   */
  carry(jobs: CarriedJobs): Promise<Result<readonly CarriedReport[], 'TERMINAL_NOT_ENROLLED'>>;
  /** A technician changes settings at the terminal itself. */
  service(by: string, values: SettingValues): Promise<Result<void>>;
  /** Finishes the sale in hand, says good-bye and closes. */
  stop(): Promise<void>;
}

/** Chunks of artefacts that a parent keeps for its children: one image of the largest size. */
const cachedChunksMax = 256;
/** What a terminal runs before its first update. */
const factoryVersion = '0.1.0';
/** An emulated software that hangs is ended by the watchdog so long after its boot. */
const watchdogMs = 1_000;
/** How long a device that did not boot waits until it tries again. */
const bootAgainMs = 5_000;

/**
 * Starts a terminal: it enrols if it has to, connects, and from then on follows its server by itself. What cannot be read
 * at the start (claim, store) and a port that is taken are faults; a server that is not there is none.
 */
export async function startTerminal(options: TerminalOptions): Promise<Result<Terminal>> {
  const claim = await readClaim(options.files);
  if (!claim.ok) return claim;
  const model = modelOf(claim.value.model);
  if (!model) return fail('MODEL_UNKNOWN', { facts: { model: claim.value.model } });
  const store = await openSealedStore(options.files, options.world);
  if (!store.ok) return store;
  const manufacturer = await readManufacturer(options.files);
  if (!manufacturer.ok) return manufacturer;
  const { serial, endpoints, parent } = claim.value;
  const outside = options.world.log.with({ serial });
  const ring = openLogRing(options.world.clock);
  const log = logTo((level, event, facts) => {
    ring.add(level, event, facts);
    outside(level, event, facts);
  });
  const world = { ...options.world, log };
  const network = parent ? relayedNetwork(parent, serial, world.timers) : directNetwork(endpoints, world.timers);
  const cache =
    options.relay &&
    openArtefactCache(world, await openChunkStore(options.files, cachedChunksMax), await openNamedParts(options.files));
  const relay = options.relay && cache ? await openRelay({ world, network, cache, ...options.relay }) : undefined;
  if (relay && !relay.ok) return relay;

  const device = new Device({
    ...options,
    world,
    ring,
    claim: claim.value,
    manufacturer: manufacturer.value,
    model,
    store: store.value,
    network,
    cache,
  });
  const booted = await device.boot();
  if (!booted.ok) {
    await relay?.value.close();
    return booted;
  }
  return ok({
    serial,
    connected: device.connected,
    tamper: (sensor) => device.tamper(sensor),
    pay: (order, onStep) => device.pay(order, onStep),
    carry: (jobs) => device.carry(jobs),
    service: (by, values) => device.service(by, values),
    async stop() {
      await device.stop();
      cache?.close();
      await relay?.value.close();
    },
  });
}

type DeviceOptions = Omit<RunOptions, 'boot' | 'isWiping' | 'signal' | 'software' | 'restart'>;

/** The device that the software boots on: it restarts when the software asks for it. */
class Device {
  readonly connected: Promise<Result<void>>;
  readonly #options: DeviceOptions;
  #settle: (connected: Result<void>) => void = () => undefined;
  #stopping = new AbortController();
  #running: Promise<Result<Running>> | undefined;
  #restarting: Promise<void> = Promise.resolve();
  #isOff = false;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.connected = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Counts the boot, lets the boot loader choose a slot, and starts what is in it. */
  async boot(): Promise<Result<void>> {
    const { world, files, store, model } = this.#options;
    const boot = await nextBoot(store);
    if (!boot.ok) return boot;
    const wiped = await endWipe(store, files);
    if (!wiped.ok) return wiped;
    if (wiped.value === 'ended') world.log('info', 'terminalWiped');
    const software = await bootSoftware(world, files, store, model, factoryVersion);
    if (!software.ok) return software;
    const stopping = new AbortController();
    this.#stopping = stopping;
    world.log('info', 'terminalStarted', { model: model.id, boot: boot.value, ...software.value.running });
    const restart = (): void => this.#restart(stopping);
    if (software.value.boot === 'hangs') {
      this.#options.world.timers.after(watchdogMs, restart);
      return ok(undefined);
    }
    const running = run({
      ...this.#options,
      boot: boot.value,
      isWiping: wiped.value === 'open',
      software: software.value,
      signal: stopping.signal,
      restart,
    }).catch((cause: unknown) => fail('INTERNAL', { cause }));
    this.#running = running;
    void running.then(async (started) => this.#settle(started.ok ? await started.value.connected : started));
    return ok(undefined);
  }

  /** @param asked the run that asks: one that is over already restarts nothing */
  #restart(asked: AbortController): void {
    if (this.#isOff || asked !== this.#stopping || asked.signal.aborted) return;
    this.#restarting = this.#end('restarting').then(() => this.#bootAgain());
  }

  /** A medium that takes nothing now may take something later, and nobody but the device itself is there to try again. */
  async #bootAgain(): Promise<void> {
    if (this.#isOff) return;
    const booted = await this.boot();
    if (booted.ok) return;
    const { world } = this.#options;
    world.log('error', 'terminalNotBooted', { fault: booted.fault });
    if (booted.fault.code !== 'STORE_WRITE_FAILED' && booted.fault.code !== 'STORE_READ_FAILED') return;
    world.timers.after(bootAgainMs, () => {
      this.#restarting = this.#bootAgain();
    });
  }

  async pay(...[order, onStep]: Parameters<CardSide['run']>): ReturnType<CardSide['run']> {
    await this.#restarting;
    const started = await this.#running;
    if (started?.ok) return started.value.pay(order, onStep);
    return refusedPayment(order, 'stored', 'refused', started?.fault.code ?? 'SALE_IN_PROGRESS');
  }

  async tamper(sensor: TamperSensor): Promise<void> {
    await this.#restarting;
    const started = await this.#running;
    if (started?.ok) await started.value.tamper.trip(sensor);
  }

  async carry(jobs: CarriedJobs): Promise<Result<readonly CarriedReport[], 'TERMINAL_NOT_ENROLLED'>> {
    // Each order restarts it once at most.
    for (let boots = 0; boots <= jobs.orders.length; boots += 1) {
      await this.#restarting;
      const { signal } = this.#stopping;
      const started = await this.#running;
      if (!started?.ok) break;
      const done = await started.value.carry(jobs);
      if (done !== 'restarting') return ok(done);
      if (!signal.aborted) await once(signal, 'abort');
    }
    return fail('TERMINAL_NOT_ENROLLED');
  }

  async service(by: string, values: SettingValues): Promise<Result<void>> {
    await this.#restarting;
    const started = await this.#running;
    return started?.ok ? await started.value.twin.service(by, values) : fail('LINK_DOWN');
  }

  async stop(): Promise<void> {
    this.#isOff = true;
    await this.#restarting;
    await this.#end('stopped');
    this.#settle(fail('LINK_DOWN'));
  }

  async #end(why: string): Promise<void> {
    this.#stopping.abort(new Error(why));
    const started = await this.#running;
    this.#running = undefined;
    if (started?.ok) await started.value.stop();
  }
}
