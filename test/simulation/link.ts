import type { Link, LinkHandlers, LinkOptions } from '@tsunagu/firmware-bridge/link/index';
import { pauseAfter } from '@tsunagu/firmware-bridge/link/index';
import {
  type Envelope,
  encodeEnvelope,
  messages,
  parseDownTopic,
  parseEnvelope,
  parseWith,
  type Response,
  type Serial,
  type UpTopic,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { ShownCertificate } from '@tsunagu/fleet-server/identity/index';
import type { Chance } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** One connection, as the broker has it. */
export interface Connection {
  readonly serial: Serial;
  readonly isOpen: boolean;
  /** Comes down, some time later. */
  deliver(topic: string, payload: Uint8Array): void;
  /** The broker hangs up, or the line breaks. */
  close(): void;
}

/** The far end of the lines: what a broker is to them. */
export interface Exchange {
  /** False: nobody is there, or the certificate is not let in. A second connection of a serial ends the first. */
  attach(connection: Connection, shown: ShownCertificate | undefined): Promise<boolean>;
  detach(connection: Connection, will: Uint8Array): void;
  /** Resolves when the server has the message on disk: only then is it acknowledged. */
  received(serial: Serial, topic: UpTopic, payload: Uint8Array): Promise<void>;
}

/** How the line of a terminal is at the moment. */
export interface Line {
  isDown: boolean;
  /** Messages that come twice, and that come late: out of order, and after the end of the connection that they were sent on. */
  doubledPercent: number;
  latePercent: number;
  lateMs: number;
  readonly open: Set<() => void>;
}

export const goodLine = (): Line => ({ isDown: false, doubledPercent: 0, latePercent: 0, lateMs: 0, open: new Set() });

const latencyMs = 20;
const answerTimeoutMs = 10_000;
const pendingMax = 32;

/** What a simulated line is made of. */
interface Parts {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly line: Line;
  readonly exchange: Exchange;
  /** What the terminal shows of itself now. */
  readonly shown: () => ShownCertificate | undefined;
}

/** W1 without MQTT and TLS: the port of `firmware-bridge/link` on simulated lines. QoS 1: what is not acknowledged may have arrived. */
export class SimulatedLink implements Link {
  readonly dropped: Record<string, number> = {};
  readonly #options: LinkOptions;
  readonly #parts: Parts;
  readonly #pending = new Map<string, (answer: Result<Response, 'LINK_DOWN' | 'ANSWER_TIMED_OUT'>) => void>();
  readonly #unacknowledged = new Set<(isThere: boolean) => void>();
  #connection: (Connection & { isOpen: boolean }) | undefined;
  #isUp = false;
  #wasTried = false;
  #isStopped = false;
  #seq = 0;
  pendingHighest = 0;

  constructor(options: LinkOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get wasTried(): boolean {
    return this.#wasTried;
  }

  start(handlers: LinkHandlers): void {
    void this.#keepConnected(handlers);
  }

  async #keepConnected(handlers: LinkHandlers): Promise<void> {
    const { world } = this.#options;
    for (let failures = 1; !this.#isStopped; failures++) {
      const startedMs = world.clock.monotonicMs();
      await this.#connectOnce(handlers);
      this.#wasTried = true;
      if (this.#isStopped) return;
      if (world.clock.monotonicMs() - startedMs > 10_000) failures = 1;
      await world.timers.sleep(pauseAfter(failures, { firstMs: 500, maxMs: 30_000 }, world));
    }
  }

  async #connectOnce(handlers: LinkHandlers): Promise<void> {
    const { world, serial } = this.#options;
    const { line, exchange } = this.#parts;
    await world.timers.sleep(latencyMs);
    if (line.isDown) return;
    const will = encodeEnvelope(this.#wrap('presence', { state: 'lost' }));
    let ended: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const connection = {
      serial,
      isOpen: true,
      deliver: (topic: string, payload: Uint8Array) =>
        this.#carry(() => connection.isOpen && this.#arrived(topic, payload, handlers)),
      close: () => {
        if (!connection.isOpen) return;
        connection.isOpen = false;
        this.#isUp = false;
        line.open.delete(connection.close);
        for (const settle of this.#unacknowledged) settle(false);
        ended();
      },
    };
    line.open.add(connection.close);
    if (!(await exchange.attach(connection, this.#parts.shown()))) return connection.close();
    this.#connection = connection;
    this.#isUp = true;
    const isBorn =
      (await this.#send({ kind: 'presence' }, this.#wrap('presence', { state: 'ready' }))) &&
      (await this.#send({ kind: 'hello' }, this.#wrap('hello', handlers.hello())));
    if (isBorn) {
      world.log('info', 'linkUp');
      handlers.up();
      await closed;
    }
    connection.close();
    exchange.detach(connection, will);
    this.#isUp = false;
    this.#connection = undefined;
    for (const settle of this.#unacknowledged) settle(false);
    for (const settle of this.#pending.values()) settle(fail('LINK_DOWN'));
    if (isBorn) handlers.down();
  }

  #wrap(ct: Envelope['ct'], body: unknown, more: { id?: string; corr?: string } = {}): Envelope {
    const { world, boot } = this.#options;
    this.#seq += 1;
    const iat = Math.max(0, Math.round(world.clock.now()));
    return {
      v: 1,
      id: more.id ?? world.id(),
      ...(more.corr !== undefined && { corr: more.corr }),
      iat,
      boot,
      seq: this.#seq,
      ct,
      body,
    };
  }

  /** Carries something to the other end: once or twice, soon or late. */
  #carry(arrive: () => void): void {
    const { line, chance, scheduler } = this.#parts;
    const times = chance.percent(line.doubledPercent) ? 2 : 1;
    for (let count = 0; count < times; count++)
      scheduler.after(chance.percent(line.latePercent) ? chance.int(latencyMs, line.lateMs) : latencyMs, arrive);
  }

  /** @returns whether it was acknowledged */
  #send(topic: UpTopic, message: Envelope): Promise<boolean> {
    const connection = this.#connection;
    if (!connection?.isOpen) return Promise.resolve(false);
    const { exchange } = this.#parts;
    const { serial, world } = this.#options;
    const payload = encodeEnvelope(message);
    return new Promise((resolve) => {
      const settle = (isThere: boolean): void => {
        late.cancel();
        this.#unacknowledged.delete(settle);
        resolve(isThere);
      };
      const late = world.timers.after(answerTimeoutMs, () => connection.close());
      this.#unacknowledged.add(settle);
      this.#carry(() => {
        void exchange.received(serial, topic, payload).then(() => this.#carry(() => connection.isOpen && settle(true)));
      });
    });
  }

  publish: Link['publish'] = async (topic, ct, body, { id } = {}) => {
    if (!this.#isUp) return fail('LINK_DOWN');
    return (await this.#send(topic, this.#wrap(ct, body, id === undefined ? {} : { id })))
      ? ok(undefined)
      : fail('LINK_DOWN');
  };

  ask: Link['ask'] = async (topic, ct, body, timeoutMs = answerTimeoutMs) => {
    const { world } = this.#options;
    if (!this.#isUp || this.#pending.size >= pendingMax) return fail('LINK_DOWN');
    const corr = world.id();
    const answered = new Promise<Result<Response, 'LINK_DOWN' | 'ANSWER_TIMED_OUT'>>((resolve) => {
      const timer = world.timers.after(timeoutMs, () => settle(fail('ANSWER_TIMED_OUT')));
      const settle = (answer: Result<Response, 'LINK_DOWN' | 'ANSWER_TIMED_OUT'>): void => {
        timer.cancel();
        this.#pending.delete(corr);
        resolve(answer);
      };
      this.#pending.set(corr, settle);
      this.pendingHighest = Math.max(this.pendingHighest, this.#pending.size);
    });
    const sent = await this.#send(
      topic.kind === 'pull' ? { kind: 'request', corr } : topic,
      this.#wrap(ct, body, { corr }),
    );
    if (!sent) this.#pending.get(corr)?.(fail('LINK_DOWN'));
    return answered;
  };

  #arrived(topic: string, payload: Uint8Array, handlers: LinkHandlers): void {
    const { tenant, serial, world } = this.#options;
    const message = parseEnvelope(payload);
    const down = parseDownTopic(tenant, serial, topic);
    const { exp = Number.POSITIVE_INFINITY } = message.ok ? message.value : {};
    if (!message.ok || (down?.kind !== 'response' && exp < world.clock.now())) {
      this.dropped['MESSAGE_EXPIRED'] = (this.dropped['MESSAGE_EXPIRED'] ?? 0) + 1;
      return;
    }
    if (down?.kind === 'response') {
      const answer = parseWith(messages.response, message.value.body);
      if (answer.ok) this.#pending.get(down.corr)?.(answer);
    }
    if (down?.kind === 'notify') {
      const work = parseWith(messages.notify, message.value.body);
      if (work.ok) handlers.notified(work.value);
    }
  }

  redial(): void {
    this.#connection?.close();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#isUp) await this.#send({ kind: 'presence' }, this.#wrap('presence', { state: 'disconnected' }));
    this.#connection?.close();
  }
}
