import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type CustodyHead, noCustody } from '@tsunagu/protocols/custody';
import type { Evidence, JobOrder, JobReport, KeySlot, Serial } from '@tsunagu/protocols/fleet';
import { buildCertificate, toPem } from '@tsunagu/protocols/x509';
import { beginsAt } from '../world.ts';

/** A terminal as it is, whatever the house believes of it. */
export class Unit {
  readonly serial: Serial;
  /** Which thing it is; a clone has the serial of another thing. */
  readonly body: number;
  seals: readonly string[];
  readonly connections: number;
  bag: string | null = null;
  /** The keys in its secure part, by check value. */
  readonly keys = new Map<KeySlot, string>();
  enrolments = 0;
  /** Sales that nobody has heard of yet. */
  sales = 0;
  /** Sales that were in it when it left its shop. */
  leftBehind = 0;
  isAlive = true;
  /** Somebody has begun to take it out of its shop. */
  isLeaving = false;
  isDestroyed = false;
  /** Where its chain of hand-overs ends, as the papers that travel with it say. */
  custody: CustodyHead = noCustody;
  /** What it truly did, by job. */
  readonly wipes = new Set<string>();
  readonly tests = new Set<string>();
  readonly clear = new Set<string>();
  /** Photos that were truly taken of it. */
  readonly photos = new Set<string>();
  readonly #worn = new Set<string>();
  #hasLine = true;
  #key: { readonly privateKey: KeyObject; readonly publicKey: KeyObject } | undefined;

  constructor(serial: Serial, body: number) {
    this.serial = serial;
    this.body = body;
    this.seals = [`S${body}-1`, `S${body}-2`];
    this.connections = 2 + (body % 2);
    this.#worn.add(this.seals.join());
  }

  /** Its case was opened, and closed again with other seals. */
  reseal(): void {
    this.seals = [`S${this.body}-1`, `S${this.body}-X${this.#worn.size}`];
    this.#worn.add(this.seals.join());
  }

  /** Whether it ever had these seals. */
  wore(seals: readonly string[]): boolean {
    return this.#worn.has(seals.join());
  }

  photo(): string {
    const photo = createHash('sha256').update(`${this.serial} ${this.body} ${this.photos.size}`).digest('hex');
    this.photos.add(photo);
    return photo;
  }

  /** What whoever looks at it writes down. */
  look(): Pick<Evidence, 'photo' | 'seals' | 'connections'> {
    return { photo: this.photo(), seals: [...this.seals], connections: this.connections };
  }

  #pair() {
    this.#key ??= generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    return this.#key;
  }

  /** The certificate of its device key, PEM: as its enrolment would have issued it. */
  certificate(): string {
    const { publicKey, privateKey } = this.#pair();
    const subject = { commonName: this.serial };
    const year = 366 * 86_400_000;
    const contents = {
      serialNumber: Uint8Array.of(1),
      subject,
      publicKey,
      notBefore: beginsAt,
      notAfter: beginsAt + year,
    };
    return toPem(
      'CERTIFICATE',
      buildCertificate(
        { ...contents, use: { kind: 'leaf', purposes: ['clientAuth'], names: [] } },
        { name: subject, privateKey },
      ),
    );
  }

  /** It took a sale while it had no line. */
  sellOffline(count: number): void {
    this.sales += count;
    this.#hasLine = false;
  }

  /** What waits in it is delivered once its line is back, which is after it was first heard of again. */
  connect(): void {
    if (this.#hasLine) this.sales = 0;
  }

  /** Does what it is told, and says what came of it. */
  perform({ job: id, attempt, type }: Pick<JobOrder, 'job' | 'attempt' | 'type'>, now: number): JobReport {
    const head = { attempt, state: 'succeeded' } as const;
    if (type === 'terminal.wipe') {
      // It delivers what waits in it before it forgets.
      this.sales = 0;
      this.keys.clear();
      this.wipes.add(id);
      const at = new Date(now).toISOString();
      const said = { serial: this.serial, job: id, attempt, boot: 1, at, removed: 4, keys: this.keys.size, left: [] };
      const statement = JSON.stringify(said);
      const signature = sign('sha256', Buffer.from(statement), this.#pair().privateKey).toString('base64');
      return { ...head, wipe: { statement, signature } };
    }
    if (type === 'terminal.test') {
      this.tests.add(id);
      return { ...head, selfTest: [{ part: 'store', result: 'passed' }] };
    }
    if (type !== 'terminal.diagnose') throw new Error(`nobody orders ${type} in this year`);
    if (this.sales === 0) this.clear.add(id);
    const queues = { reversals: 0, advices: 0, sales: this.sales, jobs: 0 };
    this.#hasLine = true;
    return {
      ...head,
      diagnostics: {
        at: now,
        uptimeMs: 1,
        boot: 1,
        software: { version: '1.0.0', slot: 'A' },
        clockSkewMs: null,
        readers: [],
        storage: { files: 1, bytes: 1 },
        queues,
        keys: [],
        dropped: {},
        memory: null,
        temperatureMilliC: null,
      },
    };
  }
}
