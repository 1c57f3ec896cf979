import { hash } from 'node:crypto';
import { createServer, type TLSSocket } from 'node:tls';
import {
  balanceAccounts,
  formatRemark,
  adviceReasons,
  answerTo,
  cardCompanyLink,
  convertMinor,
  directionOf,
  freshZoneKeys,
  functions,
  isInquiry,
  isZoneFrame,
  type Link,
  linkMacOf,
  localTransactionTime,
  negativeFileName,
  type Operation,
  openZoneFrame,
  operationOf,
  readConversion,
  readZoneKeys,
  reversalReasons,
  sealZoneFrame,
  transmissionTime,
  wipeZoneKeys,
  writeZoneKeys,
  zoneFrame,
  type ZoneKeys,
  zoneMac,
} from '@tsunagu/protocols/acquiring';
import {
  type DecodedMessage,
  encodeFrame,
  type FieldValue,
  FrameReader,
  isApproval,
  type MacFunction,
  type MacOptions,
  type Message,
  originalMti,
  parseOriginalData,
  responseMti,
  sealMac,
  verifyMac,
} from '@tsunagu/protocols/iso8583';
import {
  asBuffer,
  fail,
  fromHex,
  hex,
  ok,
  type Result,
  Secret,
  secretPan,
  toHex,
  unwrap,
} from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import { writeTogether } from '../net/index.ts';
import type { LinkCredentials } from '../switch/link/credentials.ts';
import { FaultyLine, pickFault, type WireFault, type WireFaults } from '../emulation/wire-faults.ts';
import { noTap, type Tap } from '../emulation/tap.ts';
import {
  type Books,
  cardOf,
  type Decision,
  decideSale,
  houseIssuer,
  type Issuer,
  isPrepaid,
  prepaidBalance,
  refusalOf,
} from './decide.ts';
import type { IssuerCard } from './issuer-cards.ts';
import type { Ledger, SaleRecord } from './ledger.ts';
import { issuerProfiles } from './profile.ts';
import { verifyPin } from './pin.ts';
import { reconcile, reconciliationEcho } from './reconciliation.ts';
import type { TransitAnswer, TransitCentre } from './transit-centre.ts';

/** Where the emulated card company listens, and how it behaves. */
export interface CardCompanyOptions {
  readonly host: string;
  readonly port: number;
  /** The link that it is the far end of: dialect, frame, MAC, codes; the house's card company unless told. */
  readonly link?: Link;
  readonly credentials: LinkCredentials;
  readonly ledger: Ledger;
  /** The centre of the transit cards, where it has one. */
  readonly transit?: TransitCentre;
  /** Its cards, limits and hours; those of the house's own card company unless told. */
  readonly issuer?: Issuer;
  /** What befalls its answers, and by which numbers in [0, 1); nothing unless told. */
  readonly faults?: WireFaults;
  readonly nextFault?: () => number;
  /** Sees every message on the line. */
  readonly tap?: Tap;
  /** Pause before an answer, milliseconds; called once per answer. */
  readonly delayMs: () => number;
}

/** A running card company. */
export interface CardCompany {
  readonly port: number;
  /** Asks the switch to change its list of refused cards. ISSUER_LINK_DOWN: no switch has signed on. */
  askFileAction(action: FileAction): Promise<Result<FileActionAnswer, 'ISSUER_LINK_DOWN'>>;
  /** Shows and believes what was handed in last, from the next connection on. The key of the zone stays. */
  renew(credentials: LinkCredentials): void;
  /** Ends every connection and listens no more; the books stay open, for whoever opens it again. */
  shut(): Promise<void>;
  /** Shuts, and closes the books. */
  close(): Promise<void>;
}

/** A card that is to be listed, taken off, or looked up. */
export interface FileAction {
  readonly function: 'add' | 'delete' | 'inquire';
  readonly pan: Secret<'pan'>;
  /** Of `negativeReasons`. */
  readonly reason?: string;
  /** Repeats an action whose answer was lost: six digits, and its local time. */
  readonly repeats?: { readonly stan: string; readonly localTime: string };
}
/** What the switch said to a file action, and what to repeat it by. */
export interface FileActionAnswer {
  readonly stan: string;
  readonly localTime: string;
  /** DE39; undefined when no answer came in time. */
  readonly actionCode: string | undefined;
  /** DE72: `STILL REFUSED` where a card that was taken off is refused all the same; not there when there is nothing to say. */
  readonly record?: string;
}

