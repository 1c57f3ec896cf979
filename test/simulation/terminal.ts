import { startTerminal, type Terminal } from '@tsunagu/firmware-bridge/agent/index';
import type { Link } from '@tsunagu/firmware-bridge/link/index';
import type { CardSide, CardSideOptions } from '@tsunagu/firmware-bridge/payment/index';
import { type Files, openSealedStore, sealedRecord } from '@tsunagu/firmware-bridge/sealed-store/index';
import type { PaymentOrder, SaleResult } from '@tsunagu/protocols/fleet';
import { fail, ok } from '@tsunagu/protocols/kit';
import type { LogSink } from '@tsunagu/protocols/world';
import { z } from 'zod';
import { type DeviceLines, type SimulatedNetwork, simulatedNetwork } from './device-lines.ts';
import type { EnrolledTerminal, Fixture } from './fixture.ts';
import { goodLine, SimulatedLink } from './link.ts';
import { Medium } from './medium.ts';
import { chanceOf } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedServer } from './server.ts';
import { SimulatedWorld } from './world.ts';

/** What a test may put in the way of a terminal's ports. */
export interface TerminalBugs {
  readonly files?: (files: Files, medium: Medium) => Files;
  readonly link?: (link: Link) => Link;
  readonly cardSide?: (cardSide: CardSide) => CardSide;
}

const saleMs = 600;
const bootMs = 800;
const tillMs = 7_000;

/** A terminal: the real agent on a simulated medium and simulated lines. Its cards and its switch are short: a sale takes a key and a moment. */
export class SimulatedTerminal {
  readonly serial: EnrolledTerminal['serial'];
  readonly medium: Medium;
  readonly lines: DeviceLines;
  skewMs = 0;
  cutAtEvent: { readonly event: string; readonly forMs: number; readonly keepsUnsynced: boolean } | undefined;
  atChange: { readonly forMs: number; readonly keepsUnsynced: boolean } = { forMs: 1_000, keepsUnsynced: false };
  /** Sales that were made, by what tells them apart. */
  readonly sales = new Map<number, number>();
  /** Software that ran, in order, and how often it booted. */
  readonly ran: string[] = [];
  boots = 0;
  /** Boots that failed for a reason that must not be: a record that cannot be read. */
  readonly torn: string[] = [];
  /** How long the till could not sell although nothing but management was in its way; the longest. */
  unableMs = 0;
  pendingHighest = 0;
  isWiped = false;
  agent: Terminal | undefined;
  readonly #scheduler: Scheduler;
  readonly #seed: number;
  readonly #sink: LogSink;
  readonly #bugs: TerminalBugs;
  #world: SimulatedWorld | undefined;
  #hasSold = false;
  #unableSince: number | undefined;
  #till = 0;

  constructor(
    enrolled: EnrolledTerminal,
    parts: { readonly scheduler: Scheduler; readonly fixture: Fixture; readonly server: SimulatedServer },
    seed: number,
    sink: LogSink,
    bugs: TerminalBugs,
  ) {
    this.serial = enrolled.serial;
    this.#scheduler = parts.scheduler;
    this.#seed = seed;
    this.#sink = sink;
    this.#bugs = bugs;
    this.medium = new Medium(() => this.cut(this.atChange.forMs, this.atChange.keepsUnsynced));
    for (const [name, bytes] of enrolled.disk) this.medium.disk.set(name, Uint8Array.from(bytes));
    this.lines = { serial: this.serial, ...parts, line: goodLine(), tornAfter: undefined, torn: 0, ksns: [] };
  }

  get isOn(): boolean {
    return this.#world?.isOn === true;
  }

