import { connect, createSecureContext, type SecureContext } from 'node:tls';
import type { Link } from '@tsunagu/protocols/acquiring';
import type { DecodedMessage, Message } from '@tsunagu/protocols/iso8583';
import { unwrap } from '@tsunagu/protocols/kit';
import { Exchange, type LinkAnswer } from '../link/exchange.ts';
import type { OwnCredentials } from '../link/credentials.ts';
import { LeniencyBook, type LenientUse } from '../link/lenient.ts';
import { Line, type LineListener, type LineWorld } from '../link/line.ts';
import type { Numbers } from '../journal/numbers.ts';

/** What an operator may do to a link. */
export type LinkVerb = 'sign-on' | 'sign-off' | 'change-key' | 'echo';

/** The link to one issuer: some connections that are kept open, and requests over whichever is least busy. */
export interface IssuerLink {
  readonly link: Link;
  /** The PIN key of its zone in the vault. */
  readonly pinKey: string;
  /** Whether a request can be sent now. */
  readonly isReady: boolean;
  /** `up`: connected, not signed on yet. */
  status(): { readonly state: 'up' | 'signed-on' | 'down'; readonly since: number };
  /** Each connection for itself. */
  lines(): readonly {
    readonly state: 'up' | 'signed-on' | 'down';
    readonly since: number;
    readonly inFlight: number;
  }[];
  lenient(): readonly LenientUse[];
  /** Requests that wait for an answer. */
  readonly inFlight: number;
  /** Sends a message under the keys of a connection, and waits for its answer. `lineLost` at once where none is ready. */
  request(message: Message, timeoutMs: number): Promise<LinkAnswer>;
  /** Does what an operator wants, on every connection. */
  order(verb: Exclude<LinkVerb, 'echo'>): void;
  /** Tests every connection, and tells of each whether its echo came back. */
  echo(): Promise<readonly boolean[]>;
  /** Signs off and closes. */
  stop(): Promise<void>;
}

/** What the link tells the room. */
export interface IssuerLinkListener extends Omit<LineListener, 'ready' | 'changed' | 'lenient'> {
  /** It can take requests, and could not before. */
  ready(): void;
  changed(): void;
}

/** Opens a link and keeps it open: each connection dials, signs on, exchanges keys, and begins again when it breaks. */
export function openIssuerLink(
  world: LineWorld,
  link: Link,
  target: { readonly host: string; readonly port: number },
  credentials: OwnCredentials,
  numbers: Numbers,
  listener: IssuerLinkListener,
): IssuerLink {
  const logged = { ...world, log: world.log.with({ link: link.id }) };
  const exchange = new Exchange(world, link);
  let lines: readonly Line[] = [];
  let since = world.clock.now();
  let shown: 'up' | 'signed-on' | 'down' = 'down';

  const { actions } = link.profile.codes;
  const hasOwnCodes = Object.keys(actions).length > 0;
  /** An answer whose action code is one of this counter-party alone, with the one that it stands for. */
  function inOurWords(answer: LinkAnswer): LinkAnswer {
    if (answer.type !== 'answered') return answer;
    const { mti, fields } = answer.message;
    const said = answer.message.text(39) ?? '';
    const own = actions[said];
    if (own === undefined) return answer;
    const { standsFor, en, ja } = own;
    logged.log('debug', 'actionCodeTranslated', { said, en, ja, standsFor });
    return {
      type: 'answered',
      message: unwrap(link.codec.decode(unwrap(link.codec.encode({ mti, fields: { ...fields, 39: standsFor } })))),
    };
  }

  const best = (): Line | undefined =>
    lines
      .filter(({ isReady }) => isReady)
      .reduce<Line | undefined>(
        (least, line) => (least && exchange.inFlightOn(least) <= exchange.inFlightOn(line) ? least : line),
        undefined,
      );
  /** The best of its connections. */
  function look(): void {
    const states = lines.map((line) => line.status().state);
    const now = states.includes('signed-on') ? 'signed-on' : states.includes('up') ? 'up' : 'down';
    if (now === shown) return;
    shown = now;
    since = world.clock.now();
    listener.changed();
    if (now === 'signed-on') listener.ready();
  }
  const lenient = new LeniencyBook();
  const heard: LineListener = {
    ready: look,
    changed: look,
    asked: (message: DecodedMessage, line: Line) => listener.asked(message, line),
    unmatched: (message, why) => listener.unmatched(message, why),
    lenient: (leniencies) => lenient.note(leniencies, world.clock.now()),
    refused: (fault) => listener.refused(fault),
  };
  const shownContext = keptContext(credentials);
  const dial = () =>
    connect({ host: target.host, port: target.port, secureContext: shownContext(), servername: 'localhost' });
  lines = Array.from(
    { length: link.connections },
    () => new Line(logged, link, credentials.zone, numbers, exchange, heard, dial),
  );
  for (const line of lines) line.start();

  return {
    link,
    pinKey: credentials.pinKey,
    get isReady() {
      return best() !== undefined;
    },
    status: () => ({ state: shown, since }),
    lines: () => lines.map((line) => ({ ...line.status(), inFlight: exchange.inFlightOn(line) })),
    lenient: () => lenient.uses(),
    get inFlight() {
      return exchange.inFlight;
    },
    request: (message, timeoutMs) =>
      (hasOwnCodes ? best()?.request(message, timeoutMs).then(inOurWords) : best()?.request(message, timeoutMs)) ??
      Promise.resolve<LinkAnswer>({ type: 'lineLost' }),
    order(verb) {
      for (const line of lines) line.tell({ type: verbEvents[verb] });
    },
    echo: () => Promise.all(lines.map((line) => line.echo())),
    stop: async () => {
      await Promise.all(lines.map((line) => line.stop()));
    },
  };
}

/** Reading certificates and a key takes some milliseconds, in which no sale goes on: of links that are away much is dialled. They are read again when they were renewed. */
function keptContext(credentials: OwnCredentials): () => SecureContext {
  let read: { readonly cert: string; readonly ca: string; readonly context: SecureContext } | undefined;
  return () => {
    const { ca, certificateChain: cert, privateKey: key } = credentials;
    if (read?.cert !== cert || read.ca !== ca)
      read = { cert, ca, context: createSecureContext({ ca, cert, key, minVersion: 'TLSv1.3' }) };
    return read.context;
  };
}

/** What a verb is to the rules of a connection. */
export const verbEvents = {
  'sign-on': 'signOnWanted',
  'sign-off': 'signOffWanted',
  'change-key': 'keyAged',
} as const satisfies Record<Exclude<LinkVerb, 'echo'>, string>;
