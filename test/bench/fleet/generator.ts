// Terminals of the fleet bench, in a process of their own: bare TLS sockets and as little MQTT as there is to it.
import { readFileSync } from 'node:fs';
import { createSecureContext, connect, type SecureContext, type TLSSocket } from 'node:tls';
import {
  type Contact,
  contact,
  defaultContact,
  parseDownTopic,
  pauseBeforeConnect,
  serialSchema,
  tenantSchema,
} from '@tsunagu/protocols/fleet';
import { generate } from 'mqtt-packet';
import type { Fleet } from './seed.ts';

/** What the bench asks of a generator. */
export type Order =
  | { readonly do: 'connect'; readonly concurrency: number; readonly resume: boolean; readonly keepTrying?: boolean }
  | { readonly do: 'birth'; readonly concurrency: number }
  | { readonly do: 'subscribe'; readonly topic: string }
  | { readonly do: 'await'; readonly notices: number; readonly timeoutMs: number; readonly frozen?: boolean }
  | { readonly do: 'work' }
  | { readonly do: 'tally' }
  | { readonly do: 'freeze' }
  | { readonly do: 'thaw' }
  | { readonly do: 'hangUp' };

const [file = '', fromText = '', toText = '', portText = '', tenantText = ''] = process.argv.slice(2);
const tenant = tenantSchema.parse(tenantText);
const fleet = JSON.parse(readFileSync(file, 'utf8')) as Fleet;
const [from, to, port] = [Number(fromText), Number(toText), Number(portText)];

/** Nanoseconds of a clock that all processes of a machine share, in milliseconds. */
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
const say = (message: object): void => void process.send?.(message);

/** Answers that a frozen terminal asks for and does not read: several times what the buffers of a loopback connection hold. */
const frozenPulls = 2_000;
/** How long an agent waits for its hello before it hangs up and comes once more (`firmware-bridge/src/link`). */
const helloTimeoutMs = 10_000;

class Terminal {
  readonly serial: string;
  readonly index: number;
  socket: TLSSocket | undefined;
  session: Buffer | undefined;
  resumed = false;
  boot = 1;
  seq = 0;
  isReady = false;
  /** Until the next of what it waits for. */
  waiting: Map<string, (value: Buffer | undefined) => void> = new Map();
  arrivals: number[] = [];
  /** job → attempts under which an order came, and whether its end was acknowledged. */
  jobs = new Map<string, { runs: number; acknowledged: boolean; attempt: number }>();
  twice = 0;
  isWorking = false;
  contact: Contact = defaultContact;
  onClosed: (() => void) | undefined;
  #again = false;
  #rest: Buffer = Buffer.alloc(0);
  #loaded: SecureContext | undefined;

  constructor(index: number) {
    this.index = index;
    this.serial = fleet.terminals[index]?.serial ?? '';
  }

  /** Its certificate and key, ready for TLS. A terminal has them before it dials: to read them is no part of what a connect costs. */
  load(): void {
    this.#context();
  }

