import { EmvCard } from '@tsunagu/firmware-bridge/cards/index';
import { command, decodeResponse, encodeCommand, type ResponseApdu } from '@tsunagu/protocols/apdu';
import {
  type AuthenticatedRecord,
  dolFitOf,
  type KeyCertificate,
  parseAfl,
  panFromCn,
  recoverIccKey,
  recoverIssuerKey,
  type RsaPublicKey,
  staticDataToAuthenticate,
  verifyCda,
  verifyDda,
  verifyFdda,
  verifySda,
} from '@tsunagu/protocols/emv';
import { concat, hex, toHex, unwrap } from '@tsunagu/protocols/kit';
import { type TestCard, testCaKeys } from '@tsunagu/protocols/test-cards';
import { buildDol, decodeTlv, parseDol, type Tlv } from '@tsunagu/protocols/tlv';

/** A terminal of the test's own: it shares no code with the kernel, and knows the card by its answers alone. */
export const today = { year: 2026, month: 11 };

/** What this terminal says when a list asks; 1,280 yen in Japan. */
export const terminalValues: ReadonlyMap<number, Uint8Array> = new Map(
  Object.entries({
    0x9f02: '000000001280',
    0x9f03: '000000000000',
    0x9f1a: '0392',
    0x95: '0000008000',
    0x5f2a: '0392',
    0x9a: '261123',
    0x9c: '00',
    0x9f37: '12345678',
    0x9f35: '22',
    0x9f34: '1F0302',
    0x9f45: 'DAC1',
    0x9f4c: '0000000000000000',
    0x9f66: '27800000',
    0x9f53: '52',
    0x9f6d: 'C0',
    0x9f6e: 'D8C00000',
    0x8a: '3030',
  }).map(([tag, value]) => [Number(tag), hex(value)]),
);

/** A card in the reader, and what it told. */
export class Walk {
  readonly chip: EmvCard;
  readonly values: Map<number, Uint8Array>;
  readonly objects = new Map<number, Uint8Array>();
  readonly records: AuthenticatedRecord[] = [];
  /** The lists' values as they were sent, for a combined signature. */
  sent: Uint8Array = new Uint8Array(0);

  constructor(card: TestCard | EmvCard, values: Readonly<Record<number, string>> = {}) {
    this.chip = card instanceof EmvCard ? card : new EmvCard(card);
    this.values = new Map(terminalValues);
    for (const [tag, value] of Object.entries(values)) this.values.set(Number(tag), hex(value));
  }

  send(cla: number, ins: number, p1: number, p2: number, data: Uint8Array = new Uint8Array(0)): ResponseApdu {
    const answer = this.chip.transmit(unwrap(encodeCommand(command(cla, ins, p1, p2, data, 256))));
    if (answer === undefined) throw new Error('the card is mute');
    return unwrap(decodeResponse(answer));
  }

  /** Sends a command that must succeed, and keeps the objects of its answer. */
  ask(cla: number, ins: number, p1: number, p2: number, data?: Uint8Array): readonly Tlv[] {
    const answer = this.send(cla, ins, p1, p2, data);
    if (answer.sw !== 0x9000) throw new Error(`${toHex(Uint8Array.of(ins))}: ${answer.sw.toString(16)}`);
    return this.keep(answer.data);
  }

  keep(data: Uint8Array): readonly Tlv[] {
    const read = unwrap(decodeTlv(data));
    const visit = (objects: readonly Tlv[]): void => {
      for (const object of objects) {
        this.objects.set(object.tag, object.value);
        visit(object.children);
      }
    };
    visit(read);
    return read;
  }

  value(tag: number): Uint8Array {
    const value = this.objects.get(tag);
    if (value === undefined) throw new Error(`the card gave no ${tag.toString(16)}`);
    return value;
  }

  list(tag: number, fallback = ''): Uint8Array {
    const entries = unwrap(parseDol(this.objects.get(tag) ?? hex(fallback)));
    const data = buildDol(entries, (wanted) => this.values.get(wanted), dolFitOf);
    return data;
  }

  select(aid: Uint8Array): this {
    this.ask(0x00, 0xa4, 0x04, 0x00, aid);
    return this;
  }

