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
import {
  caSigner,
  chipSigner,
  isTestScheme,
  issuerSigner,
  revokedSerial,
  type TestChain,
  type TestScheme,
  testCaIndexOf,
} from './authority.ts';
import type { StripeMode } from './card-data.ts';
import type { CardFault, CardFaultKind } from './card-faults.ts';
import type { TestCard } from './test-card.ts';

/** One record of a file, template 70 included. */
export interface CardRecord {
  readonly sfi: number;
  readonly record: number;
  readonly bytes: Uint8Array;
}

/** What is written into a chip for one application: everything that it answers from memory. */
export interface CardImage {
  readonly aid: Uint8Array;
  /** Answer to SELECT of the application: template 6F. */
  readonly fci: Uint8Array;
  /** The application's entry in the directory: template 61. */
  readonly entry: Uint8Array;
  /** 82. */
  readonly aip: Uint8Array;
  /** 94. */
  readonly afl: Uint8Array;
  readonly records: readonly CardRecord[];
  /** The static data to be authenticated: values of the authenticated records, then the AIP. EMV 4.3 Book 3, 10.3. */
  readonly staticData: Uint8Array;
  /** 57. It stands in a record, or the card gives it in the answer to GET PROCESSING OPTIONS (`fastGpo`). */
  readonly track2: Uint8Array;
  /** 56 of a card in stripe mode. */
  readonly track1?: Uint8Array;
  /** Where a fast card has its card authentication related data (9F69): the record changes with each transaction. EMV Book C-3, annex C. */
  readonly dynamicRecord?: { readonly sfi: number; readonly record: number };
}

/** A chip's list of applications. EMV 4.3 Book 1, 12.2; EMV Book B, 3.3. */
export interface CardDirectory {
  /** `1PAY.SYS.DDF01` (contact) or `2PAY.SYS.DDF01` (contactless), as bytes. */
  readonly name: Uint8Array;
  /** Answer to SELECT of the directory: template 6F. */
  readonly fci: Uint8Array;
  /** Records of the directory's file 1; a contactless card has its entries in the answer to SELECT instead. */
  readonly records: readonly CardRecord[];
}

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const n = (text: string, lengthBytes: number): Uint8Array => hex(text.padStart(lengthBytes * 2, '0'));

interface PlannedRecord {
  readonly sfi: number;
  readonly isAuthenticated: boolean;
  readonly objects: readonly TlvInput[];
}

/** Lays out an application's files, certificates included. The same card always gives the same bytes. */
export function personalise(card: TestCard): CardImage {
  const aid = hex(card.aid);
  const aip = hex(card.aip);
  const track2 = track2Of(card);
  const planned = without(missingTags(card), plan(card, track2));
  const staticData = concat(...signedParts(planned), aip);
  const signed = without(missingTags(card), authenticationRecords(card, staticData));
  const whole = [...changed(card, planned), ...signed, ...doubles(card, [...planned, ...signed])];
  const records = numbered(whole);
  const track1 = whole.flatMap(({ objects }) => objects).find(({ tag }) => tag === 0x56)?.value;
  const dynamic = whole.findIndex(({ objects }) => objects.some(({ tag }) => tag === 0x9f69));
  const at = card.flow === 'fastGpo' ? records[dynamic] : undefined;
  return {
    aid,
    fci: fciOf(card, aid),
    entry: entryOf(card, aid),
    aip,
    afl: faultyLocator(card, encodeAfl(locate(whole))),
    records: faultOf(card, 'badTlv') === undefined ? records : records.map(lying),
    staticData,
    track2,
    ...(track1 !== undefined && { track1: asBytes(track1) }),
    ...(at !== undefined && { dynamicRecord: { sfi: at.sfi, record: at.record } }),
  };
}

/** The directory over a chip's applications, the first of which is the card itself; undefined when the card has none. */
export function directoryOf(applications: readonly TestCard[]): CardDirectory | undefined {
  const [card] = applications;
  if (card === undefined || card.directory === 'absent') return undefined;
  const isContact = card.flow === 'contact';
  const name = ascii(isContact ? '1PAY.SYS.DDF01' : '2PAY.SYS.DDF01');
  const entries = applications.map((application) => entryOf(application, hex(application.aid)));
  const language = tlv(0x5f2d, ascii(card.languages));
  const issuerData = isContact
    ? concat(tlv(0x88, Uint8Array.of(1)), language, codeTableOf(card))
    : tlv(0xbf0c, ...entries);
  return {
    name,
    fci: tlv(0x6f, tlv(0x84, name), tlv(0xa5, issuerData)),
    records: isContact ? entries.map((entry, index) => ({ sfi: 1, record: index + 1, bytes: tlv(0x70, entry) })) : [],
  };
}

