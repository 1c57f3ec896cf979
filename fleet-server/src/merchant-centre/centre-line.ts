import { connect, type TLSSocket } from 'node:tls';
import {
  backOffMs,
  functions,
  answerTo,
  cardCompanyLink,
  freshZoneKeys,
  isZoneFrame,
  issuerLink,
  type Link,
  linkMacOf,
  localTransactionTime,
  openZoneFrame,
  readZoneKeys,
  sealZoneFrame,
  transmissionTime,
  verificationElement,
  wipeZoneKeys,
  withPinUnder,
  writeZoneKeys,
  type ZoneKeys,
  zoneMac,
} from '@tsunagu/protocols/acquiring';
import {
  type DecodedMessage,
  encodeFrame,
  FrameReader,
  type MacOptions,
  type Message,
  responseMti,
  sealMac,
  textOf,
  verifyMac,
} from '@tsunagu/protocols/iso8583';
import { asBuffer, PassingMap, Secret, unwrap } from '@tsunagu/protocols/kit';
import { wrapKeyBlock } from '@tsunagu/protocols/tr31';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { Tap } from '../emulation/tap.ts';
import { FaultyLine, pickFault, type WireFaults } from '../emulation/wire-faults.ts';
import { writeTogether } from '../net/index.ts';
import type { LinkCredentials } from '../switch/link/credentials.ts';

/** Where a centre dials, what it shows there, and what befalls its messages. */
export interface CentreLineOptions {
  readonly host: string;
  readonly port: number;
  readonly credentials: LinkCredentials;
  /** DE32 of its requests. */
  readonly acquirerId: string;
  /**
   * The link whose dialect, frame and MAC are spoken: one of a centre at the switch, which hands out the keys there, or one of an issuer, which takes
   * ours; the card company's unless told.
   */
  readonly link?: Link;
  readonly faults: WireFaults;
  readonly nextFault: () => number;
  readonly tap?: Tap;
}

/** How far a line has come that is not ready. */
export type LineStage = 'dialling' | 'signing on' | 'waiting for its sign-on' | 'exchanging keys';

/** The line of a merchant centre: it dials, signs on, exchanges a key, and begins again when it breaks. */
export class CentreLine {
  readonly #world: World;
  readonly #options: CentreLineOptions;
  readonly #link: Link;
  readonly #zoneKbpk: Secret<'key'>;
  readonly #waiting = new PassingMap<string, (answer: DecodedMessage | undefined) => void>();
  #socket: TLSSocket | undefined;
  #line: FaultyLine | undefined;
  #keys: ZoneKeys | undefined;
  /** Those before the last exchange: what was on its way then still bears them. */
  #keysBefore: ZoneKeys | undefined;
  /** The PIN key of the zone. */
  #pinKey: Secret<'key'> | undefined;
  #adopted: () => void = () => undefined;
  #signedOn: () => void = () => undefined;
  #isReady = false;
  #stage: LineStage = 'dialling';
  #reason: string | undefined;
  #broke: { readonly stage: LineStage; readonly reason?: string } = { stage: 'dialling' };
  #failures = 0;
  #stan: number;
  #name = '';
  #isClosed = false;
  #redial: Timer | undefined;
  readonly #ready = new Set<() => void>();