  /** GET PROCESSING OPTIONS and all records. */
  start(): this {
    const data = this.list(0x9f38);
    this.sent = data;
    const [answer] = this.ask(0x80, 0xa8, 0, 0, concat(Uint8Array.of(0x83, data.length), data));
    if (answer?.tag === 0x80) {
      this.objects.set(0x82, answer.value.subarray(0, 2));
      this.objects.set(0x94, answer.value.subarray(2));
    }
    for (const { sfi, first, last, authenticated } of unwrap(parseAfl(this.value(0x94))))
      for (let record = first; record <= last; record++) {
        const answered = this.send(0x00, 0xb2, record, (sfi << 3) | 4);
        if (answered.sw !== 0x9000) throw new Error(`record ${sfi}.${record}: ${answered.sw.toString(16)}`);
        this.keep(answered.data);
        if (record < first + authenticated) this.records.push({ sfi, bytes: answered.data });
      }
    return this;
  }

  /** GENERATE AC with CDOL1 or CDOL2. Gives CID; the answer without 9F4B is kept for the signature. */
  generate(p1: number, list: 0x8c | 0x8d = 0x8c): number {
    const data = this.list(list);
    this.sent = concat(this.sent, data);
    const [answer] = this.ask(0x80, 0xae, p1, 0, data);
    if (answer?.tag === 0x80) {
      this.objects.set(0x9f27, answer.value.subarray(0, 1));
      this.objects.set(0x9f36, answer.value.subarray(1, 3));
      this.objects.set(0x9f26, answer.value.subarray(3, 11));
      this.objects.set(0x9f10, answer.value.subarray(11));
    } else
      this.answered = concat(...(answer?.children ?? []).filter(({ tag }) => tag !== 0x9f4b).map(({ whole }) => whole));
    return this.value(0x9f27)[0] ?? 0xff;
  }

  answered: Uint8Array = new Uint8Array(0);

  certificate(certificate: number, remainder: number, exponent: number): KeyCertificate {
    const rest = this.objects.get(remainder);
    const key = { certificate: this.value(certificate), exponent: this.value(exponent) };
    return rest === undefined ? key : { ...key, remainder: rest };
  }

  get pan() {
    // A fast card's number stands in its records as well as in track 2.
    return unwrap(panFromCn(this.value(0x5a)));
  }

  staticData(): Uint8Array {
    return unwrap(staticDataToAuthenticate(this.records, this.value(0x82), this.objects.get(0x9f4a)));
  }

  issuerKey() {
    const rid = toHex(this.value(0x84).subarray(0, 5));
    const ca = testCaKeys().find((key) => key.rid === rid && key.index === this.value(0x8f)[0]);
    if (ca === undefined) throw new Error('no such CA key');
    return recoverIssuerKey(ca, this.certificate(0x90, 0x92, 0x9f32), this.pan, today);
  }

  iccKey(issuer: RsaPublicKey) {
    return recoverIccKey(issuer, this.certificate(0x9f46, 0x9f48, 0x9f47), this.pan, this.staticData(), today);
  }

  sda(issuer: RsaPublicKey) {
    return verifySda(issuer, this.value(0x93), this.staticData());
  }

  dda(icc: RsaPublicKey) {
    const data = this.list(0x9f49, '9F3704');
    const [answer] = this.ask(0x00, 0x88, 0, 0, data);
    const signature = answer?.tag === 0x80 ? answer.value : this.value(0x9f4b);
    return verifyDda(icc, signature, data);
  }

  cda(icc: RsaPublicKey) {
    return verifyCda(icc, this.value(0x9f4b), {
      unpredictableNumber: this.values.get(0x9f37) ?? new Uint8Array(4),
      cryptogramInformation: this.value(0x9f27)[0] ?? 0,
      transactionData: concat(this.sent, this.answered),
    });
  }

  fdda(icc: RsaPublicKey) {
    const told = (tag: number): Uint8Array => this.values.get(tag) ?? new Uint8Array(0);
    return verifyFdda(icc, this.value(0x9f4b), {
      unpredictableNumber: told(0x9f37),
      amount: told(0x9f02),
      currency: told(0x5f2a),
      cardAuthenticationData: this.value(0x9f69),
    });
  }
}

export const walkOf = (card: TestCard, values: Readonly<Record<number, string>> = {}): Walk =>
  new Walk(card, values).select(hex(card.aid)).start();