const fileFunctions = { add: '301', delete: '303', inquire: '305' } as const;
const fileAnswerMs = 10_000;
const connectionsMax = 64;
/** How long a connection outlives its sign-off. */
const signedOffMs = 1_000;

/** Opens the emulated card company: one session per connection of the switch. */
export function openCardCompany(
  world: World,
  options: CardCompanyOptions,
): Promise<Result<CardCompany, 'PORT_TAKEN' | 'ISSUER_CREDENTIALS_INVALID'>> {
  const { credentials } = options;
  const zone = fromHex(credentials.zoneKbpk);
  if (!zone.ok) return Promise.resolve(fail('ISSUER_CREDENTIALS_INVALID', { field: 'zoneKbpk' }));
  const zoneKbpk = Secret.take('key', zone.value);
  const sockets = new Set<TLSSocket>();
  const sessions = new Set<Session>();
  const shown = ({ certificate: cert, privateKey: key, ca }: LinkCredentials) =>
    ({ cert, key, ca, minVersion: 'TLSv1.3' }) as const;
  const server = createServer({
    ...shown(credentials),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: 5_000,
  });
  server.maxConnections = connectionsMax;
  server.on('tlsClientError', (error, socket) => {
    const reason = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
    const code = reason.includes('DID_NOT_RETURN_A_CERTIFICATE')
      ? 'CLIENT_CERTIFICATE_MISSING'
      : 'TLS_HANDSHAKE_FAILED';
    world.log('warn', 'connectionRefused', { fault: { code }, reason, port: 'cardCompany' });
    socket.destroy();
  });
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', (error) => world.log('debug', 'connectionFailed', { port: 'cardCompany', reason: error.name }));
    // A terminal's certificate is of the same house; only the switch may speak here.
    if (socket.getPeerX509Certificate()?.subjectAltName !== `URI:${credentials.peer}`) {
      world.log('warn', 'connectionRefused', { fault: { code: 'CLIENT_CERTIFICATE_REFUSED' }, port: 'cardCompany' });
      socket.destroy();
      return;
    }
    const session = new Session(world, options, zoneKbpk, socket);
    sessions.add(session);
    socket.on('close', () => sessions.delete(session));
  });
  const shut = async (): Promise<void> => {
    const closed = new Promise<void>((done) => server.close(() => done()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return new Promise((resolve) => {
    server.once('error', (cause: Error) =>
      resolve(fail('PORT_TAKEN', { facts: { port: options.port, name: 'cardCompany' }, cause })),
    );
    server.listen(options.port, options.host, () => {
      const address = server.address();
      resolve(
        ok({
          port: typeof address === 'object' && address ? address.port : options.port,
          async askFileAction(action) {
            const session = [...sessions].find(({ isSignedOn }) => isSignedOn);
            return session ? ok(await session.askFileAction(action)) : fail('ISSUER_LINK_DOWN');
          },
          renew: (next) => server.setSecureContext(shown(next)),
          shut,
          close: async () => {
            await shut();
            await options.ledger.close();
            await options.transit?.close();
            options.tap?.close();
          },
        }),
      );
    });
  });
}

/** Of the two ends of a link, as its file has it: `ours` is the switch, `theirs` is the issuer. */
type Side = Link['session']['keys'];

/** One connection of the switch: sign-on, key exchange, sales and reversals. */
class Session {
  readonly #world: World;
  readonly #options: CardCompanyOptions;
  readonly #zoneKbpk: Secret<'key'>;
  readonly #socket: TLSSocket;
  readonly #link: Link;
  readonly #reader: FrameReader;
  readonly #sales = new Map<string, Promise<void>>();
  readonly #plan: { readonly signOn: Side; readonly keys: Side };
  #isSignedOn = false;
  readonly #asked = new Map<string, (answer: DecodedMessage | undefined) => void>();
  #stan = 0;
  #keys: ZoneKeys | undefined;
  /** Those before the last exchange: what was on its way then still bears them. */
  #keysBefore: ZoneKeys | undefined;
  /** Offered to the far side, and not taken yet. */
  #offered: ZoneKeys | undefined;
  #pinKey: Secret<'key'> | undefined;
  #frameDeadline: Timer | undefined;
  readonly #line: FaultyLine;
  readonly #issuer: Issuer;
  readonly #tap: Tap;
  readonly #name: string;

  constructor(world: World, options: CardCompanyOptions, zoneKbpk: Secret<'key'>, socket: TLSSocket) {
    this.#world = world;
    this.#options = options;
    this.#zoneKbpk = zoneKbpk;
    this.#socket = socket;
    this.#link = options.link ?? cardCompanyLink;
    const { profile, session } = this.#link;
    this.#plan = {
      signOn: profile.networkManagement.signOn ? session.signOn : 'none',
      keys: profile.mac || session.encrypt ? session.keys : 'none',
    };
    this.#reader = new FrameReader(this.#link.frame);
    this.#line = new FaultyLine(
      world.timers,
      {
        get destroyed() {
          return socket.destroyed || socket.writableEnded;
        },
        write: (bytes) => writeTogether(socket, asBuffer(bytes)),
        end: () => socket.end(),
      },
      options.faults ?? issuerProfiles['card-company'].faults,
    );
    this.#issuer = options.issuer ?? houseIssuer;
    this.#tap = options.tap ?? noTap;
    this.#name = world.id();
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('close', () => {
      this.#frameDeadline?.cancel();
      this.#line.close();
      for (const keys of [this.#keys, this.#keysBefore, this.#offered]) wipeZoneKeys(keys);
      this.#pinKey?.wipe();
      this.#keys = this.#keysBefore = this.#offered = this.#pinKey = undefined;
    });
    if (this.#plan.signOn === 'theirs') this.#ask(functions.signOn);
    else if (this.#plan.signOn === 'none') this.#signedOn();
  }

  get isSignedOn(): boolean {
    return this.#isSignedOn && (this.#plan.keys === 'none' || this.#keys !== undefined);
  }

  #signedOn(): void {
    this.#isSignedOn = true;
    if (this.#plan.keys === 'theirs') this.#offerKeys();
  }

  /** A 1304 for the switch, or the 1305 of one before. */
  async askFileAction({ function: what, pan, reason, repeats }: FileAction): Promise<FileActionAnswer> {
    const now = this.#world.clock.now();
    this.#stan += 1;
    const stan = repeats?.stan ?? String(this.#stan).padStart(6, '0');
    const localTime = repeats?.localTime ?? localTransactionTime(now);
    const key = `${stan}/${localTime}`;
    const answer = await new Promise<DecodedMessage | undefined>((resolve) => {
      const timer = this.#world.timers.after(fileAnswerMs, () => settle(undefined));
      const settle = (said: DecodedMessage | undefined): void => {
        timer.cancel();
        this.#asked.delete(key);
        resolve(said);
      };
      this.#asked.set(key, settle);
      const fields: { [element: number]: FieldValue } = {
        2: pan,
        7: transmissionTime(now),
        11: stan,
        12: localTime,
        24: fileFunctions[what],
        93: this.#link.parties.own,
        94: this.#link.parties.far,
        101: negativeFileName,
      };
      if (reason !== undefined) fields[72] = reason;
      this.#send({ mti: repeats ? '1305' : '1304', fields }, this.#keys);
    });
    const record = answer?.text(72)?.trim();
    return { stan, localTime, actionCode: answer?.text(39), ...(record !== undefined && { record }) };
  }

  #take(chunk: Uint8Array): void {
    const { frames, fault } = this.#reader.push(chunk);
    for (const { message } of frames) {
      const bytes = this.#opened(new Uint8Array(message));
      if (bytes === undefined) {
        this.#world.log('warn', 'messageRefused', { fault: { code: 'ACQUIRING_FRAME_NOT_AUTHENTIC' } });
        continue;
      }
      this.#tap.message(this.#name, 'in', bytes);
      this.#read(bytes);
    }
    if (fault) {
      this.#world.log('warn', 'messageRefused', { fault: { code: 'ISSUER_MESSAGE_INVALID', cause: fault } });
      this.#socket.destroy();
      return;
    }
    if (frames.length > 0 || this.#reader.pendingBytes === 0) {
      this.#frameDeadline?.cancel();
      this.#frameDeadline = undefined;
    }
    if (this.#reader.pendingBytes > 0)
      this.#frameDeadline ??= this.#world.timers.after(this.#link.frameDeadlineMs, () => this.#socket.destroy());
  }

  /** The message in a frame; undefined where it is enciphered under no key of this connection. */
  #opened(framed: Uint8Array): Uint8Array | undefined {
    if (!isZoneFrame(framed)) return framed;
    for (const keys of [this.#keys, this.#offered, this.#keysBefore]) {
      const opened = keys?.data && openZoneFrame(keys.data, framed);
      if (opened?.ok) return opened.value;
    }
    return undefined;
  }

  #read(bytes: Uint8Array): void {
    const decoded = this.#link.codec.decode(bytes);
    if (!decoded.ok) {
      this.#world.log('warn', 'messageRefused', { fault: { code: 'ISSUER_MESSAGE_INVALID', cause: decoded.fault } });
      this.#socket.destroy();
      return;
    }
    const message = decoded.value;
    if (/^18[13]/.test(message.mti)) return this.#managed(message);
    const handled = /^18[02]/.test(message.mti) ? this.#manage(message) : this.#transact(message);
    handled.catch((cause: unknown) => {
      // What could not be written down must not be told.
      this.#world.log('error', 'requestFailed', { fault: { code: 'ISSUER_LEDGER_INVALID', cause } });
      this.#socket.destroy();
    });
  }

  async #manage(message: DecodedMessage): Promise<void> {
    const asked = message.text(24);
    const mti = responseMti(message.mti) ?? '1814';
    if (asked === functions.signOn && this.#plan.signOn === 'ours') {
      this.#answer(message, mti, { 39: '800' }, undefined);
      return this.#signedOn();
    }
    if (asked === functions.keyExchange && message.fields[96] !== undefined && this.#isSignedOn)
      return this.#exchangeKey(message, mti);
    if (!this.#isGenuine(message)) return;
    await Promise.resolve();
    if (asked === functions.signOff) this.#isSignedOn = false;
    const isKnown = asked === functions.echo || asked === functions.signOff;
    this.#answer(message, mti, { 39: isKnown ? '800' : '115' }, this.#keys);
  }

  /** What the switch says to what we asked of it: our sign-on, or the keys that we offered. */
  #managed(message: DecodedMessage): void {
    const isTaken = message.text(39) === '800';
    if (message.text(24) === functions.signOn && isTaken && !this.#isSignedOn) return this.#signedOn();
    const offered = this.#offered;
    if (message.text(24) !== functions.keyExchange || !offered) return;
    this.#offered = undefined;
    if (isTaken) return this.#adopt(offered, undefined);
    wipeZoneKeys(offered);
    this.#world.log('warn', 'keyRefused', { fault: { code: 'LINK_KEYS_INVALID' } });
  }

  #adopt(keys: ZoneKeys, pin: Secret<'key'> | undefined): void {
    wipeZoneKeys(this.#keysBefore);
    this.#pinKey?.wipe();
    [this.#keysBefore, this.#keys, this.#pinKey] = [this.#keys, { mac: keys.mac, data: keys.data }, pin];
  }

  /** Hands the switch working keys of ours; no PIN key among them, for the switch takes none. */
  #offerKeys(): void {
    const entropy = (lengthBytes: number): Uint8Array => this.#world.entropy(lengthBytes);
    wipeZoneKeys(this.#offered);
    this.#offered = freshZoneKeys(this.#link, entropy) ?? {};
    const blocks = writeZoneKeys(this.#link, this.#zoneKbpk, this.#offered, entropy);
    this.#ask(functions.keyExchange, { 53: Uint8Array.of(1), 96: blocks });
  }

  /** DE96: the MAC key of this connection (M6, M3), the data key where messages are enciphered (D0), and the zone's PIN key (P0); each block begins with its own length. */
  #exchangeKey(message: DecodedMessage, mti: string): void {
    const read = this.#plan.keys === 'ours' && readZoneKeys(this.#link, this.#zoneKbpk, message.binary(96));
    if (!read || !read.ok || read.value.pin === undefined) {
      if (read && read.ok) wipeZoneKeys(read.value);
      else if (read) this.#world.log('warn', 'keyRefused', { fault: read.fault });
      return this.#answer(message, mti, { 39: '917' }, undefined);
    }
    this.#adopt(read.value, read.value.pin);
    this.#answer(message, mti, { 39: '800' }, this.#keys && { mac: this.#keys.mac });
  }

  #isGenuine(message: DecodedMessage): boolean {
    const { mac } = this.#link.profile;
    const isUnder = (keys: ZoneKeys | undefined): boolean =>
      keys?.mac !== undefined && verifyMac(message, this.#macUnder(keys.mac), this.#macOptions).ok;
    const isFree = mac === undefined || mac.exempt.includes(message.mti);
    if (this.#isSignedOn && (isFree || [this.#keys, this.#offered, this.#keysBefore].some(isUnder))) return true;
    this.#world.log('warn', 'messageRefused', { fault: { code: 'ISSUER_MAC_INVALID', facts: { mti: message.mti } } });
    return false;
  }

  #macUnder(key: Secret<'key'>): MacFunction {
    return zoneMac(key, linkMacOf(this.#link));
  }

  get #macOptions(): MacOptions {
    const { mac } = this.#link.profile;
    return { lengthBytes: mac?.lengthBytes ?? 8, ...(mac?.element !== undefined && { element: mac.element }) };
  }

  async #transact(message: DecodedMessage): Promise<void> {
    if (!this.#isGenuine(message)) return;
    switch (message.mti) {
      case '1100':
      case '1101':
      case '1120':
      case '1121':
      case '1200':
      case '1201':
      case '1220':
      case '1221':
        return await this.#sale(message);
      case '1420':
      case '1421':
        return await this.#reversal(message);
      case '1520':
      case '1521':
      case '1604':
      case '1605':
        return this.#answer(
          message,
          responseMti(message.mti) ?? '1530',
          await reconcile(this.#options.ledger, this.#link, message),
          this.#keys,
        );
      case '1314':
        return this.#asked.get(`${message.text(11)}/${message.text(12)}`)?.(message);
      default:
        this.#answer(message, '1644', { 39: '902' }, this.#keys);
    }
  }

  /** A request or a posting: decided or taken once, however often it comes. */
  async #sale(message: DecodedMessage): Promise<void> {
    const { ledger, delayMs, transit } = this.#options;
    const asked = operationOf(originalMti(message.mti), message.text(3), message.text(24));
    // In the books an authorisation is one, whoever gave it.
    const operation = asked === 'offlineAuthorisation' ? 'authorisation' : asked;
    const answered = responseMti(message.mti) ?? '1644';
    if (operation === undefined) return this.#answer(message, answered, { 39: '902' }, this.#keys);
    const key = keyOf(message);
    const pan = message.secret(2);
    const transitCard = pan && transit?.cardOf(pan);
    if (transit && transitCard) {
      const said = await transit.handle(transitCard, message, operation, key, originalKeyOf(message));
      await this.#world.timers.sleep(delayMs());
      const approval = isApproval(said.actionCode) && !isInquiry(operation) ? { 38: approvalCodeOf(key) } : {};
      return this.#answer(message, answered, { ...approval, ...transitElements(said) }, this.#keys);
    }
    await this.#sales.get(key);
    const card = cardOf(message, this.#issuer.cards);
    let known = ledger.sale(key);
    if (!known) {
      const original = originalKeyOf(message);
      const decision = this.#decide(message, operation, card, key, original);
      if (decision.type === 'silence') {
        this.#world.log('info', 'saleIgnored', { account: decision.account });
        return;
      }
      known = {
        kind: 'sale',
        what: operation,
        key,
        ...(original !== undefined && { original }),
        account: decision.account,
        day: dayOf(message),
        amountMinor: Number(message.text(4)),
        actionCode: decision.actionCode,
        approvalCode: decision.actionCode === '000' && !isInquiry(operation) ? approvalCodeOf(key) : '',
        emv: toHex(decision.emv),
        ...(decision.pin !== undefined && { pin: decision.pin }),
        ...ownOf(message),
      };
      const written = ledger.append(known);
      this.#sales.set(key, written);
      await written.finally(() => this.#sales.delete(key));
      this.#world.log('debug', 'saleDecided', {
        account: known.account,
        what: operation,
        actionCode: known.actionCode,
      });
    }
    const pauseMs = delayMs();
    if (pauseMs > 0) await this.#world.timers.sleep(pauseMs);
    this.#answer(message, answered, this.#answerOf(known, card), this.#keys);
  }

  #decide(
    message: DecodedMessage,
    operation: Operation,
    card: IssuerCard | undefined,
    key: string,
    original: string | undefined,
  ): Decision {
    const { ledger } = this.#options;
    const account = card?.name;
    const say = (actionCode: string): Decision => ({
      type: 'answer',
      account: account ?? '',
      actionCode,
      emv: new Uint8Array(0),
    });
    // A reversal that came first wins: what it takes back never happens.
    const isStandIn = message.text(25) === adviceReasons.issuerUnavailable;
    const isAdvised = originalMti(message.mti)[2] === '2';
    if (operation === 'completion' || (isAdvised && (!isStandIn || ledger.isReversed(key))))
      // An advice is taken unless the profile refuses what looks like it; one whose reversal came first is reversed the moment it is written down.
      return say(
        (ledger.isReversed(key) ? undefined : refusalOf(this.#issuer, message)) ??
          (account === undefined ? '118' : '900'),
      );
    if (ledger.isReversed(key)) return say('914');
    const { own } = ownOf(message);
    if (operation !== 'refund' && !isConvertedRight(message, card)) return say('110');
    if (operation === 'refund') {
      const sale = original === undefined ? undefined : ledger.sale(original);
      if (sale === undefined || sale.account !== account || ledger.isReversed(sale.key)) return say('914');
      // What was put onto a card is taken back by a reversal: a refund would put it there once more.
      if (directionOf(sale.what) !== 'debit') return say('902');
      if (!isOwnLeft(own, sale, ledger.followers(sale.key))) return say('110');
      const givenBack = ledger.followers(sale.key).reduce((sum, refund) => sum + refund.amountMinor, 0);
      if (givenBack + Number(message.text(4)) > sale.amountMinor) return say('110');
    }
    const today = localTransactionTime(this.#world.clock.now()).slice(0, 4);
    const decision = decideSale(
      message,
      operation,
      card,
      this.#booksOf(dayOf(message)),
      today,
      (holder) =>
        verifyPin(message, this.#pinKey, holder, ledger.pinTriesUsed(holder.name), this.#issuer.profile.pinDigitsLeast),
      this.#issuer,
    );
    // What somebody else approved in our place is taken, or refused for the reason that we would have had.
    return isStandIn && decision.type === 'answer' && decision.actionCode === '000' ? say('900') : decision;
  }

  #booksOf(day: string): Books {
    const { ledger } = this.#options;
    return {
      spent: (account) => ledger.spent(account, day),
      taken: (account) => ledger.taken(account),
      isIssued: (account) => ledger.has(account, 'issue'),
    };
  }

  #answerOf(
    { what, account, day, actionCode, approvalCode, emv }: SaleRecord,
    card: IssuerCard | undefined,
  ): { [element: number]: FieldValue } {
    const added: { [element: number]: FieldValue } = { 39: actionCode };
    if (approvalCode !== '') added[38] = approvalCode;
    if (emv !== '') added[55] = hex(emv);
    const { hours } = this.#issuer.profile;
    // Of what we answer it is the hours alone that have this code.
    if (actionCode === '907' && hours) added[44] = formatRemark({ hours });
    const books = this.#booksOf(day);
    const isHolder = card !== undefined && isPrepaid(card);
    if (actionCode === '000' && isHolder)
      added[54] = balanceElement(
        'kind' in card && card.kind === 'points' ? balanceAccounts.points : balanceAccounts.storedValue,
        prepaidBalance(card, books) ?? 0,
      );
    else if (what === 'balance' && actionCode === '000')
      added[54] = balanceElement(
        balanceAccounts.credit,
        Math.max(0, this.#issuer.profile.limits.dayMax - books.spent(account)),
      );
    const replacedBy = what === 'validity' && card && 'replacedBy' in card ? card.replacedBy : undefined;
    if (replacedBy) {
      if (replacedBy.pan !== undefined) added[2] = secretPan(replacedBy.pan);
      added[14] = replacedBy.expiry;
    }
    return added;
  }

  /** Why a person's void is refused: what it takes back is not on the card any more (116). Any other reversal has to be taken. */
  async #voidRefusal(message: DecodedMessage, sale: SaleRecord | undefined): Promise<string | undefined> {
    const { ledger } = this.#options;
    if (message.text(25) !== reversalReasons.customerCancelled || !sale || directionOf(sale.what) !== 'credit') return;
    const own = keyOf(message);
    const before = ledger.voidRefused(own);
    const card = cardOf(message, this.#issuer.cards);
    if (before !== undefined || !card || !isPrepaid(card) || !isApproval(sale.actionCode)) return before;
    const balance = prepaidBalance(card, this.#booksOf(sale.day)) ?? 0;
    if (balance >= sale.amountMinor) return;
    await ledger.append({ kind: 'void-refused', key: own, actionCode: '116' });
    this.#world.log('info', 'voidRefused', { account: sale.account, actionCode: '116' });
    return '116';
  }

  async #reversal(message: DecodedMessage): Promise<void> {
    const { ledger, transit, delayMs } = this.#options;
    const original = parseOriginalData(message.text(56) ?? '');
    if (!original.ok) return this.#answer(message, '1430', { 39: '904' }, this.#keys);
    const { stan, localTime, acquirer } = original.value;
    const key = `${stan}/${localTime}/${acquirer}`;
    const pan = message.secret(2);
    if (transit && pan && transit.cardOf(pan)) await transit.takeBack(key);
    // Taken once, however often it is asked.
    else if (!ledger.isReversed(key)) {
      const refusal = await this.#voidRefusal(message, ledger.sale(key));
      if (refusal !== undefined) return this.#answer(message, '1430', { 39: refusal }, this.#keys);
      await ledger.append({ kind: 'reversal', key, ...(message.text(28) !== undefined && { day: message.text(28) }) });
      this.#world.log('info', 'saleReversed', { account: ledger.sale(key)?.account ?? '' });
    }
    const pauseMs = delayMs();
    if (pauseMs > 0) await this.#world.timers.sleep(pauseMs);
    this.#answer(message, '1430', { 39: '400' }, this.#keys);
  }

  #answer(
    request: Message,
    mti: string,
    added: { readonly [element: number]: FieldValue },
    keys: ZoneKeys | undefined,
  ): void {
    if (this.#socket.destroyed) return;
    const isManagement = /^1[568]/.test(mti);
    const echo = mti[1] === '8' ? [7, 11, 12, 24, 93, 94] : isManagement ? reconciliationEcho : this.#link.profile.echo;
    const answer = answerTo(request, mti, echo, inTheirWords(this.#link, added));
    const { faults, nextFault } = this.#options;
    // The line is only bad to what moves money: one that cannot sign on shows nothing.
    const fault = isManagement || !faults || !nextFault ? undefined : pickFault(faults, nextFault);
    if (fault !== undefined) this.#world.log('info', 'wireFault', { name: fault, mti });
    if (fault === 'signOff') return this.#signOff();
    const changed = fault === 'wrongStan' ? { mti, fields: { ...answer.fields, 11: '999999' } } : answer;
    this.#send(changed, keys, fault);
  }

  /** 802, and nothing any more until the far side signs on anew; the connection ends soon. */
  #signOff(): void {
    this.#ask(functions.signOff);
    this.#isSignedOn = false;
    this.#world.timers.after(signedOffMs, () => this.#socket.destroy());
  }

  /** Network management of ours, under the MTI that the link has for it. Keys go in the clear, for they are wrapped. */
  #ask(what: string, added: { readonly [element: number]: FieldValue } = {}): void {
    const now = this.#world.clock.now();
    this.#stan += 1;
    const fields = {
      7: transmissionTime(now),
      11: String(this.#stan).padStart(6, '0'),
      12: localTransactionTime(now),
      24: what,
      93: this.#link.parties.own,
      94: this.#link.parties.far,
      ...added,
    };
    const isKeys = what === functions.keyExchange;
    this.#send({ mti: this.#link.profile.networkManagement.mti, fields }, isKeys ? undefined : this.#keys);
  }

  #send(message: Message, keys: ZoneKeys | undefined, fault?: WireFault): void {
    const { codec, profile, frame } = this.#link;
    const mac = profile.mac?.exempt.includes(message.mti) === true ? undefined : keys?.mac;
    const bytes = unwrap(mac ? sealMac(codec, message, this.#macUnder(mac), this.#macOptions) : codec.encode(message));
    // What was said is what left here; what the line makes of it comes after.
    if (fault !== 'wrongStan') this.#tap.message(this.#name, 'out', bytes);
    const sent = keys?.data ? sealZoneFrame(keys.data, this.#world.entropy(zoneFrame.nonceBytes), bytes) : bytes;
    this.#line.send(unwrap(encodeFrame(frame, sent)), fault);
  }
}

/** The action code as this link writes it: one of its own where one stands for it. */
function inTheirWords(
  { profile }: Link,
  added: { readonly [element: number]: FieldValue },
): { readonly [element: number]: FieldValue } {
  const own = Object.entries(profile.codes.actions).find(([, { standsFor }]) => standsFor === added[39])?.[0];
  return own === undefined || added[39] === undefined ? added : { ...added, 39: own };
}

/** What a request is in the account's own currency, as the books have it (DE6, DE51). */
function ownOf(message: DecodedMessage): Pick<SaleRecord, 'own'> {
  const said = readConversion((number) => message.text(number));
  if (!said.ok || said.value === undefined) return {};
  const { currency, amountMinor } = said.value;
  return { own: { currency, amountMinor } };
}

/** Whether what a request says of the own currency is that of the account, and the amount at the rate that it names; so is one that says nothing. */
function isConvertedRight(message: DecodedMessage, card: IssuerCard | undefined): boolean {
  const said = readConversion((number) => message.text(number));
  if (!said.ok) return false;
  if (said.value === undefined) return true;
  const { currency, amountMinor, rate } = said.value;
  const isOfAccount = card !== undefined && (!('currency' in card) || card.currency.slice(-3) === currency);
  return isOfAccount && convertMinor(Number(message.text(4)), message.text(49) ?? '', rate, currency) === amountMinor;
}

/** Whether a refund gives back in the currency that its sale was taken in, and no more than was. */
function isOwnLeft(own: SaleRecord['own'], sale: SaleRecord, refunds: readonly SaleRecord[]): boolean {
  if (own === undefined || sale.own === undefined) return own === sale.own;
  const before = refunds.reduce((sum, refund) => sum + (refund.own?.amountMinor ?? 0), 0);
  return own.currency === sale.own.currency && before + own.amountMinor <= sale.own.amountMinor;
}

/** DE54 with one set: kind of account, available amount, yen, credit. ISO 8583:1993, 4.3.54. */
const balanceElement = (account: string, minor: number): string => `${account}02392C${String(minor).padStart(12, '0')}`;

/** The elements of a transit centre's answer. DE54: prepaid account (60), remaining (02). */
const transitElements = ({ actionCode, data, balance }: TransitAnswer): { [element: number]: FieldValue } => ({
  39: actionCode,
  ...(balance !== undefined && { 54: `6002392C${String(balance).padStart(12, '0')}` }),
  ...(data !== undefined && { 55: data }),
});

/** The business day that a message says (DE28), or the date of its transaction. */
const dayOf = (message: DecodedMessage): string => message.text(28) ?? message.text(12)?.slice(0, 6) ?? '';

/** The key of what a refund or a completion follows. */
function originalKeyOf(message: DecodedMessage): string | undefined {
  const original = parseOriginalData(message.text(56) ?? '');
  return original.ok ? `${original.value.stan}/${original.value.localTime}/${original.value.acquirer}` : undefined;
}

const keyOf = (message: DecodedMessage): string =>
  [message.text(11), message.text(12), message.text(32)].map((part) => part ?? '').join('/');

/** Six characters that look like an approval code and follow from the sale, so that a run can be repeated. */
const approvalCodeOf = (key: string): string => hash('sha256', key).slice(0, 6).toUpperCase();
