import { switchSchema } from '@tsunagu/fleet-server/switch/schema';
import { openStoreOn, type Store } from '@tsunagu/fleet-server/store/index';
import { type Core, openCore } from '@tsunagu/fleet-server/switch/core';
import type { Operator } from '@tsunagu/fleet-server/switch/operator/operator';
import type { IssuerLink, IssuerLinkListener } from '@tsunagu/fleet-server/switch/issuer-link/issuer-link';
import { noMetrics } from '@tsunagu/fleet-server/switch/index';
import { Exchange, type LinkAnswer } from '@tsunagu/fleet-server/switch/link/exchange';
import { terminalAsking } from '@tsunagu/fleet-server/switch/transaction/asking';
import type { SwitchRooms } from '@tsunagu/fleet-server/switch/ports';
import type { Vault } from '@tsunagu/fleet-server/vault/index';
import type { Link } from '@tsunagu/protocols/acquiring';
import type { DukptKsn } from '@tsunagu/protocols/dukpt';
import type { Serial } from '@tsunagu/protocols/fleet';
import type { Message } from '@tsunagu/protocols/iso8583';
import { fail, unwrap } from '@tsunagu/protocols/kit';
import { beginsAt, type SimulatedWorld } from '../world.ts';
import type { Disk } from './disk.ts';
import type { BadLine } from './line.ts';
import type { Heard } from './terminal.ts';

/** What a test may put in the way of the switch, to see whether anybody notices. */
export interface NodeBugs {
  readonly link?: (link: IssuerLink, carry: (message: Message) => void) => IssuerLink;
  readonly handle?: (bytes: Uint8Array, handle: () => Promise<Heard>, log: SimulatedWorld['log']) => Promise<Heard>;
  readonly operator?: (core: Core, world: SimulatedWorld, store: Store) => Operator;
}

/** What a node has around it. */
export interface Around {
  readonly disk: Disk;
  readonly vault: Vault;
  readonly link: Link;
  /** The line to the issuer, there and back. */
  readonly line: BadLine;
  readonly askIssuer: (bytes: Uint8Array) => Uint8Array | undefined;
  /** A message is put on the line to the issuer. */
  readonly sent: (message: Message) => void;
  /** The line is signed on, or is about to be: in so many milliseconds. */
  readonly signsOn: (inMs: number) => void;
  /** Whether connections to the issuer stand. */
  readonly isConnected: () => boolean;
  readonly bugs: NodeBugs;
}

const reconnectMs = 500;
/** So that cards of the run are foreign. Clocks step by a day and more. */
const rates = {
  source: 'run',
  at: new Date(beginsAt).toISOString(),
  validMinutes: 10_080,
  markUpBasisPoints: 300,
  rates: [{ currency: '840', yen: '151.7' }],
  cards: [{ prefix: '4', currency: '840' }],
};

/** One boot of the switch: all its rooms behind the doors, on the real store. */
export class SwitchNode {
  readonly world: SimulatedWorld;
  core: Core | undefined;
  store: Store | undefined;
  /** Requests to the issuer that wait for its answer here. */
  readonly underWay = new Set<Message>();
  readonly #around: Around;
  #lost: () => void = () => undefined;

  constructor(world: SimulatedWorld, around: Around) {
    this.world = world;
    this.#around = around;
  }

