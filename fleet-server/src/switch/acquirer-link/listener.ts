import { createServer, type TLSSocket } from 'node:tls';
import type { Link } from '@tsunagu/protocols/acquiring';
import { type DecodedMessage, responseMti } from '@tsunagu/protocols/iso8583';
import { answerTo } from '@tsunagu/protocols/acquiring';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { followTls, type ServerTls } from '../../identity/index.ts';
import { listen } from '../../net/index.ts';
import { limitConnections } from '../connections.ts';
import type { LinkVerb } from '../issuer-link/issuer-link.ts';
import { verbEvents } from '../issuer-link/issuer-link.ts';
import type { Numbers } from '../journal/numbers.ts';
import { Exchange } from '../link/exchange.ts';
import type { PreparedLink } from '../link/credentials.ts';
import { LeniencyBook, type LenientUse } from '../link/lenient.ts';
import { Line, type LineListener } from '../link/line.ts';
import { type MismatchBook, unmatchedOf } from '../link/matching.ts';
import { raiseRefused } from '../link/refused.ts';
import type { SwitchRooms } from '../ports.ts';
import type { ReconciliationDesk } from '../reconciliation/desk.ts';
import { centreAsking, centreKey, secretEcho } from '../transaction/asking.ts';
import type { Processing } from '../transaction/processing.ts';

/** How the switch shows itself to merchant centres. PEM. */
export interface CentreCredentials {
  readonly certificateChain: string;
  readonly privateKey: string;
  readonly ca: string | readonly string[];
  readonly follow?: ServerTls['follow'];
}

/** A link to a merchant centre: it dials, over one connection or several. */
export interface AcquirerLink {
  readonly link: Link;
  status(): { readonly state: 'up' | 'signed-on' | 'down'; readonly since: number };
  lines(): readonly {
    readonly state: 'up' | 'signed-on' | 'down';
    readonly since: number;
    readonly inFlight: number;
  }[];
  lenient(): readonly LenientUse[];
  order(verb: Exclude<LinkVerb, 'echo'>): void;
  /** Tests every connection, and tells of each whether its echo came back. */
  echo(): Promise<readonly boolean[]>;
}

/** The listener for merchant centres. */
export interface CentreListener {
  readonly port: number;
  readonly links: readonly AcquirerLink[];
  close(): Promise<void>;
}

