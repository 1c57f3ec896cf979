import { decodeCommand } from '@tsunagu/protocols/apdu';
import { signCda, signDda } from '@tsunagu/protocols/emv';
import { concat, hex, toHex } from '@tsunagu/protocols/kit';
import {
  cardSigner,
  type CardImage,
  directoryOf,
  personalise,
  type TestCard,
  type TestCardName,
  testCard,
} from '@tsunagu/protocols/test-cards';
import { parseDol, type Tlv, decodeTlv, tlv, encodeTlv, valueInDol } from '@tsunagu/protocols/tlv';
import type { Exchange } from './scripted-card.ts';

export const ok = (bytes: Uint8Array): string => `${toHex(bytes)}9000`;
const kinds = { AAC: 0x00, TC: 0x40, ARQC: 0x80 } as const;
export type Kind = keyof typeof kinds;

/** A primitive object of a record put in another's place, or taken out (undefined). */
export type Change = Readonly<Record<number, string | undefined>>;

/** A card whose exchanges are written down: what a bureau made of the test card, with whatever a case changes. */
export class BenchCard {
  readonly card: TestCard;
  readonly image: CardImage;
  readonly #name: TestCardName;
  #pdolData: Uint8Array = new Uint8Array(0);
  #sent: Uint8Array = new Uint8Array(0);

  /** @param personal what is written otherwise before signing; @param tampered what is changed after it */
  constructor(name: TestCardName, personal: Partial<TestCard> = {}, tampered: Change = {}) {
    this.#name = name;
    this.card = { ...testCard(name), ...personal };
    const image = personalise(this.card);
    this.image = { ...image, records: image.records.map((one) => ({ ...one, bytes: changed(one.bytes, tampered) })) };
  }

  /** Directory, final selection, GET PROCESSING OPTIONS and every record. */
  opening(): Exchange[] {
    return [...this.selection(), this.gpo(), ...this.records()];
  }

  selection(): Exchange[] {
    const directory = directoryOf([this.card]);
    if (directory === undefined) throw new Error('a bench card has its directory');
    const { name, fci, records } = directory;
    const open: Exchange = [`00A404000E${toHex(name)}00`, ok(fci), 'the directory'];
    const [first] = records;
    if (first === undefined) return [open, this.select()];
    return [
      open,
      ['00B2010C00', ok(first.bytes), 'its first record'],
      ['00B2020C00', '6A83', 'there is no second'],
      this.select(),
    ];
  }

  select(): Exchange {
    const { aid, fci } = this.image;
    const length = aid.length.toString(16).padStart(2, '0').toUpperCase();
    return [`00A40400${length}${toHex(aid)}00`, ok(fci), 'the application'];
  }

  /** @param more objects of a format 2 answer; without them it is format 1 */
  gpo(more?: Uint8Array): Exchange {
    const { aip, afl } = this.image;
    return [
      '80A80000*',
      (command) => {
        const read = decodeCommand(command);
        const template = read.ok ? decodeTlv(read.value.data) : undefined;
        this.#pdolData = template?.ok === true ? Uint8Array.from(template.value[0]?.value ?? []) : new Uint8Array(0);
        return ok(more === undefined ? tlv(0x80, aip, afl) : tlv(0x77, tlv(0x82, aip), tlv(0x94, afl), more));
      },
      'transaction starts',
    ];
  }

  records(): Exchange[] {
    return this.image.records.map(({ sfi, record, bytes }) => {
      const p = `${byte(record)}${byte((sfi << 3) | 4)}`;
      return [`00B2${p}00`, ok(bytes), `file ${sfi}, record ${record}`];
    });
  }

  /** INTERNAL AUTHENTICATE with a good signature. */
  internalAuthenticate(): Exchange {
    return [
      '0088000004 12345678 00',
      (command) => ok(tlv(0x80, signDda(cardSigner(this.#name), hex('0102030405060708'), command.subarray(5, 9)))),
      'signs the unpredictable number',
    ];
  }

  /** GENERATE AC without a signature: what is asked for, what is given. */
  ac(
    asks: Kind,
    gives: Kind,
    options: { readonly cid?: number; readonly format?: 1 | 2; readonly why?: string } = {},
  ): Exchange {
    const cid = Uint8Array.of(options.cid ?? kinds[gives]);
    const [atc, cryptogram, data] = [hex('0002'), hex('1122334455667788'), hex('06010A03A00000')];
    const answer =
      options.format === 2
        ? tlv(0x77, tlv(0x9f27, cid), tlv(0x9f36, atc), tlv(0x9f26, cryptogram), tlv(0x9f10, data))
        : tlv(0x80, cid, atc, cryptogram, data);
    return [`80AE${byte(kinds[asks])}00*`, ok(answer), options.why ?? `${asks} asked, ${gives} given`];
  }

  /** GENERATE AC with a combined signature. `lies` says what is wrong with it. */
  cda(asks: Kind, gives: Kind, lies?: 'cid' | 'hash' | 'un' | 'unsigned' | 'forged'): Exchange {
    return [
      `80AE${byte(kinds[asks] | 0x10)}00*`,
      (command) => {
        const read = decodeCommand(command);
        const data = read.ok ? Uint8Array.from(read.value.data) : new Uint8Array(0);
        const before = this.#sent;
        this.#sent = data;
        const cid = tlv(0x9f27, Uint8Array.of(kinds[gives]));
        const rest = concat(tlv(0x9f36, hex('0002')), tlv(0x9f10, hex('06010A03A00000')));
        const plain = tlv(0x77, cid, rest, tlv(0x9f26, hex('1122334455667788')));
        if (gives === 'AAC' || lies === 'unsigned') return ok(plain);
        const number = lies === 'un' ? hex('00000000') : hex('12345678');
        const signed = signCda(cardSigner(this.#name), hex('0102030405060708'), hex('1122334455667788'), {
          unpredictableNumber: number,
          cryptogramInformation: lies === 'cid' ? 0x00 : kinds[gives],
          transactionData: concat(this.#pdolData, before, lies === 'hash' ? new Uint8Array(1) : data, cid, rest),
        });
        if (lies === 'forged') signed[5] = (signed[5] ?? 0) ^ 1;
        return ok(tlv(0x77, cid, rest, tlv(0x9f4b, signed)));
      },
      lies === undefined ? `${asks} asked with a signature, ${gives} given` : `a signature that lies: ${lies}`,
    ];
  }

  /** The values of a built list, as a command carried them: for checking what the card was told. */
  told(list: string, data: Uint8Array, tag: number): string {
    const entries = parseDol(hex(list));
    return toHex((entries.ok ? valueInDol(entries.value, data, tag) : undefined) ?? new Uint8Array(0));
  }
}

const byte = (value: number): string => value.toString(16).padStart(2, '0').toUpperCase();

/** A record with objects put in others' places. */
function changed(record: Uint8Array, change: Change): Uint8Array {
  const read = decodeTlv(record);
  const [template] = read.ok ? read.value : [];
  if (template === undefined || !template.children.some(({ tag }) => tag in change)) return record;
  const kept = template.children.flatMap(({ tag, value }: Tlv) => {
    const other = tag in change ? change[tag] : toHex(value);
    return other === undefined ? [] : [{ tag, value: hex(other) }];
  });
  return tlv(0x70, encodeTlv(kept));
}