const codeTableOf = ({ codeTable }: TestCard): Uint8Array =>
  codeTable === undefined ? nothing : tlv(0x9f11, Uint8Array.of(codeTable));

const namesOf = ({ label, preferredName, priority = '01' }: TestCard): Uint8Array =>
  concat(
    tlv(0x50, ascii(label)),
    tlv(0x87, hex(priority)),
    preferredName === undefined ? nothing : tlv(0x9f12, ascii(preferredName)),
  );

const entryOf = (card: TestCard, aid: Uint8Array): Uint8Array => tlv(0x61, tlv(0x4f, aid), namesOf(card));

function fciOf(card: TestCard, aid: Uint8Array): Uint8Array {
  const pdol = card.pdol === undefined ? nothing : tlv(0x9f38, hex(card.pdol));
  const language = tlv(0x5f2d, ascii(card.languages));
  return tlv(0x6f, tlv(0x84, aid), tlv(0xa5, namesOf(card), pdol, language, codeTableOf(card)));
}

const nothing: Uint8Array = new Uint8Array(0);

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
  const { scheme, chain = 'standard', pan } = card;
  const aip = hex(card.aip);
  const hasSda = hasBit(aip, 1, 7);
  const hasIccKey = hasBit(aip, 1, 6) || hasBit(aip, 1, 1);
  // A PIN is enciphered with the card's own key, or with its signing key: both stand under the issuer's certificate.
  if (!isTestScheme(scheme) || !(hasSda || hasIccKey || card.hasPinKey === true)) return [];
  const issuer = issuerSigner(scheme, chain);
  const records: PlannedRecord[] = issuerRecords(card, scheme, chain);
  if (hasSda) {
    const signature = signStaticData(issuer, hex('DAC1'), staticData);
    records.push({ sfi: 3, isAuthenticated: false, objects: [{ tag: 0x93, value: signature }] });
  }
  const expired = faultOf(card, 'expiredCertificate')?.of === 'card';
  const expiry = expired ? longAgo : `${card.expiry.slice(2, 4)}${card.expiry.slice(0, 2)}`;
  if (hasIccKey) {
    const key = chipSigner(card.key).publicKey;
    const icc = certifyIcc(issuer, pan, key, { expiry, serial: '000002' }, staticData);
    records.push({ sfi: 3, isAuthenticated: false, objects: objectsOf(icc, 0x9f46, 0x9f48, 0x9f47) });
  }
  if (card.hasPinKey === true) {
    const icc = certifyIcc(issuer, pan, chipSigner('pin').publicKey, { expiry, serial: '000003' }, nothing);
    records.push({ sfi: 3, isAuthenticated: false, objects: objectsOf(icc, 0x9f2d, 0x9f2f, 0x9f2e) });
  }
  return records;
}

/** MMYY of a certificate that ran out. */
const longAgo = '1220';

