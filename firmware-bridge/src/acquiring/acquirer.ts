import {
  type FrameKeys,
  frameKeys,
  openFrame,
  readFrame,
  type RefusalFrame,
  sealFrame,
  terminalCodec,
  terminalCodecs,
  terminalFrame,
  terminalLink,
  withPin,
  withPinUnder,
} from '@tsunagu/protocols/acquiring';
import { ksnOf, type TransactionKey, wipeTransactionKey } from '@tsunagu/protocols/dukpt';
import { FrameReader } from '@tsunagu/protocols/iso8583';
import { type Fault, fail, ok, type Result, Secret, toHex } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { TLSSocket } from 'node:tls';
import type { AcquirerKeys, TerminalKeys } from '../keys/index.ts';
import type { SecureNetwork } from '../link/index.ts';
import type { Acquirer, AcquirerFault, AcquirerMessage } from '../secure/index.ts';

export interface AcquirerOptions {
  readonly world: World;
  readonly network: SecureNetwork;
  readonly keys: Pick<TerminalKeys, 'takeTransactionKey' | 'acquirerKeys'>;
  /** The card company that a card belongs to by its leading digits, 11 at most, in ASCII; none has any unless told. */
  readonly acquirerOf?: (digits: Uint8Array) => string | undefined;
}

/** The acquirer of a terminal; it keeps one connection while there are sales. */
export interface SwitchAcquirer extends Acquirer {
  close(): void;
}

type Answer = Result<AcquirerMessage, AcquirerFault>;

/** The far side ends a silent connection after `idleMs`; we end it first, so that no request meets a closing door. */
const idleMs = terminalLink.idleMs - 30_000;
const connectTimeoutMs = 5_000;

/** Opens W3, seen from the terminal. It connects at the first exchange. */
export function openAcquirer({ world, network, keys, acquirerOf }: AcquirerOptions): SwitchAcquirer {
  let connection: Connection | undefined;

  async function connected(timeoutMs: number): Promise<Result<Connection, 'ACQUIRER_UNREACHABLE'>> {
    if (connection?.isOpen) return ok(connection);
    const opened = await network.open('acquiring', Math.min(timeoutMs, connectTimeoutMs));
    if (!opened.ok) return fail('ACQUIRER_UNREACHABLE', { cause: opened.fault });
    connection = new Connection(opened.value, world);
    return ok(connection);
  }

  return {
    async exchange(message, { timeoutMs, pin }) {
      const deadlineMs = world.clock.monotonicMs() + timeoutMs;
      const encoded = terminalCodec.encode(message);
      if (!encoded.ok) return fail('REQUEST_UNWRITABLE', { cause: encoded.fault });
      const pan = message.fields[2];
      const company = pan instanceof Secret ? pan.use((digits) => acquirerOf?.(digits.subarray(0, 11))) : undefined;
      const request = await prepare(timeoutMs, company, (key, own) => {
        if (pin === undefined) return ok(encoded.value);
        const entropy = (lengthBytes: number): Uint8Array => world.entropy(lengthBytes);
        const complete = own
          ? withPinUnder(message, pin.pin, pin.pan, { format: 4, key: own.keys.pin.key }, entropy)
          : withPin(message, pin.pin, pin.pan, key, entropy);
        return complete.ok ? terminalCodecs['key' in key ? 'tdes' : 'aes'].encode(complete.value) : complete;
      });
      encoded.value.fill(0);
      if (!request.ok) {
        world.log('warn', 'requestNotSent', { fault: request.fault, mti: message.mti });
        return request;
      }
      const remainingMs = deadlineMs - world.clock.monotonicMs();
      const answer = await request.value.line.exchange(request.value, Math.max(0, remainingMs));
      wipe(request.value.answerKeys);
      if (!answer.ok) world.log('warn', 'exchangeFailed', { fault: answer.fault, mti: message.mti });
      return answer;
    },
    close: () => connection?.close(),
  };

  /** Everything that can go wrong before a byte leaves. */
  async function prepare(
    timeoutMs: number,
    company: string | undefined,
    write: (key: TransactionKey, own: CompanyKeys | undefined) => Result<Uint8Array>,
  ): Promise<Result<PreparedRequest & { readonly line: Connection }, 'ACQUIRER_UNREACHABLE'>> {
    const line = await connected(timeoutMs);
    if (!line.ok) return line;
    // A key is taken when there is somewhere to send to: an unplugged terminal does not use its keys up.
    const key = await keys.takeTransactionKey();
    if (!key.ok) return fail('ACQUIRER_UNREACHABLE', { cause: key.fault });
    // Keys of card companies are AES: a terminal that does TDES cannot use them.
    const held = company === undefined || 'key' in key.value ? undefined : keys.acquirerKeys(company);
    const own = held && { company: company ?? '', keys: held };
    const bytes = write(key.value, own);
    held?.pin.key.wipe();
    if (!bytes.ok) {
      wipeTransactionKey(key.value);
      held?.mac.key.wipe();
      held?.data.key.wipe();
      return fail('ACQUIRER_UNREACHABLE', { cause: bytes.fault });
    }
    const sealed = own ? sealUnder(own, key.value, bytes.value) : seal(key.value, bytes.value);
    bytes.value.fill(0);
    return ok({ ...sealed, line: line.value });
  }
}

/** A frame that is ready to leave, and what opens the answer to it. */
interface PreparedRequest {
  readonly ksn: Uint8Array;
  readonly frame: Uint8Array;
  readonly answerKeys: FrameKeys;
  /** The card company whose keys these are. */
  readonly isUnder?: string;
}

interface CompanyKeys {
  readonly company: string;
  readonly keys: AcquirerKeys;
}

