import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import {
  type CardCompany,
  type CardCompanyOptions,
  openCardCompany,
} from '@tsunagu/fleet-server/card-company/card-company';
import { followCredentials } from '@tsunagu/fleet-server/card-company/credentials-file';
import { Ledger } from '@tsunagu/fleet-server/card-company/ledger';
import { openArtefacts } from '@tsunagu/fleet-server/artefacts/index';
import { TransitBooks } from '@tsunagu/fleet-server/card-company/transit-books';
import { TransitCentre } from '@tsunagu/fleet-server/card-company/transit-centre';
import { type Admission, type Lives, openAuthority } from '@tsunagu/fleet-server/identity/index';
import { storeTerminalCertificate } from '@tsunagu/fleet-server/identity/certificate-rows';
import { type KeyFinding, negativeTagKey } from '@tsunagu/fleet-server/keys/index';
import { type Negative, openNegative } from '@tsunagu/fleet-server/negative/index';
import type { Store } from '@tsunagu/fleet-server/store/index';
import {
  linkCredentials,
  linkCredentialsPath,
  noMetrics,
  openSwitch,
  prepareLinks,
  type Switch,
  type SwitchAlarm,
  type SwitchKeys,
  type SwitchMetrics,
} from '@tsunagu/fleet-server/switch/index';
import { openFileVault, type Vault } from '@tsunagu/fleet-server/vault/index';
import {
  cardCompanyLink,
  defaultLinks,
  type Link,
  merchantIdOf,
  openFrame,
  type RefusalFrame,
  readFrame,
  reversalOf,
  saleRequest,
  sealFrame,
  terminalCodec,
  terminalCodecs,
  terminalFrame,
  terminalIdOf,
  withPin,
} from '@tsunagu/protocols/acquiring';
import {
  deriveAesInitialKey,
  deriveAesTransactionKey,
  deriveTdesInitialKey,
  deriveTdesTransactionKey,
  type DukptKsn,
  formatKsn,
  parseKsn,
  type TransactionKey,
} from '@tsunagu/protocols/dukpt';
import { generateCryptogram } from '@tsunagu/protocols/emv';
import { parseTerminalUri, type SaleLine, type Serial, serialSchema, tenantSchema } from '@tsunagu/protocols/fleet';
import { besideWatched } from './watched-store.ts';
import { type DecodedMessage, FrameReader, type Message } from '@tsunagu/protocols/iso8583';
import { fail, hex, ok, Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { cardKeysOf, type TestCardName, testCard, transitMasterKey } from '@tsunagu/protocols/test-cards';
import { tlv } from '@tsunagu/protocols/tlv';
import { systemWorld, type Timer, type World } from '@tsunagu/protocols/world';
import { openQuickly } from '../../empty-store.ts';
import { cutPower } from '../../power-cut.ts';

export const tenant = tenantSchema.parse('demo');
const initialKeyIdOf = new Map([
  ['CT5100-0001', '1122334400000001'],
  ['CATS220-0001', '1122334400000002'],
  // TDES: a KSN with its counter cleared.
  ['CATS220-0002', 'FFFF9876543210E00000'],
]);

/** Of the issuers of a house, the card company alone: every scheme goes there. */
const smallLinks = defaultLinks.filter(({ side, id }) => side === 'acquirer' || id === cardCompanyLink.id);

/** The base key, which a terminal of these tests derives its PIN key from as its own initial key would have it. */
const baseKey = (): Secret<'key'> => Secret.take('key', hex('FEDCBA9876543210F1F1F1F1F1F1F1F1'));

const tdesBaseKey = (): Secret<'key'> => Secret.take('key', hex('0123456789ABCDEFFEDCBA9876543210'));
const baseIdOf = (ksn: Uint8Array): string => (ksn.length === 10 ? 'bdk-tdes/1' : 'bdk/1');

/** What a terminal of these tests holds for a transaction. */
function transactionKeyOf({ scheme, initialKeyId, counter }: DukptKsn): TransactionKey {
  if (scheme === 'aes')
    return unwrap(deriveAesTransactionKey(unwrap(deriveAesInitialKey(baseKey(), initialKeyId)), counter));
  const ksn = { initialKsn: initialKeyId, counter };
  return unwrap(deriveTdesTransactionKey(unwrap(deriveTdesInitialKey(tdesBaseKey(), ksn)), counter));
}

/** Switch, store, vault, card company: real ones, on free ports, in a folder of their own. */
export interface SmallHouse {
  readonly folder: string;
  readonly logs: string[];
  readonly alarms: SwitchAlarm[];
  readonly lines: SaleLine[];
  readonly ledger: Ledger;
  /** The books of the transit centre. */
  readonly transit: TransitBooks;
  readonly store: Store;
  readonly sw: Switch;
  readonly negative: Negative;
  /** The card company asks for a change of the list. */
  readonly askFileAction: CardCompany['askFileAction'];
  /** A connected terminal. */
  terminal(serial: string): Promise<Terminal>;
  /** Credentials of a terminal, for odd connections. */
  credentials(serial: string): Promise<{ cert: string; key: string; ca: string }>;
  /** What the house's upkeep does for the line. */
  readonly renewLine: () => Promise<void>;
  readonly cardCompanyPort: () => number;
  stopCardCompany(): Promise<void>;
  startCardCompany(): Promise<void>;
  /** All bytes below the folder and all log lines, for searching. */
  everything(): Promise<Buffer>;
  close(): Promise<void>;
}

/**
 * Longer than a busy machine takes for an answer that does come (and no other time of the switch): whoever keeps answers from coming says so (`isLost`),
 * and what is asked then is given up soon.
 */
export const issuerPatienceMs = 59_000;
const givenUpMs = 2_000;

/** A card company that is waited for as long as its answers may take, and that is told anew soon. */
export const quickLink: Link = {
  ...cardCompanyLink,
  profile: {
    ...cardCompanyLink.profile,
    timers: {
      ...cardCompanyLink.profile.timers,
      requestMs: issuerPatienceMs,
      storeAndForward: {
        ...cardCompanyLink.profile.timers.storeAndForward,
        firstMs: 100,
        maxMs: 300,
        manualAfter: 1_000,
      },
    },
  },
};

/** What a test has otherwise than it is. */
export interface SmallHouseOptions {
  /** What the authorities live by: at an earlier moment they make certificates that are near their end. */
  readonly clock?: World['clock'];
  readonly lives?: Partial<Lives>;
  /** What the switch and the card company live by: the system's clock unless told. */
  readonly switchClock?: World['clock'];
  /** Where terminals are in their lives, and what these permit; without it all of them sell. */
  readonly maySell?: (on: Store, serial: Serial) => Promise<boolean>;
  /** Who comes in, on the real certificates; whoever has one unless told. */
  readonly admit?: (on: Store) => Admission;
  /** The key ledger; unless told, terminals of these tests hold what is derived from the known base keys. */
  readonly keys?: (on: Store, vault: Vault) => Promise<SwitchKeys>;
  /** Who blocks terminals whose keys are in the wrong hands. */
  readonly quarantine?: (on: Store, finding: KeyFinding) => Promise<unknown>;
  /** What the card company decides by, and who sees its messages; its own cards unless told. */
  readonly cardCompany?: Pick<CardCompanyOptions, 'issuer' | 'tap' | 'link' | 'faults' | 'nextFault'>;
  /** Whether the answer to what is asked now will never come: on a link that waits for `issuerPatienceMs` it is given up soon. */
  readonly isLost?: () => boolean;
  /** Those of a fresh house unless told. */
  readonly links?: readonly Link[];
  /** Where the switch keeps its tables; the house's store unless told. */
  readonly switchStore?: Store;
  /** What counts for it; nothing unless told. */
  readonly metrics?: Partial<SwitchMetrics>;
  /** Does each commit of the switch, as soon as the house stands. */
  readonly aroundCommit?: <T>(house: SmallHouse, commit: () => Promise<T>) => Promise<T>;
}

/** Another house, as this one would rise after a power cut: what is on its disk at this moment is all that there is. */
export async function afterPowerCut(house: SmallHouse, options?: SmallHouseOptions): Promise<SmallHouse> {
  const image = await mkdtemp(join(tmpdir(), 'switch-image-'));
  try {
    await cutPower(house.folder, image);
    return await openSmallHouse(image, options);
  } finally {
    await rm(image, { recursive: true, force: true });
  }
}

/** @param from a folder that nobody writes: a copy of it is what the house begins with */
export async function openSmallHouse(from?: string, options: SmallHouseOptions = {}): Promise<SmallHouse> {
  const folder = await mkdtemp(join(tmpdir(), 'switch-'));
  if (from) await cp(from, folder, { recursive: true });
  const logs: string[] = [];
  const alarms: SwitchAlarm[] = [];
  const lines: SaleLine[] = [];
  const world = systemWorld((level, event, facts) => logs.push(JSON.stringify({ level, event, ...facts })));
  const vault = unwrap(await openFileVault(join(folder, 'vault.json'), 'a passphrase of a test', world));
  const store = await openQuickly(join(folder, 'store.sqlite'), world.clock);
  const authority = await openAuthority(
    { ...world, clock: options.clock ?? world.clock },
    store,
    vault,
    tenant,
    options.lives,
  );
  if (!vault.find('bdk/1')) await vault.keep('bdk/1', 'dukpt-base', baseKey());
  if (!vault.find('bdk-tdes/1')) await vault.keep('bdk-tdes/1', 'dukpt-base-tdes', tdesBaseKey());
  const links = await prepareLinks(authority, vault, tenant, folder, options.links ?? smallLinks);
  const handedPath = linkCredentialsPath(folder);
  let handed = linkCredentials.parse(JSON.parse(await readFile(handedPath, 'utf8')));
  let ledger = unwrap(await Ledger.open(join(folder, 'ledger.jsonl')));
  let transit = unwrap(await TransitBooks.open(join(folder, 'transit.jsonl')));
  let cardCompanyPort = 0;
  let cardCompany: CardCompany | undefined;
  let following: Timer | undefined;
  const itsWorld = { ...world, clock: options.switchClock ?? world.clock };
  const startCardCompany = async (): Promise<void> => {
    if (cardCompanyPort !== 0) {
      ledger = unwrap(await Ledger.open(join(folder, 'ledger.jsonl')));
      transit = unwrap(await TransitBooks.open(join(folder, 'transit.jsonl')));
    }
    cardCompany = unwrap(
      await openCardCompany(itsWorld, {
        host: '127.0.0.1',
        port: cardCompanyPort,
        credentials: handed,
        ledger,
        transit: new TransitCentre(itsWorld, transit, transitMasterKey()),
        delayMs: () => 5,
        ...options.cardCompany,
      }),
    );
    cardCompanyPort = cardCompany.port;
    const { renew } = cardCompany;
    following = followCredentials(world, handedPath, handed, (next) => {
      handed = next;
      renew(next);
    });
  };
  const stopCardCompany = async (): Promise<void> => {
    following?.cancel();
    await cardCompany?.close();
    cardCompany = undefined;
  };
  await startCardCompany();
  await vault.ensure(negativeTagKey, 'negative-tag');
  const negative = await openNegative({
    world,
    store,
    vault,
    artefacts: await openArtefacts(join(folder, 'artefacts')),
    tagKeys: { wanted: negativeTagKey, next: undefined },
    publish: () => undefined,
    announce: () => undefined,
    floorLimits: () => Promise.resolve(() => 0),
  });
  const server = await authority.credentials('server', 'server', {
    kind: 'leaf',
    purposes: ['serverAuth'],
    names: [{ dns: 'localhost' }, { ip: '127.0.0.1' }],
  });
  let standing: SmallHouse | undefined;
  const truth = options.switchStore ?? store;
  const { writeAlone } = truth;
  const around = <T>(commit: () => Promise<T>): Promise<T> =>
    standing && options.aroundCommit ? options.aroundCommit(standing, commit) : commit();
  const watched: Store = {
    ...truth,
    write: (work) => around(() => truth.write(work)),
    ...(writeAlone && { writeAlone: (...statement) => around(() => writeAlone(...statement)) }),
    ...besideWatched(truth, (_statement, write) => around(write)),
  };
  const { timers } = world;
  const after: World['timers']['after'] = (delayMs, work) =>
    timers.after(delayMs === issuerPatienceMs && options.isLost?.() ? givenUpMs : delayMs, work);
  const sw = unwrap(
    await openSwitch(
      { ...itsWorld, timers: { ...timers, after } },
      {
        store: watched,
        vault,
        keys: (await options.keys?.(store, vault)) ?? {
          forTransaction(ksn) {
            const id = toHex(unwrap(parseKsn(ksn)).initialKeyId);
            const serial = [...initialKeyIdOf].find(([, known]) => known === id)?.[0];
            const keys = vault.dukptKeys(baseIdOf(ksn), ksn);
            if (!serial) return Promise.resolve(fail('VAULT_KEY_UNKNOWN'));
            return Promise.resolve(keys.ok ? ok({ serial: serialSchema.parse(serial), keys: keys.value }) : keys);
          },
          translatePin: (ksn, to, block, pan) =>
            Promise.resolve(vault.translatePin({ base: baseIdOf(ksn), ksn }, to, block, pan)),
        },
        admit:
          options.admit?.(store) ??
          ((certificate) => {
            const named = parseTerminalUri(certificate?.subjectAltName?.slice(4) ?? '');
            return Promise.resolve(named ? ok(named.serial) : fail('CLIENT_CERTIFICATE_REFUSED'));
          }),
        live: { publish: (event) => event.name === 'sale' && lines.push(event.data) },
        metrics: { ...noMetrics, ...options.metrics },
        negative,
        ...(options.maySell && {
          maySell: (serial: Serial) => options.maySell?.(store, serial) ?? Promise.resolve(true),
        }),
        quarantine: (finding) => options.quarantine?.(store, finding) ?? Promise.resolve(),
        alarm: (alarm) => alarms.push(alarm),
      },
      {
        terminals: { host: '127.0.0.1', port: 0, credentials: { ...server, ca: authority.believed } },
        centres: { host: '127.0.0.1', port: 0 },
        links,
        issuerAt: () => ({ host: '127.0.0.1', port: cardCompanyPort }),
      },
    ),
  );
  const credentials = async (serial: string) => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const known = serialSchema.parse(serial);
    const issued = unwrap(await authority.issueTerminal(known, pair.publicKey));
    if (options.admit) await store.write((tx) => storeTerminalCertificate(tx, known, issued, world.clock.now()));
    return {
      cert: issued.chain,
      key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      ca: authority.anchors,
    };
  };
  let counter = Math.floor(Date.now() / 1000) & 0xff00;
  const nextCounter = (): number => {
    // A usable counter has at most 16 one-bits; these always do.
    counter += 1;
    return counter;
  };
  const house: SmallHouse = {
    folder,
    logs,
    alarms,
    lines,
    store,
    sw,
    get ledger() {
      return ledger;
    },
    get transit() {
      return transit;
    },
    credentials,
    negative,
    askFileAction: (action) => cardCompany?.askFileAction(action) ?? Promise.reject(new Error('closed')),
    async renewLine() {
      for (const link of links) await link.renew();
    },
    cardCompanyPort: () => cardCompanyPort,
    startCardCompany,
    stopCardCompany,
    async terminal(serial) {
      const socket = connect({
        host: '127.0.0.1',
        port: sw.port,
        servername: 'localhost',
        ...(await credentials(serial)),
      });
      await new Promise<void>((resolve, reject) => {
        socket.once('secureConnect', () => resolve()).once('error', reject);
      });
      const keysOf = (ksn: Uint8Array) => unwrap(vault.dukptKeys(baseIdOf(ksn), ksn));
      return new Terminal(serial, socket, keysOf, nextCounter);
    },
    async everything() {
      const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
      const bytes = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name))));
      return Buffer.concat([...bytes, Buffer.from(logs.join('\n'))]);
    },
    async close() {
      await sw.close();
      negative.close();
      await stopCardCompany();
      await store.close();
      await vault.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await until(() => sw.links()[0]?.state === 'signed-on');
  standing = house;
  return house;
}

