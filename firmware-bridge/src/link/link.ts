import {
  type Envelope,
  encodeEnvelope,
  type MessageName,
  messages,
  negativeHeadTopic,
  parseDownTopic,
  parseEnvelope,
  parseWith,
  pauseBeforeConnect,
  type Response,
  type Serial,
  type TenantId,
  terminalFilters,
  type UpTopic,
  upTopic,
} from '@tsunagu/protocols/fleet';
import { type Fault, fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { type IClientOptions, MqttClient } from 'mqtt';
import type { z } from 'zod';
import { type ContactKeeper, contactInMemory } from './contact.ts';
import { fraction } from './pauses.ts';
import type { SecureNetwork } from './secure.ts';

/** The body of a fleet message by its name. */
export type Body<Name extends MessageName> = z.input<(typeof messages)[Name]>;

/** What the terminal does with what comes down. Called in the order of arrival; they must not block. */
export interface LinkHandlers {
  /** The birth message, made anew for each connection. */
  hello(): Body<'hello'>;
  /** The link is up, and hello is at the server. */
  up(): void;
  down(): void;
  notified(work: z.output<typeof messages.notify>): void;
  /** A head of a negative list and its overlay, as the broker has them: unread. */
  negativeHead(list: string, bytes: Uint8Array): void;
}

export interface LinkOptions {
  readonly world: World;
  readonly tenant: TenantId;
  readonly serial: Serial;
  /** The boot sequence: it goes into every envelope. */
  readonly boot: number;
  readonly network: SecureNetwork;
  readonly keepaliveSeconds?: number;
  /** When to come; what the server says about it goes there. Unless told, kept until the end of the process. */
  readonly contact?: ContactKeeper;
  /** Told when the server does not want us; the link goes on trying. */
  readonly refused?: ((fault: Fault) => void) | undefined;
}

/** What a caller may say about a message. */
export interface Sending {
  /** The same message sent again keeps its id. */
  readonly id?: string;
  readonly retain?: boolean;
}

/** W1, seen from the terminal. */
export interface Link {
  readonly isUp: boolean;
  /** Whether a connection was tried and ended, or never came: with `isUp` false there is no line, as far as this boot knows. */
  readonly wasTried: boolean;
  /** Connects, and again whenever the connection is lost. Once. */
  start(handlers: LinkHandlers): void;
  /** Counts of what was dropped, by code. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Sends at QoS 1 and resolves when the broker has it. */
  publish<Name extends MessageName>(
    topic: UpTopic,
    ct: Name,
    body: Body<Name>,
    sending?: Sending,
  ): Promise<Result<void, 'LINK_DOWN'>>;
  /** Sends a message and waits for the answer to it. */
  ask<Name extends MessageName>(
    topic: UpTopic | { readonly kind: 'pull' },
    ct: Name,
    body: Body<Name>,
    timeoutMs?: number,
  ): Promise<Result<Response, 'LINK_DOWN' | 'ANSWER_TIMED_OUT'>>;
  /** Drops the connection and dials anew: the way to the server has changed. */
  redial(): void;
  /** Says that it goes on purpose, and closes. */
  stop(): Promise<void>;
}

const connectTimeoutMs = 10_000;
const answerTimeoutMs = 10_000;
/** The most questions that wait for their answer at a time. */
const pendingMax = 32;
/** A connection that lived so long was a good one: the next pause is short again. */
const goodAfterMs = 10_000;

/** Makes the link. It is down until it is started. */
export const openLink = (options: LinkOptions): Link => new FleetLink(options);

class FleetLink implements Link {
  readonly dropped: Record<string, number> = {};
  readonly #options: LinkOptions;
  readonly #contact: ContactKeeper;
  readonly #stopping = new AbortController();
  readonly #pending = new Map<string, (answer: Result<Response, 'LINK_DOWN' | 'ANSWER_TIMED_OUT'>) => void>();
  #client: MqttClient | undefined;
  #isUp = false;
  #wasTried = false;
  #seq = 0;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#contact = options.contact ?? contactInMemory();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get wasTried(): boolean {
    return this.#wasTried;
  }

  start(handlers: LinkHandlers): void {
    this.#ended = this.#keepConnected(handlers);
  }

  async #keepConnected(handlers: LinkHandlers): Promise<void> {
    const { world } = this.#options;
    const pause = (beforeMs: number | undefined): number =>
      pauseBeforeConnect(this.#contact.current, beforeMs, fraction(world));
    const sleep = (ms: number): Promise<void> => world.timers.sleep(ms, this.#stopping.signal).catch(() => undefined);
    // Power comes back to a whole town at once.
    let pauseMs = pause(undefined);
    if (pauseMs > 0) await sleep(pauseMs);
    while (!this.#stopping.signal.aborted) {
      const startedMs = world.clock.monotonicMs();
      const ended = await this.#connectOnce(handlers);
      this.#wasTried = true;
      if (this.#stopping.signal.aborted) return;
      const wasGood = world.clock.monotonicMs() - startedMs > goodAfterMs;
      // Also in a fleet without a spread nobody dials again in the same moment.
      pauseMs = wasGood ? Math.max(pause(undefined), pause(0)) : pause(pauseMs);
      world.log('info', 'linkLost', { fault: ended, pauseMs });
      if (ended.code === 'LINK_REFUSED') this.#options.refused?.(ended);
      await sleep(pauseMs);
    }
  }

  /** One connection from its beginning to its end. */
  async #connectOnce(handlers: LinkHandlers): Promise<Fault> {
    const { world, network } = this.#options;
    const opened = await network.open('fleet', connectTimeoutMs);
    // A connection that broke in its handshake says nothing about us.
    if (!opened.ok)
      return opened.fault.code !== 'LINK_REFUSED' || isRefusal(opened.fault.cause)
        ? opened.fault
        : { ...opened.fault, code: 'LINK_DOWN' };
    if (this.#stopping.signal.aborted) {
      opened.value.destroy();
      return fail('LINK_DOWN').fault;
    }
    const client = new MqttClient(() => opened.value, this.#clientOptions());
    this.#client = client;
    const closed = new Promise<void>((resolve) => client.once('close', resolve));
    let error: unknown;
    client.on('error', (cause) => {
      error = cause;
    });
    client.on('message', (topic, payload) => this.#arrived(topic, payload, handlers));
    try {
      const connected = await Promise.race([this.#birth(client, handlers), closed.then(() => false)]);
      if (connected) {
        world.log('info', 'linkUp');
        handlers.up();
        await closed;
      }
    } catch (cause) {
      error ??= cause;
    } finally {
      const wasUp = this.#isUp;
      this.#isUp = false;
      this.#client = undefined;
      client.end(true);
      opened.value.destroy();
      for (const settle of this.#pending.values()) settle(fail('LINK_DOWN'));
      if (wasUp) handlers.down();
    }
    return fail(isRefusal(error) ? 'LINK_REFUSED' : 'LINK_DOWN', { cause: error }).fault;
  }

  #clientOptions(): IClientOptions {
    const { tenant, serial, keepaliveSeconds = 30 } = this.#options;
    return {
      protocolVersion: 4,
      clientId: serial,
      clean: true,
      keepalive: keepaliveSeconds,
      // Each connection is a client of its own: the pauses between them are ours, with jitter.
      reconnectPeriod: 0,
      connectTimeout: connectTimeoutMs,
      resubscribe: false,
      queueQoSZero: false,
      timerVariant: 'native',
      will: {
        topic: upTopic(tenant, serial, { kind: 'presence' }),
        payload: encodeEnvelope(this.#wrap('presence', { state: 'lost' })),
        qos: 1,
        retain: true,
      },
    };
  }

  /** Connects, subscribes, says that it is there and what it has. */
  async #birth(client: MqttClient, handlers: LinkHandlers): Promise<boolean> {
    const { tenant, serial } = this.#options;
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
    });
    const granted = await client.subscribeAsync([...terminalFilters(tenant, serial)], { qos: 1 });
    if (granted.some(({ qos }) => qos === 128)) throw new Error('a subscription was refused');
    // From here on it may be used: the server's notice can overtake the acknowledgement of the hello.
    this.#isUp = true;
    await this.#send(client, { kind: 'presence' }, this.#wrap('presence', { state: 'ready' }), true);
    await this.#send(client, { kind: 'hello' }, this.#wrap('hello', handlers.hello()), false);
    return true;
  }

  #wrap<Name extends MessageName>(ct: Name, body: Body<Name>, more: { id?: string; corr?: string } = {}): Envelope {
    const { world, boot } = this.#options;
    this.#seq += 1;
    return {
      v: 1,
      id: more.id ?? world.id(),
      ...(more.corr !== undefined && { corr: more.corr }),
      iat: Math.max(0, Math.round(world.clock.now())),
      boot,
      seq: this.#seq,
      ct,
      body,
    };
  }

  async #send(client: MqttClient, topic: UpTopic, message: Envelope, retain: boolean): Promise<void> {
    const { tenant, serial, world } = this.#options;
    const late = new AbortController();
    const timer = world.timers.after(answerTimeoutMs, () => late.abort());
    const lateness = new Promise<never>((_, reject) => {
      late.signal.addEventListener('abort', () => reject(new Error('no acknowledgement')), { once: true });
    });
    try {
      await Promise.race([
        client.publishAsync(upTopic(tenant, serial, topic), encodeEnvelope(message), { qos: 1, retain }),
        lateness,
      ]);
    } finally {
      timer.cancel();
    }
  }

  async publish<Name extends MessageName>(
    topic: UpTopic,
    ct: Name,
    body: Body<Name>,
    { id, retain = false }: Sending = {},
  ): Promise<Result<void, 'LINK_DOWN'>> {
    if (!this.#client || !this.#isUp) return fail('LINK_DOWN');
    return this.#trySend(topic, this.#wrap(ct, body, id === undefined ? {} : { id }), retain);
  }

  async #trySend(topic: UpTopic, message: Envelope, retain: boolean): Promise<Result<void, 'LINK_DOWN'>> {
    const client = this.#client;
    if (!client?.connected) return fail('LINK_DOWN');
    try {
      await this.#send(client, topic, message, retain);
      return ok(undefined);
    } catch (cause) {
      return fail('LINK_DOWN', { cause });
    }
  }

  async ask<Name extends MessageName>(
    topic: UpTopic | { readonly kind: 'pull' },
    ct: Name,
    body: Body<Name>,
    timeoutMs = answerTimeoutMs,
  ): Promise<Result<Response, 'LINK_DOWN' | 'ANSWER_TIMED_OUT'>> {
    const { world } = this.#options;
    if (!this.#isUp || this.#pending.size >= pendingMax)
      return fail('LINK_DOWN', { facts: { pending: this.#pending.size } });
    const corr = world.id();
    const answered = new Promise<Result<Response, 'LINK_DOWN' | 'ANSWER_TIMED_OUT'>>((resolve) => {
      const timer = world.timers.after(timeoutMs, () => settle(fail('ANSWER_TIMED_OUT')));
      const settle = (answer: Result<Response, 'LINK_DOWN' | 'ANSWER_TIMED_OUT'>): void => {
        timer.cancel();
        this.#pending.delete(corr);
        resolve(answer);
      };
      this.#pending.set(corr, settle);
    });
    const sent = await this.#trySend(
      topic.kind === 'pull' ? { kind: 'request', corr } : topic,
      this.#wrap(ct, body, { corr }),
      false,
    );
    if (!sent.ok) this.#pending.get(corr)?.(sent);
    return answered;
  }

  #arrived(topic: string, payload: Uint8Array, handlers: LinkHandlers): void {
    const read = this.#read(topic, payload, handlers);
    if (read.ok) return;
    const { code } = read.fault;
    this.dropped[code] = (this.dropped[code] ?? 0) + 1;
    this.#options.world.log('warn', 'messageDropped', { fault: read.fault, total: this.dropped[code] });
  }

  #read(
    topic: string,
    payload: Uint8Array,
    handlers: LinkHandlers,
  ): Result<void, 'MESSAGE_INVALID' | 'MESSAGE_EXPIRED'> {
    const { tenant, serial, world } = this.#options;
    const list = topic.slice(topic.lastIndexOf('/') + 1);
    if (topic === negativeHeadTopic(tenant, list)) {
      handlers.negativeHead(list, Uint8Array.from(payload));
      return ok(undefined);
    }
    const message = parseEnvelope(payload);
    if (!message.ok) return fail('MESSAGE_INVALID', { field: 'envelope', cause: message.fault });
    const { ct, body, exp } = message.value;
    const down = parseDownTopic(tenant, serial, topic);
    // Whoever asked waits by a clock that never steps: a terminal whose time of day is wrong has to hear what time it is.
    if (down?.kind === 'response') return this.#answered(down.corr, body);
    if (exp !== undefined && exp < world.clock.now()) return fail('MESSAGE_EXPIRED', { field: ct });
    if (down?.kind === 'notify') {
      const work = parseWith(messages.notify, body);
      if (!work.ok) return fail('MESSAGE_INVALID', { field: 'notify', cause: work.fault });
      if (work.value.contact) this.#contact.keep(work.value.contact);
      handlers.notified(work.value);
      return ok(undefined);
    }
    return fail('MESSAGE_INVALID', { field: 'topic' });
  }

  #answered(corr: string, body: unknown): Result<void, 'MESSAGE_INVALID'> {
    const answer = parseWith(messages.response, body);
    if (!answer.ok) return fail('MESSAGE_INVALID', { field: 'response', cause: answer.fault });
    // An answer that nobody waits for any more came late: it costs nothing.
    this.#pending.get(corr)?.(ok(answer.value));
    return ok(undefined);
  }

  redial(): void {
    this.#client?.end(true);
  }

  async stop(): Promise<void> {
    const client = this.#client;
    if (client && this.#isUp) {
      await this.#trySend({ kind: 'presence' }, this.#wrap('presence', { state: 'disconnected' }), true);
      this.#stopping.abort(new Error('stopped'));
      await client.endAsync(false).catch(() => undefined);
    }
    this.#stopping.abort(new Error('stopped'));
    client?.end(true);
    await this.#ended;
  }
}

/** A no to this very terminal: CONNACK 2, 4 or 5 (MQTT 3.1.1, table 3.1), or a certificate that one of the two ends does not take. */
function isRefusal(cause: unknown): boolean {
  if (!(cause instanceof Error) || !('code' in cause)) return false;
  const { code } = cause;
  return code === 2 || code === 4 || code === 5 || (typeof code === 'string' && /^ERR_SSL_|CERT/.test(code));
}