  #context(): SecureContext {
    return (this.#loaded ??= createSecureContext({
      ca: fleet.root,
      cert: fleet.terminals[this.index]?.certificate,
      key: fleet.key,
      minVersion: 'TLSv1.3',
    }));
  }

  get #prefix(): string {
    return `tms/v1/${tenant}/${this.serial}`;
  }

  envelope(ct: string, body: object, more: object = {}): string {
    this.seq += 1;
    return JSON.stringify({
      v: 1,
      id: `${this.serial}-${this.boot}-${this.seq}`,
      iat: Date.now(),
      boot: this.boot,
      seq: this.seq,
      ct,
      body,
      ...more,
    });
  }

  connect(resume: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      this.isReady = false;
      this.#rest = Buffer.alloc(0);
      let settled = false;
      const settle = (up: boolean): void => {
        if (settled) return;
        settled = true;
        this.isReady = up;
        if (!up) socket.destroy();
        resolve(up);
      };
      // node:net takes `localAddress`; the types of node:tls do not know it.
      const how = {
        host: '127.0.0.1',
        // Several source addresses: one pair of addresses has 28,000 ports.
        localAddress: `127.0.0.${2 + (this.index % 8)}`,
        port,
        secureContext: this.#context(),
        ...(resume && this.session !== undefined && { session: this.session }),
      };
      const socket = connect(how);
      this.socket = socket;
      socket.setNoDelay(true);
      socket.on('session', (session) => {
        this.session = session;
      });
      socket.once('secureConnect', () => {
        this.resumed = socket.isSessionReused();
        socket.write(
          generate({
            cmd: 'connect',
            protocolId: 'MQTT',
            protocolVersion: 4,
            clientId: this.serial,
            clean: true,
            keepalive: 590,
            will: {
              topic: `${this.#prefix}/up/presence`,
              payload: Buffer.from(this.envelope('presence', { state: 'lost' })),
              qos: 1,
              retain: false,
            },
          }),
        );
      });
      this.waiting.set('connack', (packet) => settle(packet?.[3] === 0));
      socket.on('data', (chunk: Buffer) => this.#read(chunk));
      socket.once('error', () => settle(false));
      socket.once('close', () => {
        settle(false);
        // A later connection has its place.
        if (this.socket !== socket) return;
        this.isReady = false;
        // What this connection was asked for is not coming any more.
        for (const nothing of this.waiting.values()) nothing(undefined);
        this.waiting.clear();
        this.onClosed?.();
      });
      setTimeout(() => settle(false), 60_000).unref();
    });
  }

  #read(chunk: Buffer): void {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (;;) {
      if (bytes.length < 2) break;
      let length = 0;
      let at = 1;
      for (; at < 5 && at < bytes.length; at++) {
        length |= ((bytes[at] ?? 0) & 0x7f) << (7 * (at - 1));
        if (((bytes[at] ?? 0) & 0x80) === 0) break;
      }
      at += 1;
      if (bytes.length < at + length) break;
      this.#packet((bytes[0] ?? 0) >> 4, bytes.subarray(0, at + length), at);
      bytes = bytes.subarray(at + length);
    }
    this.#rest = bytes.length > 0 ? Buffer.from(bytes) : Buffer.alloc(0);
  }

  #packet(type: number, packet: Buffer, body: number): void {
    if (type === 2) return this.#settle('connack', packet);
    if (type === 4) return this.#settle(`ack${packet.readUInt16BE(body)}`, packet);
    if (type === 9) return this.#settle('suback', packet);
    if (type !== 3) return;
    const topicLength = packet.readUInt16BE(body);
    const topic = packet.toString('utf8', body + 2, body + 2 + topicLength);
    const qos = ((packet[0] ?? 0) >> 1) & 3;
    const at = body + 2 + topicLength;
    if (qos > 0) this.socket?.write(Buffer.of(0x40, 2, packet[at] ?? 0, packet[at + 1] ?? 0));
    this.#message(topic, packet.subarray(at + (qos > 0 ? 2 : 0)), (packet[0] ?? 0) & 1);
  }

  #settle(what: string, packet: Buffer): void {
    const settle = this.waiting.get(what);
    this.waiting.delete(what);
    settle?.(packet);
  }

  #message(topic: string, payload: Buffer, retained: number): void {
    if (topic.includes('/bc/neg/')) {
      if (!retained) {
        this.arrivals.push(nowMs());
        noticed();
      }
      return;
    }
    const down = parseDownTopic(tenant, serialSchema.parse(this.serial), topic);
    if (down?.kind === 'notify') {
      this.#settle('notify', payload);
      const { body } = JSON.parse(payload.toString());
      const told = contact.safeParse(body.contact);
      if (told.success) this.contact = told.data;
      if (body.jobs > 0 && work) void this.workOn();
    } else if (down?.kind === 'response') this.#settle(`res${down.corr}`, payload);
  }

  until(what: string, timeoutMs = 30_000): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiting.delete(what);
        resolve(undefined);
      }, timeoutMs);
      this.waiting.set(what, (value) => {
        clearTimeout(timer);
        resolve(value);
      });
    });
  }

  subscribe(topics: readonly string[]): Promise<Buffer | undefined> {
    const answered = this.until('suback');
    this.socket?.write(
      generate({
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: topics.map((topic) => ({ topic, qos: 1 as const })),
      }),
    );
    return answered;
  }

  /** Subscribes, says hello, and waits for what the server has for it. */
  async birth(): Promise<boolean> {
    if (!this.isReady) return false;
    await this.subscribe([`${this.#prefix}/dn/#`, `tms/v1/${tenant}/bc/neg/+`]);
    const notified = this.until('notify', helloTimeoutMs);
    this.publish(
      'up/hello',
      this.envelope('hello', {
        model: 'CT-5100',
        software: { version: '0.1.0', slot: 'A' },
        configuration: { version: 0, hash: '' },
        keys: [],
        negative: [],
        cards: [],
      }),
    );
    return (await notified) !== undefined;
  }

  #id = 1;
  publish(topic: string, payload: string): number {
    this.#id = (this.#id % 60_000) + 2;
    this.socket?.write(
      generate({
        cmd: 'publish',
        topic: `${this.#prefix}/${topic}`,
        payload,
        qos: 1,
        messageId: this.#id,
        dup: false,
        retain: false,
      }),
    );
    return this.#id;
  }

  async #ask(topic: (corr: string) => string, ct: string, body: object): Promise<Record<string, unknown> | undefined> {
    const corr = `${this.boot}-${this.seq + 1}`;
    const answered = this.until(`res${corr}`, 10_000);
    this.publish(topic(corr), this.envelope(ct, body, { corr }));
    const payload = await answered;
    return payload && JSON.parse(payload.toString()).body;
  }

  /** Pulls jobs and reports each done until the server has none. A job is worked on once: its end is reported until acknowledged. */
  async workOn(): Promise<void> {
    // What woke it once more may be what the one at work has just not seen.
    this.#again = this.isWorking;
    if (this.isWorking) return;
    this.isWorking = true;
    try {
      for (let pulls = 0; pulls < 20 && this.isReady; pulls++) {
        for (const [job, kept] of this.jobs) if (!kept.acknowledged) await this.#report(job, kept);
        const answer = await this.#ask((corr) => `up/req/${corr}`, 'request', { pull: 'job' });
        // What was not answered in time is asked again, as an agent does: the server may be busy with a fleet that comes back.
        if (!answer) continue;
        const order = answer['order'] as { payload: string } | null;
        if (!order) {
          if ([...this.jobs.values()].every(({ acknowledged }) => acknowledged)) return;
          continue;
        }
        const { job, attempt } = JSON.parse(order.payload) as { job: string; attempt: number };
        const before = this.jobs.get(job);
        if (before?.acknowledged || (before && before.attempt !== attempt)) this.twice += 1;
        if (!before) this.jobs.set(job, { runs: 1, acknowledged: false, attempt });
      }
    } finally {
      this.isWorking = false;
      if (this.#again && this.isReady) void this.workOn();
    }
  }

  async #report(job: string, kept: { acknowledged: boolean; attempt: number }): Promise<void> {
    const answer = await this.#ask(() => `up/job/${job}`, 'job', {
      attempt: kept.attempt,
      state: 'succeeded',
      boot: this.boot + 1,
    });
    if (answer?.['kind'] === 'acknowledged') kept.acknowledged = true;
  }
}