  /** Never resolves where the power fails meanwhile; rejects where the disk refuses. */
  async start(): Promise<void> {
    const { disk, vault, link, bugs } = this.#around;
    const { world } = this;
    const store = unwrap(
      await openStoreOn(
        () => disk.connect(world),
        switchSchema,
        world.clock,
        undefined,
        () => disk.connectBeside(world),
      ),
    );
    this.store = store;
    const rooms: SwitchRooms = {
      store,
      vault,
      // Frames and their keys are the doors' affair: messages come and go in the clear.
      keys: {
        forTransaction: () => Promise.resolve(fail('VAULT_KEY_UNKNOWN')),
        translatePin: () => Promise.resolve(fail('PINBLOCK_UNREADABLE')),
      },
      admit: () => Promise.resolve(fail('CLIENT_CERTIFICATE_REFUSED')),
      live: { publish: () => undefined },
      metrics: noMetrics,
      // There is no negative list here.
      negative: {
        add: () => Promise.reject(new Error('no list')),
        remove: () => Promise.reject(new Error('no list')),
        of: () => Promise.reject(new Error('no list')),
        explain: () => Promise.resolve({ listed: false, sources: [] }),
      } as unknown as SwitchRooms['negative'],
      alarm: () => undefined,
    };
    const core = await openCore(world, rooms, {
      links: [{ link }],
      centres: () => [],
      openIssuer: (_prepared, _numbers, listener) => {
        const opened = this.#open(listener);
        return bugs.link?.(opened, (message) => this.#put(message, listener, undefined)) ?? opened;
      },
    });
    // Once: what is in the store then is in force at every later boot.
    if (core.rules.rates.rates.length === 0)
      await core.rules.change('rates', core.rules.rates.version, rates, 'run', 'run');
    this.core = core;
    if (this.#around.isConnected()) this.#connect();
  }

  #shown: 'signed-on' | 'down' = 'down';
  #listener: IssuerLinkListener | undefined;

  /** They come to be, and the sign-on with them. */
  #connect(): void {
    this.#around.signsOn(reconnectMs);
    this.world.timers.after(reconnectMs, () => {
      if (!this.#around.isConnected() || this.#shown === 'signed-on') return;
      this.#shown = 'signed-on';
      this.#listener?.changed();
      this.#listener?.ready();
      this.#around.signsOn(0);
    });
  }

  /** Connections broke, or came back. */
  connectionChanged(): void {
    if (!this.world.isOn || !this.core) return;
    if (this.#around.isConnected()) return this.#connect();
    if (this.#shown === 'down') return;
    this.#shown = 'down';
    this.#listener?.changed();
    this.#lost();
  }

  #put(message: Message, listener: IssuerLinkListener, exchange: Exchange | undefined): void {
    const { line, link, askIssuer, sent } = this.#around;
    sent(message);
    line.carry(unwrap(link.codec.encode(message)), (arrived) => {
      const answer = askIssuer(arrived);
      if (answer === undefined) return;
      line.carry(answer, (back) => {
        if (!this.world.isOn || this.#shown === 'down') return;
        const decoded = link.codec.decode(back);
        if (!decoded.ok || !exchange) return;
        const mismatch = exchange.settle(decoded.value);
        if (mismatch) listener.unmatched(decoded.value, mismatch);
      });
    });
  }

  /** The link on a line in memory: waiting, deadlines and matching are the real ones. */
  #open(listener: IssuerLinkListener): IssuerLink {
    const { link } = this.#around;
    const exchange = new Exchange(this.world, link);
    this.#listener = listener;
    const line = {};
    this.#lost = () => exchange.lose(line);
    const since = this.world.clock.now();
    const shown = (): 'signed-on' | 'down' => this.#shown;
    return {
      link,
      pinKey: '',
      get isReady() {
        return shown() === 'signed-on';
      },
      status: () => ({ state: shown(), since }),
      lines: () => [{ state: shown(), since, inFlight: exchange.inFlight }],
      get inFlight() {
        return exchange.inFlight;
      },
      lenient: () => [],
      request: (message, timeoutMs): Promise<LinkAnswer> => {
        if (shown() === 'down') return Promise.resolve({ type: 'lineLost' });
        const answered = exchange.expect(line, message, timeoutMs);
        const asked = { mti: message.mti, fields: { 11: message.fields[11] ?? '', 12: message.fields[12] ?? '' } };
        this.underWay.add(asked);
        this.#put(message, listener, exchange);
        return answered.finally(() => this.underWay.delete(asked));
      },
      order: () => undefined,
      echo: () => Promise.resolve([]),
      stop: () => Promise.resolve(),
    };
  }

  /** The room of the people who look after the switch; undefined while it starts. */
  get operator(): Operator | undefined {
    const { core, store, world } = this;
    if (!core || !store || !world.isOn) return undefined;
    return this.#around.bugs.operator?.(core, world, store) ?? core.operator;
  }

  async handle(serial: Serial, ksn: DukptKsn, bytes: Uint8Array): Promise<Heard | undefined> {
    const { core } = this;
    if (!core || !this.world.isOn) return undefined;
    const asking = terminalAsking({} as SwitchRooms, serial, ksn, undefined);
    const handle = () => core.processing.handle(asking, bytes);
    return await (this.#around.bugs.handle?.(bytes, handle, this.world.log) ?? handle());
  }
}
