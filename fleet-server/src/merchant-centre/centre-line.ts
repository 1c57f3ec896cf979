import { connect, type TLSSocket } from 'node:tls';
import {
  backOffMs,
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
import { asBuffer, Secret, unwrap } from '@tsunagu/protocols/kit';
import { computeMac } from '@tsunagu/protocols/mac';
import { wrapKeyBlock } from '@tsunagu/protocols/tr31';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { Tap } from '../emulation/tap.ts';
import { FaultyLine, pickFault, type WireFaults } from '../emulation/wire-faults.ts';
import type { LinkCredentials } from '../switch/link/credentials.ts';

/** Where a centre dials, what it shows there, and what befalls its messages. */
export interface CentreLineOptions {
  readonly host: string;
  readonly port: number;
  readonly credentials: LinkCredentials;
  /** DE32 of its requests. */
  readonly acquirerId: string;
  readonly faults: WireFaults;
  readonly nextFault: () => number;
  readonly tap?: Tap;
}

/** The line of a merchant centre: it dials, signs on, exchanges a key, and begins again when it breaks. */
export class CentreLine {
  readonly #world: World;
  readonly #options: CentreLineOptions;
  readonly #zoneKbpk: Secret<'key'>;
  readonly #waiting = new Map<string, (answer: DecodedMessage | undefined) => void>();
  #socket: TLSSocket | undefined;
  #line: FaultyLine | undefined;
  #key: Secret<'key'> | undefined;
  #isReady = false;
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
    this.#zoneKbpk = zoneKbpk;
    // Trace numbers of management do not meet those of sales, which count from one.
    this.#stan = 900_000;
    this.#dial();
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Resolves when requests can be sent. */
  ready(): Promise<void> {
    return this.#isReady ? Promise.resolve() : new Promise((resolve) => this.#ready.add(resolve));
  }

  /** Sends a message, with what befalls it, and waits for its answer; undefined when none came in time, or the line broke. */
  request(message: Message, timeoutMs: number, isSentTwice = false): Promise<DecodedMessage | undefined> {
    const { faults, nextFault } = this.#options;
    const answer = this.#await(message, timeoutMs);
    const key = this.#key;
    if (!key || !this.#isReady) return answer;
    const bytes = unwrap(sealMac(issuerCodec, message, macUnder(key), { lengthBytes: issuerLink.mac.lengthBytes }));
    this.#options.tap?.message(this.#name, 'out', bytes);
    const frame = unwrap(encodeFrame(issuerFrame, bytes));
    this.#line?.send(frame, pickFault(faults, nextFault));
    if (isSentTwice) this.#line?.send(frame);
    return answer;
  }

  close(): void {
    this.#isClosed = true;
    this.#redial?.cancel();
    this.#socket?.destroy();
    this.#key?.wipe();
    this.#zoneKbpk.wipe();
    this.#options.tap?.close();
  }

  #await(message: Message, timeoutMs: number): Promise<DecodedMessage | undefined> {
    const key = matchKey(message);
    return new Promise((resolve) => {
      const timer = this.#world.timers.after(timeoutMs, () => settle(undefined));
      const settle = (answer: DecodedMessage | undefined): void => {
        timer.cancel();
        this.#waiting.delete(key);
        resolve(answer);
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
    const reader = new FrameReader(issuerFrame);
    this.#socket = socket;
    this.#name = this.#world.id();
    socket.setNoDelay(true);
    this.#line = new FaultyLine(
      this.#world.timers,
      {
        get destroyed() {
          return socket.destroyed || socket.writableEnded;
        },
        write: (bytes) => socket.write(asBuffer(bytes)),
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
      for (const { message } of frames) this.#read(Uint8Array.from(message));
      if (fault) socket.destroy();
    });
    socket.on('error', (error) => this.#world.log('debug', 'lineFailed', { reason: error.name }));
    socket.on('close', () => {
      this.#line?.close();
      this.#isReady = false;
      this.#key?.wipe();
      this.#key = undefined;
      for (const settle of [...this.#waiting.values()]) settle(undefined);
      if (this.#isClosed) return;
      this.#redial = this.#world.timers.after(backOffMs(issuerLink.timers.reconnect, this.#failures), () =>
        this.#dial(),
      );
      this.#failures += 1;
    });
  }

  async #signOn(): Promise<void> {
    const { timers } = issuerLink;
    const on = await this.#manage(functions.signOn, {}, timers.signOnMs);
    if (on?.text(39) !== '800') throw new Error('not signed on');
    const mac = Secret.take('key', this.#world.entropy(16));
    const pin = Secret.take('key', this.#world.entropy(16));
    const blocks = this.#wrap(mac, 'M6', 'C') + this.#wrap(pin, 'P0', 'B');
    pin.wipe();
    this.#key = mac;
    const exchanged = await this.#manage(
      functions.keyExchange,
      { 53: Uint8Array.of(1), 96: Uint8Array.from(Buffer.from(blocks, 'latin1')) },
      timers.signOnMs,
    );
    if (exchanged?.text(39) !== '800') throw new Error('no key');
    this.#isReady = true;
    this.#failures = 0;
    this.#world.log('info', 'signedOn', {});
    for (const resolve of this.#ready) resolve();
    this.#ready.clear();
  }

  #wrap(key: Secret<'key'>, keyUsage: 'M6' | 'P0', modeOfUse: 'C' | 'B'): string {
    return unwrap(
      wrapKeyBlock(this.#zoneKbpk, {
        attributes: {
          versionId: 'D',
          keyUsage,
          algorithm: 'A',
          modeOfUse,
          keyVersion: '00',
          exportability: 'N',
          reserved: '00',
        },
        key,
        entropy: (lengthBytes) => this.#world.entropy(lengthBytes),
      }),
    );
  }

  #manage(
    what: string,
    added: { readonly [element: number]: Uint8Array },
    timeoutMs: number,
  ): Promise<DecodedMessage | undefined> {
    this.#stan += 1;
    const now = this.#world.clock.now();
    const message: Message = {
      mti: '1804',
      fields: {
        7: transmissionTime(now),
        11: String(this.#stan),
        12: localTransactionTime(now),
        24: what,
        93: issuerLink.issuerId,
        94: this.#options.acquirerId,
        ...added,
      },
    };
    const answer = this.#await(message, timeoutMs);
    this.#line?.send(unwrap(encodeFrame(issuerFrame, unwrap(issuerCodec.encode(message)))));
    return answer;
  }

  #read(bytes: Uint8Array): void {
    const decoded = issuerCodec.decode(bytes);
    if (!decoded.ok) {
      this.#world.log('warn', 'messageRefused', { fault: { code: 'ISSUER_MESSAGE_INVALID', cause: decoded.fault } });
      return;
    }
    const message = decoded.value;
    const key = this.#key;
    if (key && !verifyMac(message, macUnder(key), { lengthBytes: issuerLink.mac.lengthBytes }).ok) {
      this.#world.log('warn', 'messageRefused', { fault: { code: 'ISSUER_MAC_INVALID', facts: { mti: message.mti } } });
      return;
    }
    this.#options.tap?.message(this.#name, 'in', bytes);
    if (message.mti === '1804') {
      // The far side signs off, or tries the line: whatever it is, we begin anew.
      if (message.text(24) === functions.signOff) this.#socket?.destroy();
      return;
    }
    this.#waiting.get(matchKey(message))?.(message);
  }
}

const matchKey = ({ mti, fields }: Message): string =>
  [mti[1], ...issuerLink.matchElements.map((number) => fields[number] ?? '')].join('/');

const macUnder =
  (key: Secret<'key'>): MacFunction =>
  (bytes) =>
    unwrap(computeMac({ kind: 'CMAC', cipher: 'AES' }, key, bytes));
