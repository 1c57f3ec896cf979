import type { CryptogramProfileName, Scheme } from '../emv/index.ts';

/** What the fictional issuer does with a card. */
export type Fate =
  | { readonly kind: 'approved' }
  /** Declined with this action code (ISO 8583:1993, element 39). */
  | { readonly kind: 'declined'; readonly actionCode: number }
  /** The issuer never answers. */
  | { readonly kind: 'silent' }
  /** Meant to be put on the negative file. */
  | { readonly kind: 'listed' };

/** How a card answers on an interface. */
export type CardFlow =
  /** GPO, READ RECORD, GENERATE AC once or twice. EMV Books 1 to 3. */
  | 'contact'
  /** The answer to GPO already holds the cryptogram (Visa: EMV Book C-3). */
  | 'fastGpo'
  /** GPO, READ RECORD, one GENERATE AC (Mastercard, American Express, JCB: EMV Books C-2, C-4, C-5). */
  | 'contactlessGenerateAc';

/** A fictional card: everything that a personalisation bureau would write, as data. Hexadecimal unless said otherwise. */
export interface CardData {
  readonly name: string;
  readonly scheme: Scheme;
  readonly flow: CardFlow;
  readonly fate: Fate;
  readonly aid: string;
  /** Application label (50), at most 16 characters. */
  readonly label: string;
  /** Digits; test ranges only, check digit right. */
  readonly pan: string;
  /** YYMMDD, the last day of the month. */
  readonly expiry: string;
  /** YYMMDD. */
  readonly effective: string;
  readonly psn: number;
  readonly serviceCode: string;
  readonly discretionary: string;
  readonly cardholder: string;
  /** ISO 639-1 codes in order of preference. */
  readonly languages: string;
  /** ISO 3166-1 and 4217 numeric. */
  readonly issuerCountry: string;
  readonly currency: string;
  /** Application interchange profile (82). */
  readonly aip: string;
  /** Application usage control (9F07). */
  readonly auc: string;
  readonly pdol?: string;
  readonly cdol1?: string;
  readonly cdol2?: string;
  readonly ddol?: string;
  /** Cardholder verification method list (8E). */
  readonly cvmList?: string;
  readonly iac: { readonly default: string; readonly denial: string; readonly online: string };
  /** Which key of `cryptogramProfiles` the cryptogram is made with. */
  readonly cryptogram: CryptogramProfileName;
  /** Issuer application data (9F10) with the card verification results left zero: the card fills them in. */
  readonly issuerApplicationData: string;
  /** Clear PIN that the fictional cardholder knows; the offline PIN as well. */
  readonly pin: string;
  /** Card transaction qualifiers (9F6C), Visa and UnionPay contactless. */
  readonly ctq?: string;
  /** Application version number (9F08). */
  readonly version: string;
  /** The issuer's master key for application cryptograms. */
  readonly issuerMasterKey: string;
  /** Keys of secure messaging: integrity and confidentiality. */
  readonly scriptKeys: { readonly integrity: string; readonly confidentiality: string };
  /** Application transaction counter at the start. */
  readonly atc: number;
}

/** CDOL1 and CDOL2 of Visa, JCB and American Express: the minimum set; the issuer's answer came by EXTERNAL AUTHENTICATE. */
const cdol1 = '9F02069F03069F1A0295055F2A029A039C019F3704';
const cdol2 = `8A02${cdol1}`;
/** M/Chip's: terminal type, data authentication code, ICC dynamic number and CVM results too; the issuer's answer in CDOL2. */
const mchipCdol1 = `${cdol1}9F35019F45029F4C089F3403`;
const mchipCdol2 = '910A8A0295059F37049F4C08';
const ddol = '9F3704';
/** CVM lists; each method if the terminal supports it: PIN online, PIN by the card, signature, none. */
const cvmOnlineFirst = '0000000000000000420341035E031F03';
/** PIN by the card first, enciphered or plain, as is usual in Japan. */
const cvmOfflineFirst = '00000000000000004403410342035E031F03';
const cvmContactless = '000000000000000042035E031F03';
/** EMV: offline data authentication failures go online; the issuer decides. */
const iac = { default: 'FC50ACA000', denial: '0010000000', online: 'FC70BCF800' };
const neverDenied = { default: 'FC50808800', denial: '0000000000', online: 'F470848000' };

