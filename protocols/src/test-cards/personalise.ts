import {
  type AflEntry,
  buildTrack2,
  certifyIcc,
  certifyIssuer,
  encodeAfl,
  hasBit,
  type KeyCertificate,
  panToCn,
  signStaticData,
} from '../emv/index.ts';
import { concat, hex, unwrap } from '../kit/index.ts';
import { type TlvInput, tlv } from '../tlv/index.ts';
import { cardSigner, caSigner, isTestScheme, issuerSigner, testCaIndex } from './authority.ts';
import type { TestCard } from './test-card.ts';

/** One record of a file, template 70 included. */
export interface CardRecord {
  readonly sfi: number;
  readonly record: number;
  readonly bytes: Uint8Array;
}

/** What is written into a card: everything that it answers from memory. */
export interface CardImage {
  /** `1PAY.SYS.DDF01` (contact) or `2PAY.SYS.DDF01` (contactless), as bytes. */
  readonly directoryName: Uint8Array;
  /** Answer to SELECT of the directory: template 6F. */
  readonly directoryFci: Uint8Array;
  /** Records of the directory's file 1; a contactless card has its entries in the answer to SELECT instead. */
  readonly directoryRecords: readonly CardRecord[];
  readonly aid: Uint8Array;
  /** Answer to SELECT of the application: template 6F. */
  readonly fci: Uint8Array;
  /** 82. */
  readonly aip: Uint8Array;
  /** 94. */
  readonly afl: Uint8Array;
  readonly records: readonly CardRecord[];
  /** The static data to be authenticated: values of the authenticated records, then the AIP. EMV 4.3 Book 3, 10.3. */
  readonly staticData: Uint8Array;
  /** 57. It stands in a record, or the card gives it in the answer to GET PROCESSING OPTIONS (`fastGpo`). */
  readonly track2: Uint8Array;
  /** 9F69 of a `fastGpo` card: fDDA version, the card's own unpredictable number, CTQ. EMV Book C-3, annex C. */
  readonly cardAuthenticationData?: Uint8Array;
}

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const n = (text: string, lengthBytes: number): Uint8Array => hex(text.padStart(lengthBytes * 2, '0'));

interface PlannedRecord {
  readonly sfi: number;
  readonly isAuthenticated: boolean;
  readonly objects: readonly TlvInput[];
}

/** Lays out a card's files, certificates included. The same card always gives the same bytes. */
export function personalise(card: TestCard): CardImage {
  const isContact = card.flow === 'contact';
  const aid = hex(card.aid);
  const aip = hex(card.aip);
  const track2 = track2Of(card);
  const planned = plan(card, track2);
  const staticData = concat(...signedParts(planned), aip);
  const whole = [...planned, ...authenticationRecords(card, staticData)];
  const directoryName = ascii(isContact ? '1PAY.SYS.DDF01' : '2PAY.SYS.DDF01');
  const entry = tlv(0x61, tlv(0x4f, aid), tlv(0x50, ascii(card.label)), tlv(0x87, Uint8Array.of(1)));
  const issuerData = isContact ? tlv(0x88, Uint8Array.of(1)) : tlv(0xbf0c, entry);
  const language = tlv(0x5f2d, ascii(card.languages));
  const pdol = card.pdol === undefined ? nothing : tlv(0x9f38, hex(card.pdol));
  const proprietary = concat(tlv(0x50, ascii(card.label)), tlv(0x87, Uint8Array.of(1)), pdol, language);
  const image = {
    directoryName,
    directoryFci: tlv(0x6f, tlv(0x84, directoryName), tlv(0xa5, issuerData, isContact ? language : nothing)),
    directoryRecords: isContact ? [{ sfi: 1, record: 1, bytes: tlv(0x70, entry) }] : [],
    aid,
    fci: tlv(0x6f, tlv(0x84, aid), tlv(0xa5, proprietary)),
    aip,
    afl: encodeAfl(locate(whole)),
    records: numbered(whole),
    staticData,
    track2,
  };
  return card.flow === 'fastGpo' ? { ...image, cardAuthenticationData: cardAuthenticationDataOf(card) } : image;
}

const nothing: Uint8Array = new Uint8Array(0);

/** The card's own number is fixed: an emulated card must answer the same way twice for a test to compare. */
const cardAuthenticationDataOf = (card: TestCard): Uint8Array => hex(`01C0FFEE01${card.ctq ?? '0000'}`);

const track2Of = (card: TestCard): Uint8Array =>
  unwrap(
    buildTrack2({
      pan: card.pan,
      expiry: card.expiry.slice(0, 4),
      serviceCode: card.serviceCode,
      discretionary: card.discretionary,
    }),
  );