// Trace numbers go on across connections, as on a real terminal.
let stans = 0;
const nextStan = (): string => {
  stans += 1;
  return String(stans).padStart(6, '0');
};

type Keys = Readonly<Record<'request' | 'answer', Parameters<typeof sealFrame>[3]>>;

const codecOf = (ksn: Uint8Array) => terminalCodecs[ksn.length === 10 ? 'tdes' : 'aes'];

/** The far end of W3, in test code: it can also do wrong. */
export class Terminal {
  readonly serial: string;
  readonly socket: TLSSocket;
  readonly #keysOf: (ksn: Uint8Array) => Keys;
  readonly #nextCounter: () => number;
  readonly #bodies: Uint8Array[] = [];
  isClosed = false;

  constructor(serial: string, socket: TLSSocket, keysOf: (ksn: Uint8Array) => Keys, nextCounter: () => number) {
    this.serial = serial;
    this.socket = socket;
    this.#keysOf = keysOf;
    this.#nextCounter = nextCounter;
    const reader = new FrameReader(terminalFrame);
    socket.on('data', (chunk) => {
      for (const { message } of reader.push(chunk).frames) this.#bodies.push(Uint8Array.from(message));
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  ksn(counter = this.#nextCounter(), serial = this.serial): Uint8Array {
    const initialKeyId = hex(initialKeyIdOf.get(serial) ?? 'FFFFFFFFFFFFFFFF');
    return formatKsn({ scheme: initialKeyId.length === 10 ? 'tdes' : 'aes', initialKeyId, counter });
  }

  frame(message: Message | Uint8Array, ksn = this.ksn()): Uint8Array {
    const bytes = message instanceof Uint8Array ? message : unwrap(codecOf(ksn).encode(message));
    const keys = this.#keysOf(ksn);
    return sealFrame('request', ksn, bytes, keys.request);
  }

  /** A message with its PIN, enciphered as a terminal does it for this KSN. */
  withPin(message: Message, digits: string, ksn: Uint8Array, pan = message.fields[2]): Message {
    if (!(pan instanceof Secret)) throw new Error('a message with a card');
    const key = transactionKeyOf(unwrap(parseKsn(ksn)));
    const pin = Secret.take('pin', Uint8Array.from(Buffer.from(digits, 'latin1')));
    const card = pan.use((bytes) => Secret.copy('pan', bytes));
    return unwrap(withPin(message, pin, card, key, (lengthBytes) => new Uint8Array(lengthBytes).fill(0x5a)));
  }

  async body(): Promise<Uint8Array> {
    await until(() => this.#bodies.length > 0 || this.isClosed);
    const body = this.#bodies.shift();
    if (!body) throw new Error('closed without an answer');
    return body;
  }

  async answer(): Promise<DecodedMessage> {
    const frame = unwrap(readFrame(await this.body()));
    if (frame.kind === 'refusal') throw new Error(`refused: ${frame.code}`);
    const keys = this.#keysOf(frame.ksn);
    const opened = unwrap(openFrame(frame, keys.answer));
    const decoded = terminalCodec.decode(opened);
    if (!decoded.ok) throw new Error(decoded.fault.code);
    return decoded.value;
  }

  async refusal(): Promise<RefusalFrame> {
    const frame = unwrap(readFrame(await this.body()));
    if (frame.kind !== 'refusal') throw new Error('an answer');
    return frame;
  }

  sale(cardName: TestCardName, amountMinor: number, change: { cryptogram?: string; stripe?: boolean } = {}): Message {
    const card = testCard(cardName);
    const values = new Map<number, Uint8Array>([
      [0x9f02, hex(String(amountMinor).padStart(12, '0'))],
      [0x9f03, hex('000000000000')],
      [0x9f1a, hex('0392')],
      [0x95, hex('0000008000')],
      [0x5f2a, hex('0392')],
      [0x9a, hex('261123')],
      [0x9c, hex('00')],
      [0x9f37, hex('11223344')],
      [0x82, hex(card.aip)],
      [0x9f36, hex('0001')],
      [0x9f10, hex(card.issuerApplicationData)],
    ]);
    const cryptogram = change.cryptogram
      ? hex(change.cryptogram)
      : unwrap(generateCryptogram(card.profile, cardKeysOf(card), (tag) => values.get(tag)));
    const emv = Buffer.concat([tlv(0x9f26, cryptogram), ...[...values].map(([tag, value]) => tlv(tag, value))]);
    return saleRequest({
      terminalId: terminalIdOf(this.serial),
      merchantId: merchantIdOf(tenant),
      abilities: { readers: ['stripe', 'contact', 'contactless'], pinPad: true, printer: 'built-in', screen: 'colour' },
      stan: nextStan(),
      nowMs: Date.now(),
      amountMinor,
      entry: 'contact',
      verification: 'signature',
      pan: card.pan,
      expiry: card.expiry.slice(0, 4),
      panSequence: card.psn,
      emv: Uint8Array.from(emv),
    });
  }

  reversal(sale: Message, reason = '4021'): Message {
    return reversalOf(sale, { stan: nextStan(), nowMs: Date.now(), reason });
  }

  async ask(message: Message | Uint8Array): Promise<DecodedMessage> {
    this.socket.write(this.frame(message));
    return await this.answer();
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Waits until something holds; fails after `timeoutMs`. */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not in ${timeoutMs} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