  cut(forMs: number, keepsUnsynced: boolean): void {
    if (!this.isOn) return;
    this.#sink('warn', 'powerCut', { forMs, keepsUnsynced });
    if (this.#world) this.#world.isOn = false;
    this.agent = undefined;
    this.cutAtEvent = undefined;
    this.#unableSince = undefined;
    this.medium.powerLost(keepsUnsynced);
    void this.#lookForTorn();
    for (const close of this.lines.line.open) close();
    this.#scheduler.after(forMs, () => void this.boot());
  }

  /** Every record that is on the medium after a power cut can be read. */
  async #lookForTorn(): Promise<void> {
    const { world, files } = this.autopsy();
    const names = [...this.medium.disk.keys()].filter((name) => name.endsWith('.sealed'));
    const sealed = await openSealedStore(files, world);
    if (!sealed.ok) this.torn.push(sealed.fault.code);
    else
      for (const name of names) {
        const read = await sealed.value.read(sealedRecord(name.slice(0, -'.sealed'.length), z.unknown()));
        if (!read.ok) this.torn.push(`${read.fault.code} ${name}`);
        // It was there, and was set aside.
        else if (read.value === undefined) this.torn.push(`STORE_RECORD_DAMAGED ${name}`);
      }
  }

  async boot(): Promise<void> {
    if (this.isOn) return;
    this.boots += 1;
    const chance = chanceOf(this.#seed, `${this.serial} boot ${this.boots}`);
    const world = new SimulatedWorld(
      this.#scheduler,
      chance,
      () => this.skewMs,
      (level, event, facts) => this.#heard(level, event, facts),
    );
    this.#world = world;
    const { line, scheduler, server } = this.lines;
    const files = this.medium.files();
    let network: SimulatedNetwork | undefined;
    const started = await startTerminal({
      world,
      files: this.#bugs.files?.(files, this.medium) ?? files,
      openCardSide: (options) => {
        const side = this.#cardSide(options);
        return Promise.resolve(this.#bugs.cardSide?.(side) ?? side);
      },
      wires: {
        openLink: (options) => {
          const link = new SimulatedLink(options, {
            scheduler,
            chance,
            line,
            exchange: server,
            shown: () => network?.shown,
          });
          this.#links.push(link);
          return this.#bugs.link?.(link) ?? link;
        },
        secureNetwork: (_network, _timers, _trust, identity) => {
          network = simulatedNetwork(this.lines, identity);
          return network;
        },
      },
    });
    if (!world.isOn) return;
    if (started.ok) {
      this.agent = started.value;
      this.#sell(world);
      return;
    }
    if (started.fault.code === 'STORE_RECORD_DAMAGED' || started.fault.code === 'STORE_READ_FAILED')
      this.torn.push(`${started.fault.code} ${started.fault.field ?? ''}`);
    // A device whose medium takes nothing tries again.
    world.isOn = false;
    this.#scheduler.after(bootMs * 4, () => void this.boot());
  }

  /** Off for good. */
  halt(): void {
    if (this.#world) this.#world.isOn = false;
    for (const close of this.lines.line.open) close();
  }

  /** The medium after the end, for whoever looks at it. */
  autopsy(): { readonly world: SimulatedWorld; readonly files: Files } {
    const world = new SimulatedWorld(
      this.#scheduler,
      chanceOf(this.#seed, 'autopsy'),
      () => this.skewMs,
      () => undefined,
    );
    return { world, files: this.medium.files() };
  }

  readonly #links: SimulatedLink[] = [];

  /** The terminal's log is where its moments show: power is cut in the middle of each. */
  #heard(...[level, event, facts]: Parameters<LogSink>): void {
    this.#sink(level, event, facts);
    if (event === 'terminalStarted') this.ran.push(String(facts['version']));
    if (event === 'terminalWiped') this.isWiped = true;
    const { cutAtEvent } = this;
    if (cutAtEvent?.event === event) this.cut(cutAtEvent.forMs, cutAtEvent.keepsUnsynced);
  }

  /** Somebody at the till, every few seconds: whatever is done to the terminal meanwhile, it has to sell. */
  #sell(world: SimulatedWorld): void {
    world.timers.every(tillMs, () => {
      this.#till += 1;
      this.pendingHighest = Math.max(this.pendingHighest, ...this.#links.map((link) => link.pendingHighest));
      const since = this.#scheduler.nowMs;
      // The end is noted when there is none, too: a till that hangs is found at the next customer.
      this.#noteAble(false, since);
      void this.agent
        ?.pay({ kind: 'sale', amountMinor: 1_000_000 + this.#till, card: 'visa-contact' })
        .then(({ outcome }) => world.isOn && this.#noteAble(outcome === 'approved', since));
    });
  }

  #noteAble(isAble: boolean, since: number): void {
    if (isAble) {
      this.#hasSold = true;
      if (this.#unableSince !== undefined)
        this.unableMs = Math.max(this.unableMs, this.#scheduler.nowMs - this.#unableSince);
      this.#unableSince = undefined;
      return;
    }
    const { line } = this.lines;
    const mustSell = this.#hasSold && !this.medium.isFull && !line.isDown && !this.#isBeingWiped();
    if (!mustSell) this.#unableSince = undefined;
    else {
      this.#unableSince ??= since;
      this.unableMs = Math.max(this.unableMs, this.#scheduler.nowMs - this.#unableSince);
    }
  }

  #isBeingWiped(): boolean {
    return this.isWiped || this.medium.view().has('wipe.sealed');
  }

  #cardSide({ world, ports }: CardSideOptions): CardSide {
    let isClosed = false;
    let inHand: Promise<unknown> = Promise.resolve();
    const sell = async (order: PaymentOrder, onStep: Parameters<CardSide['run']>[1]): Promise<SaleResult> => {
      const amountMinor = 'amountMinor' in order ? order.amountMinor : 0;
      const result: SaleResult = {
        kind: order.kind,
        outcome: 'failed',
        amountMinor,
        currency: 'JPY',
        card: 'visa-contact',
        scheme: 'visa',
        entry: 'contact',
        lastFour: '0010',
        stan: '',
        durationMs: saleMs,
      };
      if (isClosed) return { ...result, outcome: 'refused', reason: 'SALE_IN_PROGRESS' };
      onStep?.('card-presented', 1);
      const stan = await ports.stan.next();
      if (!stan.ok) return { ...result, reason: stan.fault.code };
      await world.timers.sleep(saleMs / 2);
      const number = String(stan.value).padStart(6, '0');
      // The switch never answers: what counts is that the request left under a key of its own.
      const sent = await ports.acquirer.exchange(
        { mti: '1804', fields: { 11: number, 24: '831' } },
        { timeoutMs: saleMs },
      );
      if (!sent.ok && sent.fault.code !== 'ACQUIRER_TIMEOUT') return { ...result, reason: sent.fault.code };
      this.sales.set(amountMinor, (this.sales.get(amountMinor) ?? 0) + 1);
      onStep?.('finished', saleMs);
      return { ...result, outcome: 'approved', stan: number };
    };
    const document = { mediaType: 'text/plain', base64: 'YQ==' };
    return {
      cards: ['visa-contact'],
      run(order, onStep) {
        const sale = sell(order, onStep);
        inHand = sale;
        return sale;
      },
      sell: (order, onStep) => sell({ kind: 'sale', amountMinor: order.amountMinor, card: order.card }, onStep),
      totals: () => Promise.resolve(fail('SALE_IN_PROGRESS')),
      lastTotals: () => fail('DAY_NOT_CLOSED'),
      endDay: () => Promise.resolve(ok(undefined)),
      print: () => Promise.resolve(ok(document)),
      traceOf: () => fail('TRACE_UNKNOWN'),
      checkReaders: () => Promise.resolve([{ reader: 'contact', fault: undefined }]),
      reversalsPending: () => Promise.resolve(0),
      timings: () => undefined,
      wake: () => undefined,
      async close() {
        isClosed = true;
        await inHand;
      },
    };
  }
}
