import type { TLSSocket } from 'node:tls';
import {
  answerTo,
  isZoneFrame,
  type Link,
  localTransactionTime,
  type Management,
  managementFunction,
  managementOf,
  onSession,
  publicState,
  type SessionEvent,
  type SessionPlan,
  type SessionState,
  transmissionTime,
} from '@tsunagu/protocols/acquiring';
import {
  type DecodedMessage,
  type Leniency,
  encodeFrame,
  expectsResponse,
  type FieldValue,
  FrameReader,
  type Message,
  responseMti,
} from '@tsunagu/protocols/iso8583';
import { asBuffer, type Fault, fail, unwrap } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import { writeTogether } from '../../net/index.ts';
import type { Numbers } from '../journal/numbers.ts';
import type { Exchange, LinkAnswer } from './exchange.ts';
import { LineKeys, type Zone } from './line-keys.ts';
import { isAnswer, type Mismatch } from './matching.ts';

/** What a line needs of the world. */
export type LineWorld = Pick<World, 'clock' | 'timers' | 'entropy' | 'log'>;

/** What a connection tells its link. */
export interface LineListener {
  /** The connection can take requests. */
  ready(line: Line): void;
  /** Its public state is another one. */
  changed(line: Line): void;
  /** The far side asks something that is no network management. The message is good until this settles; it never rejects. */
  asked(message: DecodedMessage, line: Line): Promise<void>;
  /** An answer that no request waits for: late, or doubled, or nobody's. */
  unmatched(message: DecodedMessage, why: Mismatch): void;
  /** A message that can be believed made use of what the profile allows. */
  lenient(leniencies: readonly Leniency[]): void;
  /** A frame or message was refused. */
  refused(fault: Fault): void;
}

/**
 * What the far side may leave unread before we read nothing more of it until it has: what it has to wait for it then asks for more slowly, and no answer is
 * lost. What is in hand still comes on top of that; a far side that leaves more than that is cut off.
 */
const unreadBytesPause = 65_536;
const unreadBytesMax = 1_048_576;

/** One connection of a link, on either side: frames, keys, network management. Its rules are `onSession`. */
export class Line {
  readonly #world: LineWorld;
  readonly #link: Link;
  readonly #keys: LineKeys;
  readonly #numbers: Numbers;
  readonly #exchange: Exchange;
  readonly #listener: LineListener;
  /** Opens a socket to the far side; undefined where it dials us. */
  readonly #dialled: (() => TLSSocket) | undefined;
  readonly #plan: SessionPlan;
  #state: SessionState = { phase: 'down', failures: 0 };
  #since: number;
  #socket: TLSSocket | undefined;
  #reader: FrameReader;
  #pause: Timer | undefined;
  #silence: Timer | undefined;
  #frameDeadline: Timer | undefined;
  #keyAge: Timer | undefined;
  #awaited: Timer | undefined;
  /** Who wants to know whether the next echo comes back. */
  readonly #echoes = new Set<(isBack: boolean) => void>();

