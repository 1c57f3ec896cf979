import {
  downTopic,
  type DownTopic,
  type Envelope,
  encodeEnvelope,
  type JobBody,
  type MessageName,
  messageOn,
  messages,
  type Notify,
  parseEnvelope,
  parseWith,
  type Response,
  type SaleResult,
  type Serial,
  type TenantId,
  type UpTopic,
} from '@tsunagu/protocols/fleet';
import { fail, type Fault, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import type { z } from 'zod';
import type { Broker } from '../broker/index.ts';
import { type Estate, mayNow } from '../estate/index.ts';
import type { TrustKnown } from '../identity/index.ts';
import { openAsking } from './asking.ts';
import { contactOf } from './contact.ts';
import { type Chain, isTold, type Jobs } from '../jobs/index.ts';
import {
  bindSubject,
  dailyAlarm,
  eraseSubject,
  type Keys,
  loadSubject,
  protectionChain,
  receiveSubject,
  releaseSubject,
} from '../keys/index.ts';
import type { Negative } from '../negative/index.ts';
import type { Database, Store } from '../store/index.ts';
import type { Twin } from '../twin/index.ts';

/** An answer to a pull is worth nothing after this. */
const answerLifeMs = 30_000;

/** Wraps what the server says. */
export const wrap = (
  world: Pick<World, 'clock' | 'id'>,
  ct: MessageName,
  body: unknown,
  more: Partial<Envelope> = {},
) => encodeEnvelope({ v: 1, id: world.id(), iat: world.clock.now(), boot: 0, seq: 0, ct, body, ...more });

/** The rooms that a terminal talks to. */
export interface ConversationRooms {
  readonly world: World;
  readonly store: Store;
  readonly tenant: TenantId;
  readonly broker: () => Pick<Broker, 'send' | 'isConnected'>;
  readonly estate: Estate;
  readonly twin: () => Twin;
  readonly jobs: () => Jobs;
  readonly keys: Keys;
  readonly negative: () => Pick<Negative, 'observe'>;
  readonly trust: TrustKnown;
  /** How many terminals may come back at once. */
  readonly fleetSize: () => number;
  /** A terminal says that its case was opened: it is cut off. False: it is already, or is at the bench, where that is done on purpose. */
  readonly tampered: (serial: Serial, sensor: string, seenMs: number) => Promise<boolean>;
  /** A sale that a terminal ended; the switch knows those that it decided itself. */
  readonly saleEnded: (serial: Serial, sale: SaleResult, at: number, messageId: string) => Promise<void>;
}

/** W1 above the broker: understands what terminals say, lets the rooms act, and answers. */
export interface Conversation {
  /**
   * Takes a message of an admitted terminal from its own subtree. When it resolves its effect is on disk.
   * @param fingerprint of the certificate that its connection was admitted with; undefined where the broker cannot tell
   */
  received(serial: Serial, topic: UpTopic, payload: Uint8Array, fingerprint?: string): Promise<void>;
  /** Certificates ended, in the transaction that ends them: what their connections still say is no longer the terminal's word. */
  ended(fingerprints: readonly string[]): void;
  notify(serial: Serial, work: Notify): void;
  /** Has these terminals say hello now, those that are connected: what they are to hold has changed. After the commit. */
  askHello(serials: readonly Serial[]): void;
  close(): void;
}

/** An alarm about a terminal's boots comes at most so often, and is remembered of so many. */
const tellAgainMs = 600_000;
const dayMs = 86_400_000;
const toldMax = 10_000;
/** Ended certificates that are remembered: for as long as their connections take to close. */
const endedMax = 10_000;
const refusalLineMs = 1_000;

type Received = Result<
  void,
  | 'INPUT_INVALID'
  | 'MESSAGE_STALE'
  | 'BOOT_IMPLAUSIBLE'
  | 'TERMINAL_UNKNOWN'
  | 'JOB_UNKNOWN'
  | 'CLIENT_CERTIFICATE_REFUSED'
>;

/** Whose word it is: boots are counted under a certificate, and another device may have the serial by now. */
interface Speaker {
  readonly serial: Serial;
  readonly fingerprint: string | undefined;
}

export function openConversation(rooms: ConversationRooms): Conversation {
  const { world, store, estate, keys } = rooms;

  const send = (serial: Serial, topic: DownTopic, ct: MessageName, body: unknown, more: Partial<Envelope> = {}): void =>
    rooms.broker().send(serial, downTopic(rooms.tenant, serial, topic), wrap(world, ct, body, more));

  const answer = (serial: Serial, corr: string, body: Response): void =>
    send(serial, { kind: 'response', corr }, 'response', body, { corr, exp: world.clock.now() + answerLifeMs });

  const notify = (serial: Serial, work: Notify): void => send(serial, { kind: 'notify' }, 'notify', work);

  const alarmDaily = dailyAlarm(world, estate.note);
  const ended = new Set<string>();
  /** When a refused message of a terminal was written down last, and how many were not since. */
  const refusals = new Map<Serial, { readonly atMs: number; unwritten: number }>();
  /** Asked inside a transaction: whoever ended a certificate did so in one before it, or will in one after it. */
  const isEnded = ({ fingerprint }: Speaker): boolean => fingerprint !== undefined && ended.has(fingerprint);
  const endedMeanwhile = () => fail('CLIENT_CERTIFICATE_REFUSED', { facts: { isEnded: true } });

  /** When a terminal was last told of that says another boot than it can. */
  const toldOf = new Map<Serial, number>();
  /** A terminal that is here and not believed looks like one that is away: people are told why. */
  async function tellOfBoot(serial: Serial, boot: number, { code, facts }: Fault): Promise<void> {
    const newest = Number(facts?.['newest'] ?? 0);
    if (code === 'MESSAGE_STALE' && boot >= newest) return;
    const now = world.clock.monotonicMs();
    if (now - (toldOf.get(serial) ?? Number.NEGATIVE_INFINITY) < tellAgainMs) return;
    if (toldOf.size >= toldMax) toldOf.clear();
    toldOf.set(serial, now);
    await estate.alarm(serial, code === 'MESSAGE_STALE' ? 'BOOT_BEHIND' : code, `${newest} / ${boot}`);
  }

  /** Orders what a terminal lacks of keys. One that refuses again and again is a person's to look at. */
  async function orderKey(tx: Transaction<Database>, serial: Serial, body: JobBody, subject: string, chain: Chain) {
    const refusals = await rooms.jobs().queueAgainIn(tx, serial, body, subject, chain);
    if (!refusals || !isTold(refusals)) return;
    const detail = `${subject}: ${refusals.count} × ${refusals.fault ?? ''}`;
    await estate.note(tx, serial, 'alarm', { code: 'KEY_ORDER_REFUSED', detail });
  }

  async function hello(by: Speaker, message: Envelope, body: z.output<typeof messages.hello>): Promise<Received> {
    const { serial } = by;
    const seenMs = world.clock.monotonicMs();
    await keys.prepare(serial);
    const outcome = await store.write(async (tx) => {
      if (isEnded(by)) return endedMeanwhile();
      const said = await estate.hello(tx, serial, message, body);
      if (!said.ok) return said;
      const configuration = await rooms.twin().reports.observe(tx, serial, message, body.configuration);
      if (await rooms.negative().observe(tx, serial, body.negative)) {
        const list = body.negative[0];
        await estate.note(tx, serial, 'negative-applied', {
          version: list?.version ?? 0,
          overlaySeq: list?.overlaySeq ?? 0,
        });
      }
      const open = await rooms.jobs().openSubjects(tx, serial);
      const { loads, loaded, erases, bind, foreign } = await keys.reconcile(tx, serial, body.keys, (slot) =>
        open.has(loadSubject(slot)),
      );
      for (const key of foreign ?? []) await alarmDaily(tx, serial, { code: 'KEY_FOREIGN', ...key });
      const aheadMs = message.iat - world.clock.now();
      const days = Math.round(aheadMs / dayMs);
      if (Math.abs(aheadMs) >= dayMs)
        await alarmDaily(tx, serial, { code: 'CLOCK_WRONG', detail: `${days > 0 ? '+' : ''}${days} d` });
      // A tampered terminal takes no keys: it goes to the workshop. Nor does one whose state of life does not permit it, and one that is being
      // wiped or unbound is to lose those it has.
      const isWiping = [...open].some((subject) => subject.startsWith('terminal.wipe/') || subject === releaseSubject);
      const lacksKeys = loads.length > 0 || bind !== undefined;
      const mayBeKeyed = lacksKeys && !body.tampered && !isWiping && (await mayNow(tx, serial, 'beKeyed')).ok;
      for (const load of mayBeKeyed ? loads : []) {
        const subject = loadSubject(load.slot);
        await orderKey(tx, serial, { type: 'key.load', params: load }, subject, [subject]);
      }
      if (mayBeKeyed && bind && !open.has(bindSubject) && !open.has(receiveSubject))
        await orderKey(tx, serial, { type: 'key.bind', params: bind }, bindSubject, protectionChain);
      for (const erase of isWiping ? [] : erases) {
        const subject = eraseSubject(erase.slot);
        if (!open.has(subject)) await orderKey(tx, serial, { type: 'key.erase', params: erase }, subject, [subject]);
      }
      for (const slot of loaded) await estate.note(tx, serial, 'key-loaded', { slot, seenIn: 'hello' });
      const trust = await rooms.trust.heard(tx, serial, body.trust ?? 1);
      const orders = mayBeKeyed || erases.length > 0 ? await rooms.jobs().openSubjects(tx, serial) : open;
      return ok({ configuration, trust, jobs: orders.size });
    });
    if (!outcome.ok) {
      const { code } = outcome.fault;
      if (code === 'MESSAGE_STALE' || code === 'BOOT_IMPLAUSIBLE')
        await tellOfBoot(serial, message.boot, outcome.fault);
      return outcome;
    }
    // What it said when it happened may have been lost.
    if (body.tampered && (await rooms.tampered(serial, body.tampered.sensor, seenMs))) return ok(undefined);
    const { configuration, jobs, trust } = outcome.value;
    estate.announce(serial);
    notify(serial, {
      jobs,
      ...(configuration !== undefined && { configuration }),
      ...(trust !== undefined && { trust }),
      contact: contactOf(serial, rooms.fleetSize()),
    });
    return ok(undefined);
  }

  async function pulled(serial: Serial, corr: string, { pull }: z.output<typeof messages.request>): Promise<void> {
    if (pull === 'twin') {
      const desired = await rooms.twin().reports.desired(serial);
      answer(serial, corr, desired.ok ? desired.value : { kind: 'refused', code: desired.fault.code });
    } else if (pull === 'time') answer(serial, corr, { kind: 'time', now: world.clock.now() });
    else answer(serial, corr, { kind: 'job', order: await rooms.jobs().next(serial, pull) });
  }

  async function twin(by: Speaker, message: Envelope, body: z.output<typeof messages.twin>): Promise<Received> {
    const { serial } = by;
    const stored = await store.write(async (tx) => {
      if (isEnded(by)) return endedMeanwhile();
      const taken = await rooms.twin().reports.report(tx, serial, message, body);
      if (taken.ok)
        await estate.note(tx, serial, 'configuration-reported', {
          version: body.version,
          ...(body.drift !== undefined && { drift: body.drift }),
          ...(body.local !== undefined && { by: body.local.by, settings: body.local.settings.join(' ') }),
        });
      return taken;
    });
    if (stored.ok) estate.announce(serial);
    return stored;
  }

  async function presence(serial: Serial, message: Envelope, state: 'ready' | 'lost' | 'disconnected'): Promise<void> {
    // The will of an old connection must not speak for the terminal that is here again.
    if (state === 'lost' && rooms.broker().isConnected(serial)) return;
    // Ready is what hello says: it alone shows what the terminal holds.
    if (state !== 'ready') await estate.linkChanged(serial, state, message.boot);
  }

  async function event(serial: Serial, topic: UpTopic & { kind: 'event' }, message: Envelope): Promise<Received> {
    if (topic.event === 'sale') {
      const body = parseWith(messages.sale, message.body);
      if (!body.ok) return body;
      await estate.saleEnded(serial, body.value.sale, message.id);
      await rooms.saleEnded(serial, body.value.sale, body.value.at, message.id);
      return ok(undefined);
    }
    const seenMs = world.clock.monotonicMs();
    const body = parseWith(messages.alarm, message.body);
    if (!body.ok) return body;
    if (topic.event === 'tamper' && (await rooms.tampered(serial, body.value.detail ?? '', seenMs)))
      return ok(undefined);
    await estate.alarm(serial, body.value.code, body.value.detail);
    return ok(undefined);
  }

  async function understand(by: Speaker, topic: UpTopic, message: Envelope): Promise<Received> {
    const { serial } = by;
    if (isEnded(by)) return endedMeanwhile();
    switch (topic.kind) {
      case 'hello': {
        const body = parseWith(messages.hello, message.body);
        return body.ok ? await hello(by, message, body.value) : body;
      }
      case 'presence': {
        const body = parseWith(messages.presence, message.body);
        if (body.ok) await presence(serial, message, body.value.state);
        return body.ok ? ok(undefined) : body;
      }
      case 'twin': {
        const body = parseWith(messages.twin, message.body);
        return body.ok ? await twin(by, message, body.value) : body;
      }
      case 'request': {
        const body = parseWith(messages.request, message.body);
        if (body.ok) await pulled(serial, topic.corr, body.value);
        return body.ok ? ok(undefined) : body;
      }
      case 'job': {
        const body = parseWith(messages.job, message.body);
        if (!body.ok) return body;
        const taken = await rooms.jobs().report(serial, topic.job, body.value);
        if (!taken.ok) return taken;
        answer(serial, correlationOf(message), { kind: 'acknowledged', job: topic.job, state: body.value.state });
        return ok(undefined);
      }
      case 'event':
        return await event(serial, topic, message);
    }
  }

  /** A terminal may send what cannot be taken a thousand times a second: the log has a line a second, which tells how many were left out. */
  function noteRefused(serial: Serial, topic: UpTopic, fault: Fault): void {
    const nowMs = world.clock.monotonicMs();
    const last = refusals.get(serial);
    if (last && nowMs - last.atMs < refusalLineMs) return void (last.unwritten += 1);
    refusals.set(serial, { atMs: nowMs, unwritten: 0 });
    const unwritten = last?.unwritten ?? 0;
    world.log('warn', 'messageRefused', { serial, topic: topic.kind, fault, ...(unwritten > 0 && { unwritten }) });
  }

  const asking = openAsking(world, (serial) => notify(serial, { hello: true }));

  return {
    notify,
    askHello: (serials) => asking.ask(serials),
    close: () => asking.close(),
    ended(fingerprints) {
      for (const fingerprint of fingerprints) ended.add(fingerprint);
      for (const oldest of ended) {
        if (ended.size <= endedMax) break;
        ended.delete(oldest);
      }
    },
    async received(serial, topic, payload, fingerprint) {
      const message = parseEnvelope(payload);
      let result: Received = message.ok ? ok(undefined) : message;
      if (message.ok) {
        const { ct, exp } = message.value;
        if (ct !== messageOn(topic)) result = fail('INPUT_INVALID', { field: 'ct' });
        else if (exp !== undefined && exp < world.clock.now()) result = fail('MESSAGE_STALE', { field: 'exp' });
        else result = await understand({ serial, fingerprint }, topic, message.value);
      }
      if (result.ok) return;
      noteRefused(serial, topic, result.fault);
      const corr =
        topic.kind === 'request'
          ? topic.corr
          : message.ok && topic.kind === 'job'
            ? correlationOf(message.value)
            : undefined;
      const { code, field } = result.fault;
      if (corr !== undefined)
        answer(serial, corr, {
          kind: 'refused',
          code,
          ...(field !== undefined && { field: String(field).slice(0, 64) }),
        });
    },
  };
}

/** Where the answer to a report goes. The topic allows letters, digits and hyphens only. */
const correlationOf = ({ corr, id }: Envelope): string =>
  (corr ?? id).replaceAll(/[^A-Za-z0-9-]/g, '').slice(0, 64) || 'none';