/** Opens the port for merchant centres (W8): TLS 1.3; the client certificate names the link. */
export async function listenForCentres(
  world: World,
  rooms: SwitchRooms,
  processing: Processing,
  desk: ReconciliationDesk,
  operator: MismatchBook,
  numbersOf: (link: string) => Numbers,
  prepared: readonly PreparedLink[],
  at: { readonly host: string; readonly port: number },
  credentials: CentreCredentials,
): Promise<Result<CentreListener, 'PORT_TAKEN'>> {
  const sockets = new Set<TLSSocket>();
  const centres = prepared.map(
    (each) => new Centre(world, rooms, processing, desk, operator, numbersOf(each.link.id), each),
  );
  const server = createServer({
    cert: credentials.certificateChain,
    key: credentials.privateKey,
    ca: typeof credentials.ca === 'string' ? credentials.ca : [...credentials.ca],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    handshakeTimeout: 5_000,
  });
  followTls(server, credentials.follow);
  const connections = limitConnections(world, server, 'centres', {
    strangersMax: 256,
    admittedMax: prepared.reduce((sum, { link }) => sum + link.connections, 0),
  });
  server.on('tlsClientError', (error, socket) => {
    const reason = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
    rooms.metrics.frameRefused('TLS_HANDSHAKE_FAILED');
    world.log('debug', 'connectionRefused', { fault: { code: 'TLS_HANDSHAKE_FAILED' }, reason, port: 'centres' });
    socket.destroy();
  });
  server.on('secureConnection', (socket) => {
    socket.on('error', (error) => world.log('debug', 'connectionFailed', { port: 'centres', reason: error.name }));
    const name = socket.getPeerX509Certificate()?.subjectAltName;
    const centre = centres.find(({ peer }) => name === `URI:${peer}`);
    if (!centre || !centre.hasRoom) {
      const { fault } = fail(centre ? 'CONNECTION_LIMIT' : 'LINK_PEER_REFUSED');
      rooms.metrics.frameRefused(fault.code);
      world.log('warn', 'connectionRefused', { fault, port: 'centres', from: socket.remoteAddress });
      socket.destroy();
      return;
    }
    if (!connections.admit(socket)) return;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    centre.accept(socket);
  });
  const listening = await listen(server, at.host, at.port, 'centres');
  if (!listening.ok) return listening;
  return ok({
    port: listening.value,
    links: centres,
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      await Promise.all(centres.map((centre) => centre.stop()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  });
}

/** So much more than its new requests a centre may have in hand of what it is owed. */
const owedShare = 0.25;

/** One centre: its connections, and what it asks. */
class Centre implements AcquirerLink {
  readonly link: Link;
  readonly peer: string;
  readonly #world: World;
  readonly #rooms: SwitchRooms;
  readonly #processing: Processing;
  readonly #desk: ReconciliationDesk;
  readonly #operator: MismatchBook;
  readonly #numbers: Numbers;
  readonly #prepared: PreparedLink;
  readonly #exchange: Exchange;
  #lines: readonly Line[] = [];
  #inHand = 0;
  #shown: 'up' | 'signed-on' | 'down' = 'down';
  #since: number;

  constructor(
    world: World,
    rooms: SwitchRooms,
    processing: Processing,
    desk: ReconciliationDesk,
    operator: MismatchBook,
    numbers: Numbers,
    prepared: PreparedLink,
  ) {
    this.link = prepared.link;
    this.peer = prepared.own.peer;
    this.#world = { ...world, log: world.log.with({ link: prepared.link.id }) };
    this.#rooms = rooms;
    this.#processing = processing;
    this.#desk = desk;
    this.#operator = operator;
    this.#numbers = numbers;
    this.#prepared = prepared;
    this.#exchange = new Exchange(world, prepared.link);
    this.#since = world.clock.now();
  }

  readonly #lenient = new LeniencyBook();

  get hasRoom(): boolean {
    return this.#lines.length < this.link.connections;
  }

  accept(socket: TLSSocket): void {
    const heard: LineListener = {
      ready: () => this.#look(),
      changed: (line) => {
        if (line.isStopped) this.#lines = this.#lines.filter((each) => each !== line);
        this.#look();
      },
      asked: (message, line) => this.#answer(message, line),
      unmatched: (message, why) => {
        this.#operator.noteMismatch(this.link.id, unmatchedOf(message), why);
        this.#world.log('warn', 'answerUnmatched', { mti: message.mti, ...why, differs: why.differs.join(' ') });
      },
      lenient: (leniencies) => this.#lenient.note(leniencies, this.#world.clock.now()),
      refused: (fault) => {
        this.#rooms.metrics.frameRefused(fault.code);
        this.#world.log('warn', 'messageRefused', { fault });
        raiseRefused(this.#rooms, this.link.id, fault);
      },
    };
    const line = new Line(this.#world, this.link, this.#prepared.own.zone, this.#numbers, this.#exchange, heard);
    this.#lines = [...this.#lines, line];
    line.accept(socket);
  }

  status(): { readonly state: 'up' | 'signed-on' | 'down'; readonly since: number } {
    return { state: this.#shown, since: this.#since };
  }

  lenient(): readonly LenientUse[] {
    return this.#lenient.uses();
  }

  lines(): ReturnType<AcquirerLink['lines']> {
    return this.#lines.map((line) => ({ ...line.status(), inFlight: this.#exchange.inFlightOn(line) }));
  }

  echo(): Promise<readonly boolean[]> {
    return Promise.all(this.#lines.map((line) => line.echo()));
  }

  order(verb: Exclude<LinkVerb, 'echo'>): void {
    for (const line of this.#lines) line.tell({ type: verbEvents[verb] });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#lines.map((line) => line.stop()));
  }

  #look(): void {
    const states = this.#lines.map((line) => line.status().state);
    const now = states.includes('signed-on') ? 'signed-on' : states.includes('up') ? 'up' : 'down';
    if (now === this.#shown) return;
    this.#shown = now;
    this.#since = this.#world.clock.now();
    this.#rooms.metrics.linkChanged(this.link.id, now);
  }

  /** Answers a request in its own time: they overtake one another. */
  async #answer(message: DecodedMessage, line: Line): Promise<void> {
    const refuse = (actionCode: string): void => {
      const mti = responseMti(message.mti);
      if (mti !== undefined) line.send(answerTo(message, mti, this.link.profile.echo, { 39: actionCode }));
    };
    const { inFlightMax } = this.link;
    const hasRoom = (): boolean =>
      this.#inHand < inFlightMax * (1 + owedShare) && this.#processing.isOwed(centreKey(this.link, message), message);
    if (this.#inHand >= inFlightMax && !hasRoom()) return refuse('907');
    this.#inHand += 1;
    const repeated = secretEcho(this.link, message);
    try {
      if (message.mti[1] === '5' || message.mti[1] === '6') {
        const answer = await this.#desk.answer(this.link, message);
        return answer ? line.send(answer) : refuse('902');
      }
      const asking = centreAsking(this.#rooms, this.link, this.#prepared.own.pinKey, message);
      const reply = await this.#processing.handleMessage(asking, message);
      if ('refusal' in reply) {
        if (reply.refusal !== 'SWITCH_JOURNAL_FAILED') return refuse('902');
        // Of what may have been written down all the same nothing is said: a centre that hears nothing takes it back, or says it again.
        return reply.isUndone === true ? refuse('909') : undefined;
      }
      if (Object.keys(repeated).length === 0) return line.sendWritten(reply.answer, responseMti(message.mti) ?? '');
      const { mti, fields } = unwrap(this.link.codec.decode(reply.answer));
      // A card that took the place of the one that was asked about stands.
      line.send({ mti, fields: { ...repeated, ...fields } });
    } catch (cause) {
      this.#world.log('error', 'requestFailed', { fault: { code: 'INTERNAL', cause } });
      refuse('909');
    } finally {
      for (const secret of Object.values(repeated)) secret.wipe();
      this.#inHand -= 1;
    }
  }
}
