import { connect, type TLSSocket } from 'node:tls';
import {
  functions,
  issuerCodec,
  issuerFrame,
  issuerLink,
  localTransactionTime,
  transmissionTime,
} from '@tsunagu/protocols/acquiring';
import {
  type DecodedMessage,
  encodeFrame,
  FrameReader,
  type MacFunction,
  type Message,
  sealMac,
  verifyMac,
} from '@tsunagu/protocols/iso8583';
import { asBuffer, type Fault, fail, Secret, unwrap } from '@tsunagu/protocols/kit';
import { computeMac } from '@tsunagu/protocols/mac';
import { wrapKeyBlock } from '@tsunagu/protocols/tr31';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { Numbers } from '../journal/numbers.ts';
import type { IssuerCredentials } from './credentials.ts';
import { isFileAction } from './file-actions.ts';
import { isAnswer, matchKey } from './matching.ts';
import { type LinkEvent, type LinkState, type Management, managementFunction, onLink } from './rules.ts';

/** How a request to the card company ended. Only `answered` says anything about the outcome. */
export type LinkAnswer =
  | { readonly type: 'answered'; readonly message: DecodedMessage }
  | { readonly type: 'timedOut' }
  /** The line broke while the request was out. */
  | { readonly type: 'lineLost' };

/** The line to one card company. */
export interface IssuerLink {
  readonly id: string;
  /** Whether a request can be sent now. */
  readonly isReady: boolean;
  /** `up`: connected, not signed on yet. */
  status(): { readonly state: 'up' | 'signed-on' | 'down'; readonly since: number };
  /** Requests that wait for an answer. */
  readonly inFlight: number;
  /** Sends a message with its MAC, and waits for its answer. Call only while `isReady`; else it is `lineLost` at once. */
  request(message: Message, timeoutMs: number): Promise<LinkAnswer>;
  /** Signs off and closes. */
  stop(): Promise<void>;
}

/** What the line tells the room. */
export interface LinkListener {
  /** The line can take requests. */
  ready(): void;
  /** It was up, or signed on, and is not any more; or the other way round. */
  changed(): void;
  /** An answer that no request waits for: late, or doubled, or nobody's. */
  unmatched(message: DecodedMessage): void;
  /** The card company asks for a change of a file. Its answer is sent when this resolves; none at all when it rejects. */
  fileAction(message: DecodedMessage): Promise<Message>;
}

interface Waiting {
  readonly timer: Timer;
  settle(answer: LinkAnswer): void;
}

const macAlgorithm = { kind: 'CMAC', cipher: 'AES' } as const;
const { timers } = issuerLink;

/** Opens the line and keeps it open: it dials, signs on, exchanges keys, and begins again when it breaks. */
export function openIssuerLink(
  world: Pick<World, 'clock' | 'timers' | 'entropy' | 'log'>,
  target: { readonly host: string; readonly port: number },
  credentials: IssuerCredentials,
  numbers: Numbers,
  listener: LinkListener,
): IssuerLink {
  const link = new Link(world, target, credentials, numbers, listener);
  link.tell({ type: 'started' });
  return link;
}

class Link implements IssuerLink {
  readonly id = issuerLink.id;
  readonly #world: Pick<World, 'clock' | 'timers' | 'entropy' | 'log'>;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #credentials: IssuerCredentials;
  readonly #numbers: Numbers;
  readonly #listener: LinkListener;
  readonly #waiting = new Map<string, Waiting>();
  #state: LinkState = { phase: 'down', failures: 0 };
  #since: number;
  #socket: TLSSocket | undefined;
  #reader = new FrameReader(issuerFrame);
  /** The zone key in force, and the one that was offered and not taken yet. */
  #key: Secret<'key'> | undefined;
  #offeredKey: Secret<'key'> | undefined;
  #pause: Timer | undefined;
  #silence: Timer | undefined;
  #frameDeadline: Timer | undefined;
  #fileActions = 0;

  constructor(
    world: Pick<World, 'clock' | 'timers' | 'entropy' | 'log'>,
    target: { readonly host: string; readonly port: number },
    credentials: IssuerCredentials,
    numbers: Numbers,
    listener: LinkListener,
  ) {
    this.#world = { ...world, log: world.log.with({ link: issuerLink.id }) };
    this.#target = target;
    this.#credentials = credentials;
    this.#numbers = numbers;
    this.#listener = listener;
    this.#since = world.clock.now();
  }