const terminals = Array.from({ length: to - from }, (_, index) => new Terminal(from + index));
let work = false;
let noticed = (): void => undefined;
let keepTrying = false;

/** Runs `each` for all, so many at a time. */
async function inParallel(concurrency: number, each: (terminal: Terminal) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (;;) {
        const terminal = terminals[next++];
        if (!terminal) return;
        await each(terminal);
      }
    }),
  );
}

/** Comes back by the contract, with what the server handed out. */
async function comeBack(terminal: Terminal): Promise<void> {
  let pauseMs = pauseBeforeConnect(terminal.contact, undefined, Math.random());
  while (keepTrying) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if ((await terminal.connect(true)) && (await terminal.birth())) {
      // An end that was reported and not acknowledged is reported again.
      void terminal.workOn();
      return;
    }
    terminal.socket?.destroy();
    pauseMs = pauseBeforeConnect(terminal.contact, pauseMs, Math.random());
  }
}

const comingBack = new Set<Terminal>();
/** A try that fails closes its connection too: that is no second loss. */
async function comeBackOnce(terminal: Terminal): Promise<void> {
  if (!keepTrying || comingBack.has(terminal)) return;
  comingBack.add(terminal);
  await comeBack(terminal);
  comingBack.delete(terminal);
}

async function obey(order: Order): Promise<object> {
  switch (order.do) {
    case 'connect': {
      const latencies: number[] = [];
      let [failed, resumed] = [0, 0];
      const started = nowMs();
      await inParallel(order.concurrency, async (terminal) => {
        const began = nowMs();
        if (!(await terminal.connect(order.resume))) failed += 1;
        if (terminal.resumed) resumed += 1;
        latencies.push(nowMs() - began);
      });
      return { started, ended: nowMs(), failed, resumed, latencies };
    }
    case 'birth': {
      const latencies: number[] = [];
      let failed = 0;
      const started = nowMs();
      await inParallel(order.concurrency, async (terminal) => {
        const began = nowMs();
        if (!(await terminal.birth())) failed += 1;
        latencies.push(nowMs() - began);
      });
      return { started, ended: nowMs(), failed, latencies };
    }
    case 'subscribe': {
      await inParallel(50, async (terminal) => void (await terminal.subscribe([order.topic])));
      return {};
    }
    case 'await': {
      for (const terminal of terminals) terminal.arrivals = [];
      const expected = terminals.filter(({ isReady }) => isReady).length * order.notices;
      const done = new Promise<void>((resolve) => {
        let seen = 0;
        const timer = setTimeout(resolve, order.timeoutMs);
        noticed = () => {
          if (++seen < expected) return;
          clearTimeout(timer);
          resolve();
        };
      });
      say({ waiting: true });
      await done;
      return { arrivals: terminals.map(({ arrivals }) => arrivals), expected };
    }
    case 'work': {
      work = true;
      keepTrying = true;
      for (const terminal of terminals) terminal.onClosed = () => void comeBackOnce(terminal);
      for (const terminal of terminals) void terminal.workOn();
      return {};
    }
    case 'tally': {
      const jobs = terminals.flatMap((terminal) => [...terminal.jobs.values()]);
      return {
        idle: terminals.filter((terminal) => terminal.isReady && !comingBack.has(terminal)).length,
        ready: terminals.filter(({ isReady }) => isReady).length,
        taken: jobs.length,
        acknowledged: jobs.filter(({ acknowledged }) => acknowledged).length,
        twice: terminals.reduce((sum, { twice }) => sum + twice, 0),
        resumed: terminals.filter(({ resumed }) => resumed).length,
      };
    }
    case 'freeze': {
      // It takes nothing more off the line, and asks for so much that the buffers on the way to it fill up: its window closes.
      const frozen = terminals[0];
      frozen?.socket?.pause();
      // Nobody waits for it any more.
      if (frozen) frozen.isReady = false;
      for (let asked = 0; asked < frozenPulls; asked++)
        frozen?.publish(`up/req/f${asked}`, frozen.envelope('request', { pull: 'time' }));
      return {};
    }
    case 'thaw': {
      // By now the server may have cut it off: it comes back as one that was.
      const frozen = terminals[0];
      frozen?.socket?.destroy();
      const isBack = frozen !== undefined && (await frozen.connect(true)) && (await frozen.birth());
      return { isBack };
    }
    case 'hangUp': {
      keepTrying = false;
      for (const terminal of terminals) {
        terminal.onClosed = undefined;
        terminal.socket?.destroy();
        terminal.isReady = false;
      }
      return {};
    }
  }
}

process.on('message', (order: Order) => void obey(order).then((done) => say({ done })));
process.on('disconnect', () => process.exit(0));
for (const terminal of terminals) terminal.load();
say({ loaded: terminals.length });