/** Certificates and signatures, as the AIP announces them. They stand behind all else, in a file of their own. */
function authenticationRecords(card: TestCard, staticData: Uint8Array): readonly PlannedRecord[] {
  const { scheme, pan } = card;
  if (!isTestScheme(scheme)) return [];
  const aip = hex(card.aip);
  const hasSda = hasBit(aip, 1, 7);
  const hasIccKey = hasBit(aip, 1, 6) || hasBit(aip, 1, 1);
  if (!hasSda && !hasIccKey) return [];
  const issuer = issuerSigner(scheme);
  const expiry = `${card.expiry.slice(2, 4)}${card.expiry.slice(0, 2)}`;
  const certified = certifyIssuer(caSigner(scheme), pan, issuer.publicKey, { expiry: '1235', serial: '000001' });
  const own: TlvInput[] = [
    { tag: 0x8f, value: Uint8Array.of(testCaIndex) },
    ...objectsOf(certified, 0x90, 0x92, 0x9f32),
    { tag: 0x9f4a, value: Uint8Array.of(0x82) },
  ];
  const records: PlannedRecord[] = [{ sfi: 3, isAuthenticated: false, objects: own }];
  if (hasSda) {
    const signature = signStaticData(issuer, hex('DAC1'), staticData);
    records.push({ sfi: 3, isAuthenticated: false, objects: [{ tag: 0x93, value: signature }] });
  }
  if (hasIccKey) {
    const key = cardSigner(card.name).publicKey;
    const icc = certifyIcc(issuer, pan, key, { expiry, serial: '000002' }, staticData);
    records.push({ sfi: 3, isAuthenticated: false, objects: objectsOf(icc, 0x9f46, 0x9f48, 0x9f47) });
  }
  return records;
}

function objectsOf(
  key: KeyCertificate,
  certificateTag: number,
  remainderTag: number,
  exponentTag: number,
): readonly TlvInput[] {
  const objects = [
    { tag: certificateTag, value: key.certificate },
    { tag: exponentTag, value: key.exponent },
  ];
  return key.remainder === undefined ? objects : [...objects, { tag: remainderTag, value: key.remainder }];
}

function plan(card: TestCard, track2: Uint8Array): readonly PlannedRecord[] {
  const holder = { tag: 0x5f20, value: ascii(card.cardholder.padEnd(2)) };
  const who: TlvInput[] = [
    { tag: 0x5a, value: panToCn(card.pan) },
    { tag: 0x5f34, value: n(String(card.psn), 1) },
    { tag: 0x5f24, value: hex(card.expiry) },
    { tag: 0x5f25, value: hex(card.effective) },
    { tag: 0x5f28, value: hex(card.issuerCountry) },
    { tag: 0x9f07, value: hex(card.auc) },
  ];
  const rules: TlvInput[] = [
    { tag: 0x9f0d, value: hex(card.iac.default) },
    { tag: 0x9f0e, value: hex(card.iac.denial) },
    { tag: 0x9f0f, value: hex(card.iac.online) },
    { tag: 0x9f08, value: hex(card.version) },
    { tag: 0x5f30, value: n(card.serviceCode, 2) },
    { tag: 0x9f42, value: hex(card.currency) },
    { tag: 0x9f44, value: Uint8Array.of(0) },
  ];
  const lists: TlvInput[] = [];
  if (card.cvmList !== undefined) rules.push({ tag: 0x8e, value: hex(card.cvmList) });
  if (card.cdol1 !== undefined) lists.push({ tag: 0x8c, value: hex(card.cdol1) });
  if (card.cdol2 !== undefined) lists.push({ tag: 0x8d, value: hex(card.cdol2) });
  if (card.ddol !== undefined) lists.push({ tag: 0x9f49, value: hex(card.ddol) });
  const stripe = { sfi: 1, isAuthenticated: false, objects: [{ tag: 0x57, value: track2 }, holder] };
  // The fast path gives track 2 in the answer to GPO; the rest is read only for offline data authentication.
  if (card.flow === 'fastGpo') {
    const dynamic = [{ tag: 0x9f69, value: cardAuthenticationDataOf(card) }];
    return [
      { sfi: 2, isAuthenticated: true, objects: who },
      { sfi: 2, isAuthenticated: false, objects: dynamic },
    ];
  }
  return [
    stripe,
    { sfi: 2, isAuthenticated: true, objects: [...who, ...rules] },
    { sfi: 2, isAuthenticated: false, objects: lists },
  ];
}

function numbered(planned: readonly PlannedRecord[]): readonly CardRecord[] {
  const last = new Map<number, number>();
  return planned.map(({ sfi, objects }) => {
    const record = (last.get(sfi) ?? 0) + 1;
    last.set(sfi, record);
    return { sfi, record, bytes: tlv(0x70, ...objects.map(({ tag, value }) => tlv(tag, asBytes(value)))) };
  });
}

/** One locator entry a file: authenticated records stand first in each. */
function locate(planned: readonly PlannedRecord[]): readonly AflEntry[] {
  const files = [...new Set(planned.map(({ sfi }) => sfi))].sort((a, b) => a - b);
  return files.map((sfi) => {
    const own = planned.filter((record) => record.sfi === sfi);
    const authenticated = own.filter(({ isAuthenticated }) => isAuthenticated).length;
    return { sfi, first: 1, last: own.length, authenticated };
  });
}

/** For files 1 to 10 the template's tag and length are left out. EMV 4.3 Book 3, 10.3. */
const signedParts = (planned: readonly PlannedRecord[]): readonly Uint8Array[] =>
  planned
    .filter(({ isAuthenticated }) => isAuthenticated)
    .flatMap(({ objects }) => objects.map(({ tag, value }) => tlv(tag, asBytes(value))));

function asBytes(value: TlvInput['value']): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Error('records hold primitive objects alone');
}