  get isReady(): boolean {
    return this.#state.phase === 'ready';
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  status(): { state: 'up' | 'signed-on' | 'down'; since: number } {
    return { state: publicState(this.#state), since: this.#since };
  }

  request(message: Message, timeoutMs: number): Promise<LinkAnswer> {
    return new Promise((resolve) => {
      const socket = this.#socket;
      if (!this.isReady || !socket) {
        resolve({ type: 'lineLost' });
        return;
      }
      this.#await(message, timeoutMs, resolve);
      this.#write(message);
    });
  }

  async stop(): Promise<void> {
    if (this.isReady) await this.#manage('signOff');
    const socket = this.#socket;
    const closed = socket && !socket.destroyed && new Promise<void>((resolve) => socket.once('close', () => resolve()));
    this.tell({ type: 'stopped' });
    await closed;
    this.#pause?.cancel();
    this.#silence?.cancel();
  }

  /** Takes one step of the line's rules and does what they say. */
  tell(event: LinkEvent): void {
    const before = publicState(this.#state);
    const { state, actions } = onLink(this.#state, event);
    this.#state = state;
    if (publicState(state) !== before) {
      this.#since = this.#world.clock.now();
      this.#world.log('info', 'issuerLinkChanged', { state: publicState(state), phase: state.phase });
      this.#listener.changed();
    }
    for (const action of actions)
      switch (action.type) {
        case 'dial':
          this.#dial();
          break;
        case 'pause':
          this.#pause = this.#world.timers.after(action.ms, () => this.tell({ type: 'pauseEnded' }));
          break;
        case 'manage':
          this.#manage(action.management).catch((cause: unknown) => {
            this.#world.log('error', 'issuerLinkFailed', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
            this.#socket?.destroy();
          });
          break;
        case 'adoptKey':
          this.#key?.wipe();
          this.#key = this.#offeredKey;
          this.#offeredKey = undefined;
          break;
        case 'announceReady':
          this.#listener.ready();
          break;
        case 'report':
          this.#world.log('warn', 'issuerLinkFailed', { fault: { code: action.code }, phase: state.phase });
          break;
        case 'close':
          this.#close();
          break;
      }
  }

  #dial(): void {
    const { host, port } = this.#target;
    const { certificateChain, privateKey, ca } = this.#credentials;
    const socket = connect({
      host,
      port,
      ca,
      cert: certificateChain,
      key: privateKey,
      servername: 'localhost',
      minVersion: 'TLSv1.3',
    });
    this.#socket = socket;
    this.#reader = new FrameReader(issuerFrame);
    const dialDeadline = this.#world.timers.after(timers.dialMs, () => socket.destroy());
    socket.setNoDelay(true);
    socket.on('secureConnect', () => {
      dialDeadline.cancel();
      this.#listenForSilence();
      this.tell({ type: 'connected' });
    });
    socket.on('data', (chunk) => this.#take(socket, chunk));
    socket.on('error', (error) =>
      this.#world.log('warn', 'issuerLinkFailed', { fault: { code: 'ISSUER_LINK_DOWN' }, reason: reasonOf(error) }),
    );
    socket.on('close', () => {
      dialDeadline.cancel();
      if (this.#socket === socket) this.#lost();
    });
  }

  #lost(): void {
    this.#socket = undefined;
    this.#silence?.cancel();
    this.#frameDeadline?.cancel();
    this.#frameDeadline = undefined;
    this.#key?.wipe();
    this.#offeredKey?.wipe();
    this.#key = this.#offeredKey = undefined;
    // First the state, so that whoever learns of the loss does not send again into the same hole.
    this.tell({ type: 'closed' });
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const waiting of lost) {
      waiting.timer.cancel();
      waiting.settle({ type: 'lineLost' });
    }
  }

  #close(): void {
    const socket = this.#socket;
    if (!socket) return;
    // What was written goes out first; a far side that does not read it is not waited for.
    socket.end();
    const deadline = this.#world.timers.after(1_000, () => socket.destroy());
    socket.once('close', () => deadline.cancel());
  }

  #listenForSilence(): void {
    this.#silence?.cancel();
    this.#silence = this.#world.timers.after(timers.echoAfterMs, () => {
      this.#listenForSilence();
      this.tell({ type: 'fellSilent' });
    });
  }

  #take(socket: TLSSocket, chunk: Uint8Array): void {
    this.#listenForSilence();
    const { frames, fault } = this.#reader.push(chunk);
    for (const { message } of frames) this.#read(message);
    if (fault) {
      this.#refuse(fail('ISSUER_MESSAGE_INVALID', { cause: fault }).fault);
      socket.destroy();
      return;
    }
    if (frames.length > 0 || this.#reader.pendingBytes === 0) {
      this.#frameDeadline?.cancel();
      this.#frameDeadline = undefined;
    }
    if (this.#reader.pendingBytes > 0)
      this.#frameDeadline ??= this.#world.timers.after(issuerLink.frameDeadlineMs, () => socket.destroy());
  }

  #read(bytes: Uint8Array): void {
    const decoded = issuerCodec.decode(bytes);
    if (!decoded.ok) {
      this.#refuse(fail('ISSUER_MESSAGE_INVALID', { cause: decoded.fault }).fault);
      return;
    }
    const message = decoded.value;
    // Until a key is exchanged there is none; the answer to the exchange itself proves that the far side has it.
    const key = this.#key ?? this.#offeredKey;
    const isBare = this.#state.phase === 'signing-on';
    if (!isBare && !(key && verifyMac(message, macUnder(key), { lengthBytes: issuerLink.mac.lengthBytes }).ok)) {
      this.#refuse(fail('ISSUER_MAC_INVALID', { facts: { mti: message.mti } }).fault);
      return;
    }
    if (isFileAction(message.mti) && this.isReady) return this.#actOnFile(message);
    if (!isAnswer(message.mti)) {
      this.#refuse(fail('ISSUER_MESSAGE_INVALID', { field: 0, facts: { mti: message.mti } }).fault);
      return;
    }
    this.tell({ type: 'heard' });
    const matched = matchKey(message);
    const waiting = this.#waiting.get(matched);
    if (!waiting) {
      this.#listener.unmatched(message);
      return;
    }
    this.#waiting.delete(matched);
    waiting.timer.cancel();
    waiting.settle({ type: 'answered', message });
  }

  /** At most so many at once: more are not answered, and come again as 1305. */
  #actOnFile(message: DecodedMessage): void {
    this.tell({ type: 'heard' });
    if (this.#fileActions >= issuerLink.inFlightMax) return;
    this.#fileActions += 1;
    this.#listener
      .fileAction(message)
      .then((answer) => {
        if (this.isReady) this.#write(answer);
      })
      .catch((cause: unknown) => this.#world.log('error', 'fileActionFailed', { fault: { code: 'INTERNAL', cause } }))
      .finally(() => {
        this.#fileActions -= 1;
      });
  }

  #refuse(fault: Fault): void {
    this.#world.log('warn', 'issuerMessageRefused', { fault });
  }

  #await(message: Message, timeoutMs: number, settle: (answer: LinkAnswer) => void): void {
    const key = matchKey(message);
    if (this.#waiting.has(key)) throw new Error('two requests with one trace number');
    const timer = this.#world.timers.after(timeoutMs, () => {
      this.#waiting.delete(key);
      settle({ type: 'timedOut' });
    });
    this.#waiting.set(key, { timer, settle });
  }

  #write(message: Message): void {
    const key = this.#key ?? (message.fields[24] === functions.signOn ? undefined : this.#offeredKey);
    const bytes =
      key === undefined || message.fields[96] !== undefined
        ? unwrap(issuerCodec.encode(message))
        : unwrap(sealMac(issuerCodec, message, macUnder(key), { lengthBytes: issuerLink.mac.lengthBytes }));
    this.#socket?.write(asBuffer(unwrap(encodeFrame(issuerFrame, bytes))), () => bytes.fill(0));
  }

  async #manage(management: Management): Promise<void> {
    const stan = await this.#numbers.next();
    const now = this.#world.clock.now();
    if (!this.#socket) return;
    const message: Message = {
      mti: '1804',
      fields: {
        7: transmissionTime(now),
        11: stan,
        12: localTransactionTime(now),
        24: managementFunction[management],
        93: issuerLink.issuerId,
        94: issuerLink.switchId,
        ...(management === 'keyExchange' && this.#offerKey()),
      },
    };
    const timeoutMs = management === 'echo' ? timers.echoMs : management === 'signOff' ? 1_000 : timers.signOnMs;
    const answered = new Promise<LinkAnswer>((resolve) => {
      this.#await(message, timeoutMs, resolve);
    });
    this.#write(message);
    const answer = await answered;
    if (answer.type === 'timedOut') this.tell({ type: 'managementTimedOut', management });
    else if (answer.type === 'answered')
      this.tell({ type: 'managementAnswered', management, actionCode: answer.message.text(39) ?? '' });
  }

  /** A fresh MAC key for this connection and the zone's PIN key behind it, as TR-31 blocks under the zone's key-block protection key. */
  #offerKey(): { 53: Uint8Array; 96: Uint8Array } {
    this.#offeredKey = Secret.take('key', this.#world.entropy(16));
    const attributes = {
      versionId: 'D',
      keyUsage: 'M6',
      algorithm: 'A',
      modeOfUse: 'C',
      keyVersion: '00',
      exportability: 'N',
      reserved: '00',
    } as const;
    const block = unwrap(
      wrapKeyBlock(this.#credentials.zoneKbpk, {
        attributes,
        key: this.#offeredKey,
        entropy: (lengthBytes) => this.#world.entropy(lengthBytes),
      }),
    );
    return {
      53: Uint8Array.of(1),
      96: Uint8Array.from(Buffer.from(block + this.#credentials.pinKey.keyBlock(), 'latin1')),
    };
  }
}

const macUnder =
  (key: Secret<'key'>): MacFunction =>
  (bytes) =>
    unwrap(computeMac(macAlgorithm, key, bytes));

function publicState(state: LinkState): 'up' | 'signed-on' | 'down' {
  switch (state.phase) {
    case 'ready':
      return 'signed-on';
    case 'signing-on':
    case 'exchanging-key':
      return 'up';
    default:
      return 'down';
  }
}

/** What an error says without its text, which may quote the far side. */
const reasonOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : error.name;
