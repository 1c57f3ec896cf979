import type {
  Job,
  PaymentMethodOffer,
  SaleMethod,
  TerminalDetail,
  TerminalSummary,
  TimelineEntry,
} from '@tsunagu/protocols/fleet';
import type { Fault } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { Client, LiveStream } from '../client/index.ts';
import { runTestSale } from '../commands/watch-job.ts';

/** What the screen shows, as one immutable value. */
export interface FleetState {
  readonly link: 'connecting' | 'live' | 'offline';
  /** When the last thing was heard, on the monotonic clock: never show stale numbers as live. */
  readonly heardAt: number;
  readonly terminals: ReadonlyMap<string, TerminalSummary>;
  readonly opened:
    | { readonly serial: string; readonly detail?: TerminalDetail; readonly timeline: readonly TimelineEntry[] }
    | undefined;
  /** How may be paid, by card scheme; empty until it is known. */
  readonly offers: readonly PaymentMethodOffer[];
  readonly job: Job | undefined;
  readonly saleRunning: boolean;
  readonly fault: Fault | undefined;
}

/** The screen's model: follows the server's live events, and tells its listeners at most every `paceMs`. */
export class FleetModel {
  readonly #world: World;
  readonly #client: Client;
  readonly #listeners = new Set<() => void>();
  #state: FleetState;
  #stream: LiveStream | undefined;
  #check: Timer | undefined;
  #told = true;

  constructor(world: World, client: Client) {
    this.#world = world;
    this.#client = client;
    this.#state = {
      link: 'connecting',
      heardAt: world.clock.monotonicMs(),
      terminals: new Map(),
      opened: undefined,
      offers: [],
      job: undefined,
      saleRunning: false,
      fault: undefined,
    };
  }

  readonly state = (): FleetState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  start(): void {
    this.#stream = this.#client.live({
      state: (link) => {
        this.#change({ link });
        if (link === 'live') void this.refresh();
      },
      on: {
        terminal: (terminal) =>
          this.#change({ terminals: new Map(this.#state.terminals).set(terminal.serial, terminal) }),
        timeline: (entry) => {
          const { opened } = this.#state;
          if (opened?.serial === entry.serial)
            this.#change({ opened: { ...opened, timeline: [entry, ...opened.timeline].slice(0, 50) } });
        },
        resync: () => void this.refresh(),
        overview: () => this.#change({}),
      },
    });
    void this.refresh();
    // A quiet fleet is not a stale screen: when nothing was heard for a while, the server is asked.
    this.#check = this.#world.timers.every(quietMs / 2, () => {
      if (this.#world.clock.monotonicMs() - this.#state.heardAt >= quietMs) void this.refresh();
    });
  }

  stop(): void {
    this.#check?.cancel();
    this.#stream?.close();
    this.#listeners.clear();
  }

  async refresh(): Promise<void> {
    const answer = await this.#client.terminals();
    if (answer.ok)
      this.#change({
        terminals: new Map(answer.value.map((terminal) => [terminal.serial, terminal])),
        fault: undefined,
      });
    else this.#change({ fault: answer.fault });
    if (this.#state.opened) await this.open(this.#state.opened.serial);
  }

  async open(serial: string): Promise<void> {
    if (this.#state.opened?.serial !== serial) this.#change({ opened: { serial, timeline: [] }, job: undefined });
    const [detail, timeline, offers] = await Promise.all([
      this.#client.terminal(serial),
      this.#client.timeline(serial),
      this.#client.paymentMethods(),
    ]);
    if (offers.ok) this.#change({ offers: offers.value.items });
    if (this.#state.opened?.serial !== serial) return;
    if (detail.ok && timeline.ok) this.#change({ opened: { serial, detail: detail.value, timeline: timeline.value } });
    else this.#change({ fault: detail.ok ? (timeline.ok ? undefined : timeline.fault) : detail.fault });
  }

  close(): void {
    this.#change({ opened: undefined, job: undefined, fault: undefined });
  }

  async sell(
    serial: string,
    card: string,
    amountMinor: number,
    { wantsOwnCurrency, method }: { readonly wantsOwnCurrency: boolean; readonly method: SaleMethod | undefined },
  ): Promise<void> {
    if (this.#state.saleRunning) return;
    this.#change({ saleRunning: true, job: undefined, fault: undefined });
    const ended = await runTestSale(
      this.#world,
      this.#client,
      serial,
      { card, amountMinor, dcc: wantsOwnCurrency ? ('accept' as const) : ('decline' as const), method },
      (job) => this.#change({ job }),
    );
    this.#change({ saleRunning: false, ...(ended.ok ? { job: ended.value } : { fault: ended.fault }) });
  }

  #change(change: Partial<FleetState>): void {
    const heardAt = change.fault ? this.#state.heardAt : this.#world.clock.monotonicMs();
    this.#state = { ...this.#state, ...change, heardAt };
    if (!this.#told) return;
    this.#told = false;
    // A busy fleet must not make the screen flicker over a slow line.
    this.#world.timers.after(paceMs, () => {
      this.#told = true;
      for (const listener of this.#listeners) listener();
    });
  }
}

/** At most ten frames a second come from the network; keys are drawn at once. */
const paceMs = 100;
const quietMs = 8_000;