  /** @param zoneKbpk of the credentials; the line owns it */
  constructor(world: World, options: CentreLineOptions, zoneKbpk: Secret<'key'>) {
    this.#world = world;
    this.#options = options;
    this.#link = options.link ?? cardCompanyLink;
    this.#zoneKbpk = zoneKbpk;
    // Trace numbers of management do not meet those of sales, which count from one.
    this.#stan = 900_000;
    this.#dial();
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** How far it came when it broke last, and why it did; undefined while it is ready. */
  get trouble(): { readonly stage: LineStage; readonly reason?: string } | undefined {
    return this.#isReady ? undefined : this.#broke;
  }

  /** Resolves when requests can be sent. */
  ready(): Promise<void> {
    return this.#isReady ? Promise.resolve() : new Promise((resolve) => this.#ready.add(resolve));
  }

  /** Sends a message, with what befalls it, and waits for its answer; undefined when none came in time, or the line broke. */
  request(message: Message, timeoutMs: number, isSentTwice = false): Promise<DecodedMessage | undefined> {
    const { faults, nextFault } = this.#options;
    const answer = this.#await(message, timeoutMs);
    if (!this.#isReady) return answer;
    const fault = pickFault(faults, nextFault);
    if (fault === 'signOff') {
      this.#signOff();
      return answer;
    }
    const frame = this.#frameOf(message, true);
    this.#line?.send(frame, fault);
    if (isSentTwice) this.#line?.send(frame);
    return answer;
  }

  /** The link whose dialect, frame and MAC are spoken. */
  get link(): Link {
    return this.#link;
  }

  /** A request with a PIN under the zone's PIN key; without one where the line has none, and then nothing is sent either. */
  withPin(message: Message, pin: Secret<'pin'>, pan: Secret<'pan'>): Message {
    if (!this.#pinKey) return message;
    return unwrap(
      withPinUnder(message, pin, pan, { format: 4, key: this.#pinKey }, (lengthBytes) =>
        this.#world.entropy(lengthBytes),
      ),
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#redial?.cancel();
    this.#socket?.destroy();
    wipeZoneKeys(this.#keys);
    wipeZoneKeys(this.#keysBefore);
    this.#pinKey?.wipe();
    this.#zoneKbpk.wipe();
    this.#options.tap?.close();
  }

  /** A message as it goes out, under the keys of the connection where there are any. */
  #frameOf(said: Message, isShown: boolean, isClear = false): Uint8Array {
    const message = inTheirElement(this.#link, said);
    const { mac, data } = this.#keys ?? {};
    const bytes = unwrap(
      mac
        ? sealMac(this.#link.codec, message, zoneMac(mac, linkMacOf(this.#link)), macOptionsOf(this.#link))
        : this.#link.codec.encode(message),
    );
    if (isShown) this.#options.tap?.message(this.#name, 'out', bytes);
    return unwrap(
      encodeFrame(this.#link.frame, data && !isClear ? sealZoneFrame(data, this.#world.entropy(12), bytes) : bytes),
    );
  }

  #await(message: Message, timeoutMs: number): Promise<DecodedMessage | undefined> {
    const key = matchKey(this.#link, message);
    const before = this.#waiting.get(key);
    return new Promise((resolve) => {
      const timer = this.#world.timers.after(timeoutMs, () => settle(undefined));
      const settle = (answer: DecodedMessage | undefined): void => {
        timer.cancel();
        if (this.#waiting.get(key) === settle) this.#waiting.delete(key);
        resolve(answer);
        // A repeat is answered with what its first was: whoever still waits for that has it, too.
        if (answer) before?.(answer);
      };
      this.#waiting.set(key, settle);
    });
  }

  #dial(): void {
    const { host, port, credentials, faults } = this.#options;
    const socket = connect({
      host,
      port,
      ca: credentials.ca,
      cert: credentials.certificate,
      key: credentials.privateKey,
      servername: 'localhost',
      minVersion: 'TLSv1.3',
    });
    const reader = new FrameReader(this.#link.frame);
    this.#stage = 'dialling';
    this.#reason = undefined;
    this.#socket = socket;
    this.#name = this.#world.id();
    socket.setNoDelay(true);
    this.#line = new FaultyLine(
      this.#world.timers,
      {
        get destroyed() {
          return socket.destroyed || socket.writableEnded;
        },
        write: (bytes) => writeTogether(socket, asBuffer(bytes)),
        end: () => socket.end(),
      },
      faults,
    );
    socket.on('secureConnect', () => {
      this.#signOn().catch((cause: unknown) => {
        this.#world.log('warn', 'signOnFailed', { fault: { code: 'ISSUER_SIGN_ON_REFUSED', cause } });
        socket.destroy();
      });
    });
    socket.on('data', (chunk) => {
      const { frames, fault } = reader.push(chunk);
      for (const { message } of frames) this.#read(new Uint8Array(message));
      if (fault) socket.destroy();
    });
    socket.on('error', (error) => {
      // The code alone: a text may quote the far side.
      this.#reason = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
      this.#world.log('debug', 'lineFailed', { reason: this.#reason });
    });
    socket.on('close', () => {
      this.#line?.close();
      this.#isReady = false;
      for (const keys of [this.#keys, this.#keysBefore]) wipeZoneKeys(keys);
      this.#pinKey?.wipe();
      this.#keys = this.#keysBefore = this.#pinKey = undefined;
      for (const key of this.#waiting.keys()) this.#waiting.get(key)?.(undefined);
      if (this.#isClosed) return;
      this.#broke = { stage: this.#stage, reason: this.#reason ?? 'CLOSED_BY_FAR_SIDE' };
      this.#redial = this.#world.timers.after(backOffMs(issuerLink.timers.reconnect, this.#failures), () =>
        this.#dial(),
      );
      this.#failures += 1;
    });
  }

  /** Comes together with the far side as the link says: who signs on, and who makes the keys. */
  async #signOn(): Promise<void> {
    const { side, profile, session } = this.#link;
    const ours = side === 'acquirer' ? 'theirs' : 'ours';
    const adopted = new Promise<void>((resolve) => {
      this.#adopted = resolve;
    });
    const signedOn = new Promise<void>((resolve) => {
      this.#signedOn = resolve;
    });
    const signOn = profile.networkManagement.signOn ? session.signOn : 'none';
    this.#stage = signOn === ours ? 'signing on' : 'waiting for its sign-on';
    if (signOn === ours) {
      const on = await this.#manage(functions.signOn, {}, session.signOnMs);
      if (on?.text(39) !== '800') throw new Error('not signed on');
    } else if (signOn !== 'none') await signedOn;
    const keys = profile.mac || session.encrypt ? session.keys : 'none';
    this.#stage = 'exchanging keys';
    if (keys === ours) await this.#offerKeys();
    else if (keys !== 'none') await adopted;
    this.#isReady = true;
    this.#failures = 0;
    this.#world.log('info', 'signedOn', {});
    for (const resolve of this.#ready) resolve();
    this.#ready.clear();
  }

  async #offerKeys(): Promise<void> {
    const entropy = (lengthBytes: number): Uint8Array => this.#world.entropy(lengthBytes);
    const keys = freshZoneKeys(this.#link, entropy) ?? {};
    const pin = Secret.take('key', entropy(16));
    const blocks = writeZoneKeys(this.#link, this.#zoneKbpk, keys, entropy, [this.#wrapPin(pin)]);
    const exchanged = await this.#manage(
      functions.keyExchange,
      { 53: Uint8Array.of(1), 96: blocks },
      this.#link.session.signOnMs,
      () => {
        this.#keys = keys;
        this.#pinKey?.wipe();
        this.#pinKey = pin;
      },
    );
    if (exchanged?.text(39) !== '800') throw new Error('no key');
  }

  #wrapPin(key: Secret<'key'>): string {
    return unwrap(
      wrapKeyBlock(this.#zoneKbpk, {
        attributes: {
          versionId: 'D',
          keyUsage: 'P0',
          algorithm: 'A',
          modeOfUse: 'B',
          keyVersion: '00',
          exportability: 'N',
          reserved: '00',
        },
        key,
        entropy: (lengthBytes) => this.#world.entropy(lengthBytes),
      }),
    );
  }

  /** 802 in the place of a request; the connection ends soon, and with it whatever still waits on it. */
  #signOff(): void {
    this.#isReady = false;
    const socket = this.#socket;
    this.#manage(functions.signOff, {}, signedOffMs).catch(() => undefined);
    this.#world.timers.after(signedOffMs, () => socket?.destroy());
  }

  #manage(
    what: string,
    added: { readonly [element: number]: Uint8Array },
    timeoutMs: number,
    sent: () => void = () => undefined,
  ): Promise<DecodedMessage | undefined> {
    this.#stan += 1;
    const now = this.#world.clock.now();
    const { side, parties, profile } = this.#link;
    const message: Message = {
      mti: profile.networkManagement.mti,
      fields: {
        7: transmissionTime(now),
        11: String(this.#stan),
        12: localTransactionTime(now),
        24: what,
        93: side === 'acquirer' ? parties.own : parties.far,
        94: this.#options.acquirerId,
        ...added,
      },
    };
    const answer = this.#await(message, timeoutMs);
    this.#line?.send(this.#frameOf(message, false));
    sent();
    return answer;
  }

  #read(framed: Uint8Array): void {
    const bytes = this.#opened(framed);
    const decoded = bytes && this.#link.codec.decode(bytes);
    if (!bytes || !decoded?.ok) {
      const cause = decoded?.ok === false ? decoded.fault : undefined;
      this.#world.log('warn', 'messageRefused', { fault: { code: 'ISSUER_MESSAGE_INVALID', ...(cause && { cause }) } });
      return;
    }
    const message = decoded.value;
    const isAsked = /^18[02]/.test(message.mti);
    if (isAsked && message.text(24) === functions.keyExchange) return this.#takeKeys(message);
    if (this.#keys && ![this.#keys, this.#keysBefore].some((keys) => this.#isUnder(message, keys))) {
      this.#world.log('warn', 'messageRefused', { fault: { code: 'ISSUER_MAC_INVALID', facts: { mti: message.mti } } });
      return;
    }
    if (isAsked) {
      if (message.text(24) === functions.signOff) return void this.#socket?.destroy();
      this.#answer(message);
      if (message.text(24) === functions.signOn) this.#signedOn();
      return;
    }
    this.#options.tap?.message(this.#name, 'in', bytes);
    this.#waiting.get(matchKey(this.#link, message))?.(message);
  }

  #opened(framed: Uint8Array): Uint8Array | undefined {
    if (!isZoneFrame(framed)) return framed;
    for (const keys of [this.#keys, this.#keysBefore]) {
      const opened = keys?.data && openZoneFrame(keys.data, framed);
      if (opened?.ok) return opened.value;
    }
    return undefined;
  }

  /** The switch hands over keys, at first or anew: they count from its answer on. */
  #takeKeys(message: DecodedMessage): void {
    const isTheirs = this.#link.session.keys === (this.#link.side === 'acquirer' ? 'ours' : 'theirs');
    const read = isTheirs && readZoneKeys(this.#link, this.#zoneKbpk, message.binary(96));
    if (!read || !read.ok) return this.#answer(message, '917');
    wipeZoneKeys(this.#keysBefore);
    this.#pinKey?.wipe();
    this.#pinKey = read.value.pin;
    [this.#keysBefore, this.#keys] = [this.#keys, { mac: read.value.mac, data: read.value.data }];
    // What proves that the new keys are there is not enciphered under them yet.
    this.#answer(message, '800', true);
    this.#adopted();
  }

  #isUnder(message: DecodedMessage, keys: ZoneKeys | undefined): boolean {
    const { mac } = keys ?? {};
    return mac !== undefined && verifyMac(message, zoneMac(mac, linkMacOf(this.#link)), macOptionsOf(this.#link)).ok;
  }

  #answer(message: DecodedMessage, actionCode = '800', isClear = false): void {
    const mti = responseMti(message.mti) ?? '1814';
    const answer = answerTo(message, mti, [7, 11, 12, 24, 93, 94], { 39: actionCode });
    this.#line?.send(this.#frameOf(answer, false, isClear));
  }
}

/** What stands in our element for a signature beside a PIN goes to an issuer in that of its link. */
function inTheirElement({ side, verificationElement: theirs }: Link, message: Message): Message {
  const { [verificationElement]: verified, ...fields } = message.fields;
  if (verified === undefined || side === 'acquirer' || theirs === verificationElement) return message;
  return { mti: message.mti, fields: theirs === null ? fields : { ...fields, [theirs]: verified } };
}

/** How long a connection outlives its sign-off. */
const signedOffMs = 500;

const macOptionsOf = ({ profile: { mac } }: Link): MacOptions => ({
  lengthBytes: mac?.lengthBytes ?? issuerLink.mac.lengthBytes,
  ...(mac?.element !== undefined && { element: mac.element }),
});

const matchKey = ({ profile }: Link, { mti, fields }: Message): string =>
  [mti[1], ...profile.matchKeys.map((number) => textOf({ fields }, number) ?? '')].join('/');