/** Seals a message under the keys of a card company; of the transaction key only its number is used. The keys go with the answer's. */
function sealUnder(
  { company, keys: { pin, mac, data } }: CompanyKeys,
  key: TransactionKey,
  message: Uint8Array,
): PreparedRequest {
  const ksn = ksnOf(key);
  wipeTransactionKey(key);
  const keys = { encryption: data.key, mac: mac.key };
  const under = { acquirer: company, kcvs: { pin: pin.kcv, mac: mac.kcv, data: data.kcv } };
  return { ksn, frame: sealFrame('request', ksn, message, keys, under), answerKeys: keys, isUnder: company };
}

/** Seals a message under a transaction key, which is of no further use afterwards. */
function seal(key: TransactionKey, message: Uint8Array): PreparedRequest {
  const ksn = ksnOf(key);
  const requestKeys = frameKeys(key, 'request');
  const answerKeys = frameKeys(key, 'answer');
  wipeTransactionKey(key);
  const frame = sealFrame('request', ksn, message, requestKeys);
  wipe(requestKeys);
  return { ksn, frame, answerKeys };
}

const wipe = (keys: FrameKeys): void => {
  keys.encryption.wipe();
  keys.mac.wipe();
};

/** One connection to the switch. Answers belong to requests by their KSN, which no two requests share. */
class Connection {
  readonly #socket: TLSSocket;
  readonly #world: World;
  readonly #reader = new FrameReader(terminalFrame);
  readonly #waiting = new Map<
    string,
    {
      readonly keys: FrameKeys;
      readonly isUnder: string | undefined;
      readonly settle: (answer: Answer) => void;
    }
  >();
  #idle: Timer;
  /** Why this terminal was not let in. */
  #turnedAway: Result<never, 'ACQUIRER_REFUSES_TERMINAL'> | undefined;
  isOpen = true;

  constructor(socket: TLSSocket, world: World) {
    this.#socket = socket;
    this.#world = world;
    this.#idle = this.#startIdle();
    socket.on('data', (chunk) => this.#arrived(chunk));
    socket.on('error', (cause) => this.#end(cause));
    socket.on('close', () => this.#end());
  }

  #startIdle(): Timer {
    return this.#world.timers.after(idleMs, () => this.close());
  }

  exchange({ frame, ksn, answerKeys, isUnder }: PreparedRequest, timeoutMs: number): Promise<Answer> {
    this.#idle.cancel();
    this.#idle = this.#startIdle();
    if (!this.isOpen) return Promise.resolve(this.#turnedAway ?? fail('ACQUIRER_UNREACHABLE'));
    return new Promise((resolve) => {
      const name = toHex(ksn);
      const timer = this.#world.timers.after(timeoutMs, () =>
        settle(fail('ACQUIRER_TIMEOUT', { facts: { timeoutMs } })),
      );
      const settle = (answer: Answer): void => {
        timer.cancel();
        this.#waiting.delete(name);
        resolve(answer);
      };
      this.#waiting.set(name, { keys: answerKeys, isUnder, settle });
      this.#socket.write(frame);
    });
  }

  #arrived(chunk: Uint8Array): void {
    const { frames, fault } = this.#reader.push(chunk);
    for (const { message } of frames) {
      const frame = readFrame(message);
      if (!frame.ok) return this.#lostStep(frame.fault);
      if (frame.value.kind === 'refusal') this.#refused(frame.value);
      else {
        const waiting = this.#waiting.get(toHex(frame.value.ksn));
        // Nobody waits any more: the answer came after the deadline, and the sale is being reversed.
        if (!waiting) this.#world.log('warn', 'answerTooLate', { ksn: toHex(frame.value.ksn) });
        else if (frame.value.kind === 'request') waiting.settle(unusable('kind'));
        else if (frame.value.under?.acquirer !== waiting.isUnder) waiting.settle(unusable('acquirer'));
        else {
          const opened = openFrame(frame.value, waiting.keys);
          waiting.settle(opened.ok ? decode(opened.value) : unusable('mac', opened.fault));
        }
      }
    }
    if (fault) this.#lostStep(fault);
  }

  #refused({ ksn, code, number, afterwards }: RefusalFrame): void {
    const facts = { refusal: code ?? String(number) };
    if (code === 'LIFECYCLE_FORBIDS' || code === 'CLIENT_CERTIFICATE_REFUSED')
      this.#turnedAway = fail('ACQUIRER_REFUSES_TERMINAL', { facts });
    const fault = this.#turnedAway ?? fail('ACQUIRER_ANSWER_UNUSABLE', { field: 'refusal', facts });
    this.#waiting.get(toHex(ksn))?.settle(fault);
    if (afterwards !== 'close') return;
    for (const { settle } of this.#waiting.values()) settle(fault);
    this.close();
  }

  #lostStep(cause: Fault): void {
    for (const { settle } of this.#waiting.values()) settle(unusable('frame', cause));
    this.close();
  }

  close(): void {
    this.#end();
    this.#socket.destroy();
  }

  #end(cause?: unknown): void {
    this.isOpen = false;
    this.#idle.cancel();
    // The request may be at the switch: only a reversal makes sure.
    for (const { settle } of this.#waiting.values())
      settle(fail('ACQUIRER_TIMEOUT', { facts: { closed: true }, ...(cause !== undefined && { cause }) }));
  }
}

const unusable = (field: string, cause?: Fault): Result<never, 'ACQUIRER_ANSWER_UNUSABLE'> =>
  fail('ACQUIRER_ANSWER_UNUSABLE', { field, ...(cause && { cause }) });

function decode(bytes: Uint8Array): Answer {
  const message = terminalCodec.decode(bytes);
  return message.ok ? ok(message.value) : unusable('message', message.fault);
}