  constructor(
    world: LineWorld,
    link: Link,
    zone: Zone,
    numbers: Numbers,
    exchange: Exchange,
    listener: LineListener,
    dialled?: () => TLSSocket,
  ) {
    this.#world = world;
    this.#link = link;
    this.#keys = new LineKeys(world, link, zone);
    this.#numbers = numbers;
    this.#exchange = exchange;
    this.#listener = listener;
    this.#dialled = dialled;
    this.#plan = {
      dials: dialled !== undefined,
      signOn: link.profile.networkManagement.signOn ? link.session.signOn : 'none',
      keys: link.profile.mac === undefined && !link.session.encrypt ? 'none' : link.session.keys,
      echoesMissedMax: link.profile.networkManagement.missedEchoesMax,
      reconnect: link.session.reconnect,
    };
    this.#reader = new FrameReader(link.frame);
    this.#since = world.clock.now();
  }

  get isReady(): boolean {
    return this.#state.phase === 'ready';
  }

  get isStopped(): boolean {
    return this.#state.phase === 'stopped' || (this.#dialled === undefined && this.#state.phase === 'down');
  }

  status(): { readonly state: 'up' | 'signed-on' | 'down'; readonly since: number } {
    return { state: publicState(this.#state), since: this.#since };
  }

  /** Tests the connection (831): whether the answer came, within the time that the link has for it. One that is not signed on cannot be tested. */
  echo(): Promise<boolean> {
    if (!this.isReady) return Promise.resolve(false);
    return new Promise((resolve) => {
      const over = (isBack: boolean): void => {
        timer.cancel();
        this.#echoes.delete(over);
        resolve(isBack);
      };
      const timer = this.#world.timers.after(this.#link.profile.timers.echoMs, () => over(false));
      this.#echoes.add(over);
      this.tell({ type: 'fellSilent' });
    });
  }

  /** Begins to dial. */
  start(): void {
    this.tell({ type: 'started' });
  }

  /** Takes a connection of the far side. */
  accept(socket: TLSSocket): void {
    this.#use(socket);
    this.#connected();
  }

  /** Sends a message under the keys of this connection. */
  send(message: Message): void {
    this.#write(this.#framed(this.#keys.seal(message)));
  }

  /** Sends a message that is written already, without its MAC. */
  sendWritten(written: Uint8Array, mti: string): void {
    this.#write(this.#framed(this.#keys.sealWritten(written, mti)));
  }

  /**
   * Sends a request, and waits for its answer. Call only while `isReady`; else it is `lineLost` at once. What fails before anything is written is `notSent`;
   * what throws is a fault of ours after that, and says nothing of the outcome.
   */
  request(message: Message, timeoutMs: number): Promise<LinkAnswer> {
    if (!this.isReady || !this.#socket || this.#socket.destroyed) return Promise.resolve({ type: 'lineLost' });
    let frame: Uint8Array;
    let answered: Promise<LinkAnswer>;
    try {
      frame = this.#framed(this.#keys.seal(message));
      answered = this.#exchange.expect(this, message, timeoutMs);
    } catch (cause) {
      return Promise.resolve({ type: 'notSent', cause });
    }
    this.#write(frame);
    return answered;
  }

  async stop(): Promise<void> {
    if (this.isReady && this.#plan.signOn === 'ours') await this.#manage('signOff');
    const socket = this.#socket;
    const closed = socket && !socket.destroyed && new Promise<void>((resolve) => socket.once('close', () => resolve()));
    this.tell({ type: 'stopped' });
    await closed;
    for (const timer of [this.#pause, this.#silence, this.#keyAge, this.#awaited]) timer?.cancel();
  }

  /** Takes one step of the rules and does what they say. `asked` is the message that an `answer` answers. */
  tell(event: SessionEvent, asked?: Message): void {
    const before = publicState(this.#state);
    const { state, actions } = onSession(this.#plan, this.#state, event);
    this.#state = state;
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
            this.#world.log('error', 'linkFailed', { fault: { code: 'SWITCH_JOURNAL_FAILED', cause } });
            this.#socket?.destroy();
          });
          break;
        case 'answer':
          if (asked) this.#answerManagement(asked, action.management, action.actionCode);
          break;
        case 'adoptKey':
          this.#keys.adopt();
          this.#watchKeyAge();
          break;
        case 'announceReady':
          this.#listener.ready(this);
          break;
        case 'report':
          this.#world.log('warn', 'linkFailed', { fault: { code: action.code }, phase: state.phase });
          break;
        case 'close':
          this.#close();
          break;
      }
    if (publicState(state) === before) return;
    this.#since = this.#world.clock.now();
    this.#world.log('info', 'linkChanged', { state: publicState(state), phase: state.phase });
    this.#listener.changed(this);
  }

  #dial(): void {
    const socket = this.#dialled?.();
    if (!socket) return;
    this.#use(socket);
    const deadline = this.#world.timers.after(this.#link.session.dialMs, () => socket.destroy());
    socket.once('secureConnect', () => {
      deadline.cancel();
      this.#connected();
    });
    socket.once('close', () => deadline.cancel());
  }

  #use(socket: TLSSocket): void {
    this.#socket = socket;
    this.#reader = new FrameReader(this.#link.frame);
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(socket, chunk));
    socket.on('error', (error) =>
      this.#world.log('warn', 'linkFailed', { fault: { code: 'ISSUER_LINK_DOWN' }, reason: reasonOf(error) }),
    );
    socket.on('close', () => {
      if (this.#socket === socket) this.#lost();
    });
  }

  #connected(): void {
    this.#listenForSilence();
    this.#awaited = this.#world.timers.after(this.#link.session.signOnMs, () => this.tell({ type: 'awaitedTooLong' }));
    this.tell({ type: 'connected' });
  }

  #lost(): void {
    for (const timer of [this.#silence, this.#frameDeadline, this.#keyAge, this.#awaited]) timer?.cancel();
    this.#frameDeadline = undefined;
    this.#socket = undefined;
    this.#keys.wipe();
    // First the state, so that whoever learns of the loss does not send again into the same hole.
    this.tell({ type: 'closed' });
    this.#exchange.lose(this);
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
    const { echoSeconds } = this.#link.profile.networkManagement;
    this.#silence?.cancel();
    if (echoSeconds === 0) return;
    this.#silence = this.#world.timers.after(echoSeconds * 1_000, () => {
      this.#listenForSilence();
      this.tell({ type: 'fellSilent' });
    });
  }

  #watchKeyAge(): void {
    const { keyChangeMs } = this.#link.session;
    this.#keyAge?.cancel();
    if (keyChangeMs > 0) this.#keyAge = this.#world.timers.after(keyChangeMs, () => this.tell({ type: 'keyAged' }));
  }

  #take(socket: TLSSocket, chunk: Uint8Array): void {
    this.#listenForSilence();
    const { frames, fault } = this.#reader.push(chunk);
    for (const { message } of frames) {
      if (socket.destroyed) return;
      this.#read(new Uint8Array(message));
    }
    if (fault) {
      this.#listener.refused(fail('ISSUER_MESSAGE_INVALID', { cause: fault }).fault);
      socket.destroy();
      return;
    }
    if (frames.length > 0 || this.#reader.pendingBytes === 0) {
      this.#frameDeadline?.cancel();
      this.#frameDeadline = undefined;
    }
    if (this.#reader.pendingBytes > 0)
      this.#frameDeadline ??= this.#world.timers.after(this.#link.frameDeadlineMs, () => {
        this.#listener.refused(
          fail('ACQUIRING_FRAME_INCOMPLETE', { facts: { pendingBytes: this.#reader.pendingBytes } }).fault,
        );
        socket.destroy();
      });
  }

  #read(bytes: Uint8Array): void {
    const isClear = !isZoneFrame(bytes);
    const opened = this.#keys.open(bytes);
    if (!opened.ok) return this.#listener.refused(opened.fault);
    const decoded = this.#link.codec.decode(opened.value);
    if (!decoded.ok) return this.#unreadable(decoded.fault, decoded.partial);
    const message = decoded.value;
    const isManagement = message.mti[1] === '8';
    // Only network management ever goes in the clear, and only before there are keys without a MAC.
    if (isClear && !isManagement && this.#link.session.encrypt)
      return this.#listener.refused(fail('ACQUIRING_FRAME_NOT_AUTHENTIC', { field: 'clear' }).fault);
    const isBare = isManagement && this.#mayBeBare(message);
    if (!isBare && !this.#keys.isGenuine(message)) {
      this.#listener.refused(fail('ISSUER_MAC_INVALID', { facts: { mti: message.mti } }).fault);
      if (!isAnswer(message.mti) && this.#keys.isKeyed) this.#refuse(message, '916');
      return;
    }
    if (message.leniencies.length > 0) this.#listener.lenient(message.leniencies);
    if (isAnswer(message.mti)) return this.#answered(message);
    if (isManagement) return this.#asked(message);
    if (!this.isReady) {
      this.#listener.refused(fail('LINK_NOT_SIGNED_ON', { facts: { mti: message.mti } }).fault);
      this.#refuse(message, this.#keys.isKeyed ? '910' : '918');
      return;
    }
    this.tell({ type: 'heard' });
    // The bytes hold a card number: they are overwritten when whoever read them has what it needs.
    void this.#listener.asked(message, this).finally(() => opened.value.fill(0));
  }

  /** Sign-on and its answer, which begin anew whatever was before; an exchange of keys, whose blocks prove themselves. */
  #mayBeBare(message: DecodedMessage): boolean {
    const { phase } = this.#state;
    const isExchange = message.text(24) === managementFunction.keyExchange && message.fields[96] !== undefined;
    const isBeginning = phase === 'awaiting-sign-on' || phase === 'signing-on';
    const isTheirs = phase === 'exchanging-key' && this.#plan.keys === 'theirs';
    return this.#plan.keys === 'none' || isExchange || isBeginning || (isTheirs && !this.#keys.isKeyed);
  }

  #answered(message: DecodedMessage): void {
    this.tell({ type: 'heard' });
    const mismatch = this.#exchange.settle(message);
    if (mismatch) this.#listener.unmatched(message, mismatch);
  }

  #asked(message: DecodedMessage): void {
    this.tell({ type: 'heard' });
    const management = managementOf(message.text(24));
    if (management === undefined) {
      this.#refuse(message, '115');
      return;
    }
    const blocks = management === 'keyExchange' ? message.binary(96) : undefined;
    if (blocks === undefined) return this.tell({ type: 'asked', management }, message);
    const taken = this.#plan.keys === 'theirs' ? this.#keys.take(blocks) : fail('LINK_KEYS_INVALID', { field: 'keys' });
    if (!taken.ok) this.#listener.refused(taken.fault);
    this.tell({ type: 'asked', management, hasKeys: taken.ok }, message);
  }

  /** Bytes that are no message: answered with 904 and the element, or the end of the line where the link wants that, or too little of them can be read for an answer. */
  #unreadable(fault: Fault, partial: DecodedMessage | undefined): void {
    this.#listener.refused(fail('ISSUER_MESSAGE_INVALID', { field: fault.field ?? '', cause: fault }).fault);
    if (this.#link.unreadable === 'close' || partial === undefined || !this.isReady) {
      this.#socket?.destroy();
      return;
    }
    const { formatErrorElement: element } = this.#link.profile;
    const text = element === 38 ? String(fault.field ?? 0).padStart(6, ' ') : `DE${fault.field ?? 0}`;
    const isTold = this.#refuse(partial, '904', element === undefined ? {} : { [element]: text });
    // Whoever sent it may wait; that what was to be an answer is none shows when its time is over.
    if (!isTold && !isAnswer(partial.mti)) this.#socket?.destroy();
  }

  /** Answers a request without doing anything about it; what expects no answer gets none. @returns whether it could */
  #refuse(request: Message, actionCode: string, added: { readonly [element: number]: FieldValue } = {}): boolean {
    const mti = expectsResponse(request.mti) ? responseMti(request.mti) : undefined;
    if (mti === undefined) return false;
    const echo = request.mti[1] === '8' ? [7, 11, 12, 24, 93, 94] : this.#link.profile.echo;
    const answer = answerTo(request, mti, echo, { ...added, 39: actionCode });
    try {
      this.#write(this.#framed(this.#keys.seal(answer, this.#keys.isKeyed ? {} : { bare: true })));
      return true;
    } catch (cause) {
      // What could be read of it does not make an answer.
      this.#world.log('debug', 'refusalNotWritten', { fault: { code: 'ISSUER_MESSAGE_INVALID', cause } });
      return false;
    }
  }

  #answerManagement(asked: Message, management: Management, actionCode: string): void {
    const isKeys = management === 'keyExchange' && actionCode === '800' && asked.fields[96] !== undefined;
    const answer = answerTo(asked, responseMti(asked.mti) ?? '1814', [7, 11, 12, 24, 93, 94], { 39: actionCode });
    this.#write(
      this.#framed(
        this.#keys.seal(
          answer,
          isKeys ? { offered: true } : management === 'keyExchange' ? { bare: !this.#keys.isKeyed } : {},
        ),
      ),
    );
  }

  async #manage(management: Management): Promise<void> {
    const stan = await this.#numbers.next();
    const now = this.#world.clock.now();
    if (!this.#socket) return;
    const { parties, profile, session } = this.#link;
    const message: Message = {
      mti: profile.networkManagement.mti,
      fields: {
        7: transmissionTime(now),
        11: stan,
        12: localTransactionTime(now),
        24: managementFunction[management],
        93: parties.far,
        94: parties.own,
        ...(management === 'keyExchange' && this.#keys.offer()),
      },
    };
    const timeoutMs =
      management === 'echo' ? profile.timers.echoMs : management === 'signOff' ? 1_000 : session.signOnMs;
    // At once: a far side that is quick says what follows its answer (its keys after our sign-on) in the same chunk.
    const answered = new Promise<void>((resolve, reject) => {
      this.#exchange.expectAtOnce(this, message, timeoutMs, (answer) => {
        try {
          if (answer.type === 'timedOut') this.tell({ type: 'managementTimedOut', management });
          else if (answer.type === 'answered') {
            if (management === 'echo') for (const over of this.#echoes) over(true);
            this.tell({ type: 'managementAnswered', management, actionCode: answer.message.text(39) ?? '' });
          }
          resolve();
        } catch (cause) {
          reject(cause);
        }
      });
    });
    this.#write(
      this.#framed(
        this.#keys.seal(message, {
          bare: management === 'keyExchange' || (management === 'signOn' && !this.#keys.isKeyed),
        }),
      ),
    );
    await answered;
  }

  /** The bytes of a message in their frame, in a copy; what it was made of is overwritten. */
  #framed(bytes: Uint8Array): Uint8Array {
    const framed = encodeFrame(this.#link.frame, bytes);
    bytes.fill(0);
    return unwrap(framed);
  }

  #write(frame: Uint8Array): void {
    const socket = this.#socket;
    if (!socket || socket.destroyed) return;
    writeTogether(socket, asBuffer(frame), () => frame.fill(0));
    if (socket.writableLength > unreadBytesMax) {
      this.#world.log('warn', 'linkFailed', { fault: { code: 'ISSUER_LINK_DOWN' }, reason: 'unread' });
      socket.destroy();
    } else if (socket.writableLength > unreadBytesPause && !socket.isPaused()) {
      socket.pause();
      socket.once('drain', () => socket.resume());
    }
  }
}

/** What an error says without its text, which may quote the far side. */
const reasonOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : error.name;