const keysOf = (seed: string) => ({
  issuerMasterKey: seed,
  scriptKeys: {
    integrity: `${seed.slice(16)}${seed.slice(0, 16)}`,
    confidentiality: `${seed.slice(8, 24)}${seed.slice(24)}${seed.slice(0, 8)}`,
  },
});

/** One fictional issuer per scheme; odd parity, different halves. */
const issuerKeys = {
  visa: keysOf('0123456789ABCDEFFEDCBA9876543210'),
  mastercard: keysOf('9E15204313F7318ACB79B90BD986AD29'),
  jcb: keysOf('1C2F3E4A5D67708F91A2B3C4D5E6F708'),
  amex: keysOf('2A3B4C5D6E7F80911A2A3D4C5E6E7F80'),
  unionpay: keysOf('31435264758697A80B1C2C3E4F5E7080'),
} as const;

const person = {
  cardholder: 'TSUNAGU/HANAKO',
  languages: 'jaen',
  issuerCountry: '0392',
  currency: '0392',
  expiry: '301231',
  effective: '250101',
  psn: 1,
  pin: '1234',
  atc: 1,
} as const;

const visaContact = {
  ...person,
  ...issuerKeys.visa,
  scheme: 'visa',
  flow: 'contact',
  aid: 'A0000000031010',
  label: 'VISA CREDIT',
  serviceCode: '201',
  discretionary: '1190000012300',
  aip: '3D00',
  auc: 'FF80',
  cdol1,
  cdol2,
  ddol,
  cvmList: cvmOnlineFirst,
  iac,
  cryptogram: 'visa-cvn10',
  issuerApplicationData: '06010A03000000',
  version: '0096',
} as const;