/** The CA's index, the tag list that puts the AIP under the static data, and the issuer's certificate: alone in a record when it is long. */
function issuerRecords(card: TestCard, scheme: TestScheme, chain: TestChain): PlannedRecord[] {
  // A CA that no terminal knows: the one of another scheme.
  const stranger = scheme === 'jcb' ? 'visa' : 'jcb';
  const ca = faultOf(card, 'wrongCa') === undefined ? caSigner(scheme, chain) : caSigner(stranger);
  const index = faultOf(card, 'unknownCaIndex') === undefined ? testCaIndexOf(chain) : 0xef;
  const certified = certifyIssuer(ca, card.pan, issuerSigner(scheme, chain).publicKey, {
    expiry: faultOf(card, 'expiredCertificate')?.of === 'issuer' ? longAgo : '1235',
    serial: faultOf(card, 'revokedIssuer') === undefined ? '000001' : revokedSerial,
  });
  const [certificate, ...others] = objectsOf(certified, 0x90, 0x92, 0x9f32);
  const small = [{ tag: 0x8f, value: Uint8Array.of(index) }, ...others, { tag: 0x9f4a, value: Uint8Array.of(0x82) }];
  if (certificate === undefined) return [];
  const isLong = certified.certificate.length > 200;
  const parts = isLong ? [[certificate], small] : [[certificate, ...small]];
  return parts.map((objects) => ({ sfi: 3, isAuthenticated: false, objects }));
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
  if (card.risk !== undefined) {
    rules.push({ tag: 0x9f14, value: Uint8Array.of(card.risk.lowerLimit) });
    rules.push({ tag: 0x9f23, value: Uint8Array.of(card.risk.upperLimit) });
  }
  const lists: TlvInput[] = [];
  if (card.cvmList !== undefined) rules.push({ tag: 0x8e, value: hex(card.cvmList) });
  if (card.cdol1 !== undefined) lists.push({ tag: 0x8c, value: hex(card.cdol1) });
  if (card.cdol2 !== undefined) lists.push({ tag: 0x8d, value: hex(card.cdol2) });
  if (card.ddol !== undefined) lists.push({ tag: 0x9f49, value: hex(card.ddol) });
  const stripe = { sfi: 1, isAuthenticated: false, objects: [{ tag: 0x57, value: track2 }, holder] };
  if (card.stripeMode !== undefined)
    return [{ sfi: 1, isAuthenticated: false, objects: stripeObjects(card, card.stripeMode, track2) }];
  // The fast path gives track 2 in the answer to GPO; the rest is read only for offline data authentication.
  if (card.flow === 'fastGpo') {
    // Version, the card's number of this transaction, qualifiers: filled in when the record is read.
    const dynamic = [{ tag: 0x9f69, value: new Uint8Array(7) }];
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

/** Track data of stripe mode, and where the reader puts the dynamic digits. EMV Book C-2, annex A. */
function stripeObjects(card: TestCard, mode: Omit<StripeMode, 'masterKey'>, track2: Uint8Array): readonly TlvInput[] {
  const text = (secret: TestCard['pan']): string => secret.use((bytes) => Buffer.from(bytes).toString('latin1'));
  const { expiry, serviceCode, cardholder } = card;
  const track1 = `B${text(card.pan)}^${cardholder}^${expiry.slice(0, 4)}${serviceCode}${text(card.discretionary)}`;
  const [code1, code2] = mode.codePositions;
  const [number1, number2] = mode.numberPositions;
  const [digits1, digits2] = mode.counterDigits;
  return [
    { tag: 0x9f6c, value: hex('0001') },
    { tag: 0x56, value: ascii(track1) },
    { tag: 0x9f62, value: hex(code1) },
    { tag: 0x9f63, value: hex(number1) },
    { tag: 0x9f64, value: hex(digits1) },
    { tag: 0x9f65, value: hex(code2) },
    { tag: 0x9f66, value: hex(number2) },
    { tag: 0x9f6b, value: track2 },
    { tag: 0x9f67, value: hex(digits2) },
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

const faultOf = <K extends CardFaultKind>(
  { faults = [] }: TestCard,
  kind: K,
): Extract<CardFault, { kind: K }> | undefined =>
  faults.find((fault): fault is Extract<CardFault, { kind: K }> => fault.kind === kind);

const missingTags = ({ faults = [] }: TestCard): ReadonlySet<number> =>
  new Set(faults.flatMap((fault) => (fault.kind === 'missing' ? [fault.tag] : [])));

/** The records less the objects of some tags; what is signed is signed without them. */
const without = (tags: ReadonlySet<number>, planned: readonly PlannedRecord[]): readonly PlannedRecord[] =>
  tags.size === 0
    ? planned
    : planned.map((record) => ({ ...record, objects: record.objects.filter(({ tag }) => !tags.has(tag)) }));

/** The day that an authenticated record names is another than the one that was signed. */
function changed(card: TestCard, planned: readonly PlannedRecord[]): readonly PlannedRecord[] {
  if (faultOf(card, 'changedRecord') === undefined) return planned;
  const later = { tag: 0x5f25, value: hex('250102') };
  return planned.map((record) => ({
    ...record,
    objects: record.objects.map((object) => (object.tag === later.tag ? later : object)),
  }));
}

function doubles(card: TestCard, planned: readonly PlannedRecord[]): readonly PlannedRecord[] {
  const fault = faultOf(card, 'duplicate');
  const again = planned.flatMap(({ objects }) => objects.filter(({ tag }) => tag === fault?.tag));
  return again.length === 0 ? [] : [{ sfi: 3, isAuthenticated: false, objects: again.slice(0, 1) }];
}

function faultyLocator(card: TestCard, afl: Uint8Array): Uint8Array {
  const fault = faultOf(card, 'wrongLocator');
  if (fault === undefined) return afl;
  const wrong = Uint8Array.from(afl);
  if (fault.how === 'cut') return wrong.subarray(0, -1);
  if (fault.how === 'missingRecord') wrong[2] = (wrong[2] ?? 0) + 1;
  else [wrong[1], wrong[2]] = [2, 1];
  return wrong;
}

/** A first record whose template says that it is longer than it is. */
function lying(record: CardRecord, index: number): CardRecord {
  if (index > 0) return record;
  const bytes = Uint8Array.from(record.bytes);
  bytes[1] = (bytes[1] ?? 0) + 3;
  return { ...record, bytes };
}