/** The cards. PANs lie in the schemes' published test ranges and were never issued. */
export const testCardData = [
  { ...visaContact, name: 'visa-contact', fate: { kind: 'approved' }, pan: '4761739001010010' },
  {
    ...visaContact,
    name: 'visa-declined',
    fate: { kind: 'declined', actionCode: 116 },
    pan: '4761739001010119',
  },
  { ...visaContact, name: 'visa-silent', fate: { kind: 'silent' }, pan: '4761739001010135' },
  { ...visaContact, name: 'visa-listed', fate: { kind: 'listed' }, pan: '4761739001010127' },
  {
    ...visaContact,
    name: 'visa-contactless',
    flow: 'fastGpo',
    fate: { kind: 'approved' },
    pan: '4761739001010036',
    aip: '2000',
    pdol: '9F66049F02069F03069F1A0295055F2A029A039C019F3704',
    cryptogram: 'visa-cvn17',
    issuerApplicationData: '06011103000000',
    ctq: '2800',
  },
  {
    ...person,
    ...issuerKeys.mastercard,
    name: 'mastercard-contact',
    scheme: 'mastercard',
    flow: 'contact',
    fate: { kind: 'approved' },
    aid: 'A0000000041010',
    label: 'MASTERCARD',
    pan: '5413330089010012',
    serviceCode: '201',
    discretionary: '0000012300',
    aip: '3900',
    auc: 'FF80',
    cdol1: mchipCdol1,
    cdol2: mchipCdol2,
    ddol,
    cvmList: cvmOfflineFirst,
    iac,
    cryptogram: 'mastercard-cvn16',
    issuerApplicationData: '0110000000000000000000000000000000FF',
    version: '0002',
  },
  {
    ...person,
    ...issuerKeys.mastercard,
    name: 'mastercard-contactless',
    scheme: 'mastercard',
    flow: 'contactlessGenerateAc',
    fate: { kind: 'approved' },
    aid: 'A0000000041010',
    label: 'MASTERCARD',
    pan: '5413330089020011',
    serviceCode: '201',
    discretionary: '0000012300',
    aip: '1980',
    auc: 'FF80',
    cdol1: mchipCdol1,
    cvmList: cvmContactless,
    iac: neverDenied,
    cryptogram: 'mastercard-cvn20',
    issuerApplicationData: '0114000000000000000000000000000000FF',
    version: '0002',
  },
  {
    ...person,
    ...issuerKeys.jcb,
    name: 'jcb-contact',
    scheme: 'jcb',
    flow: 'contact',
    fate: { kind: 'approved' },
    aid: 'A0000000651010',
    label: 'JCB CREDIT',
    pan: '3569990010030004',
    serviceCode: '201',
    discretionary: '0000012300',
    aip: '3D00',
    auc: 'FF80',
    cdol1,
    cdol2,
    ddol,
    cvmList: cvmOfflineFirst,
    iac,
    cryptogram: 'jcb-cvn01',
    issuerApplicationData: '06010103000000',
    version: '0200',
  },
  {
    ...person,
    ...issuerKeys.jcb,
    name: 'jcb-contactless',
    scheme: 'jcb',
    flow: 'contactlessGenerateAc',
    fate: { kind: 'approved' },
    aid: 'A0000000651010',
    label: 'JCB CREDIT',
    pan: '3569990010030012',
    serviceCode: '201',
    discretionary: '0000012300',
    aip: '1980',
    auc: 'FF80',
    pdol: '9F53039F02065F2A029A039F1A02',
    cdol1,
    cvmList: cvmContactless,
    iac: neverDenied,
    cryptogram: 'jcb-cvn01',
    issuerApplicationData: '06010103000000',
    version: '0200',
  },
  {
    ...person,
    ...issuerKeys.amex,
    name: 'amex-contact',
    scheme: 'amex',
    flow: 'contact',
    fate: { kind: 'approved' },
    aid: 'A000000025010801',
    label: 'AMERICAN EXPRESS',
    pan: '374245001741007',
    serviceCode: '201',
    discretionary: '1234500',
    aip: '3C00',
    auc: 'FF80',
    cdol1,
    cdol2,
    ddol,
    cvmList: cvmOfflineFirst,
    iac,
    cryptogram: 'amex-cvn01',
    issuerApplicationData: '06020103000000',
    version: '0001',
  },
  {
    ...person,
    ...issuerKeys.amex,
    name: 'amex-contactless',
    scheme: 'amex',
    flow: 'contactlessGenerateAc',
    fate: { kind: 'approved' },
    aid: 'A000000025010801',
    label: 'AMERICAN EXPRESS',
    pan: '374245001751006',
    serviceCode: '201',
    discretionary: '1234500',
    aip: '1980',
    auc: 'FF80',
    pdol: '9F6D019F6E04',
    cdol1,
    cvmList: cvmContactless,
    iac: neverDenied,
    cryptogram: 'amex-cvn01',
    issuerApplicationData: '06020103000000',
    version: '0001',
  },
  {
    ...person,
    ...issuerKeys.unionpay,
    name: 'unionpay-contact',
    scheme: 'unionpay',
    flow: 'contact',
    fate: { kind: 'approved' },
    aid: 'A000000333010102',
    label: 'UNIONPAY CREDIT',
    pan: '6250946000000016',
    serviceCode: '220',
    discretionary: '0000012300',
    aip: '5C00',
    auc: 'FF80',
    cdol1,
    cdol2,
    cvmList: cvmOnlineFirst,
    iac,
    cryptogram: 'unionpay-cvn01',
    issuerApplicationData: '07010103000000010A01000000000000000000',
    version: '0030',
  },
] as const satisfies readonly CardData[];

/** Names of the cards. */
export type TestCardName = (typeof testCardData)[number]['name'];
