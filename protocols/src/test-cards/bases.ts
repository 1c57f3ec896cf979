import type { CardData } from './card-data.ts';

/** CDOL1 and CDOL2 of Visa, JCB, American Express and UnionPay: the minimum set; the issuer's answer came by EXTERNAL AUTHENTICATE. */
export const cdol1 = '9F02069F03069F1A0295055F2A029A039C019F3704';
/** CDOL2 that goes with it: the issuer's response code first. */
export const cdol2 = `8A02${cdol1}`;
/** M/Chip's: terminal type, data authentication code, ICC dynamic number and CVM results too; the issuer's answer in CDOL2. */
export const mchipCdol1 = `${cdol1}9F35019F45029F4C089F3403`;
/** M/Chip's CDOL2. */
export const mchipCdol2 = '910A8A0295059F37049F4C08';
/** The unpredictable number alone. */
export const ddol = '9F3704';
/** CVM lists; each method if the terminal supports it: PIN online, PIN by the card, signature, none. */
export const cvmOnlineFirst = '0000000000000000420341035E031F03';
/** PIN by the card first, enciphered or plain, as is usual in Japan. */
export const cvmOfflineFirst = '00000000000000004403410342035E031F03';
/** What a reader without contacts can do: PIN online, signature, none. */
export const cvmContactless = '000000000000000042035E031F03';
/** What a fast card's cryptogram is made of, qualifiers first. EMV Books C-3 and C-7. */
export const fastPdol = '9F66049F02069F03069F1A0295055F2A029A039C019F3704';
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
  fate: { kind: 'approved' },
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

/** What a card of a scheme and interface is like before it gets a name and a number. */
export type CardBase = Omit<CardData, 'name' | 'pan'>;

/** Visa with contacts. */
export const visaContact = {
  ...person,
  ...issuerKeys.visa,
  scheme: 'visa',
  flow: 'contact',
  key: 'visa-contact',
  answerFormat: 1,
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
} as const satisfies CardBase;

/** Visa without contacts. */
export const visaContactless = {
  ...visaContact,
  flow: 'fastGpo',
  key: 'visa-contactless',
  answerFormat: 2,
  aip: '2000',
  pdol: fastPdol,
  cryptogram: 'visa-cvn17',
  issuerApplicationData: '06011103000000',
  ctq: '2800',
} as const satisfies CardBase;

/** Mastercard with contacts. */
export const mastercardContact = {
  ...person,
  ...issuerKeys.mastercard,
  scheme: 'mastercard',
  flow: 'contact',
  key: 'mastercard-contact',
  answerFormat: 2,
  aid: 'A0000000041010',
  label: 'MASTERCARD',
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
} as const satisfies CardBase;

/** Mastercard without contacts. */
export const mastercardContactless = {
  ...person,
  ...issuerKeys.mastercard,
  scheme: 'mastercard',
  flow: 'contactlessGenerateAc',
  key: 'mastercard-contactless',
  answerFormat: 2,
  aid: 'A0000000041010',
  label: 'MASTERCARD',
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
} as const satisfies CardBase;

/** JCB with contacts. */
export const jcbContact = {
  ...person,
  ...issuerKeys.jcb,
  scheme: 'jcb',
  flow: 'contact',
  key: 'jcb-contact',
  answerFormat: 1,
  aid: 'A0000000651010',
  label: 'JCB CREDIT',
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
} as const satisfies CardBase;

/** JCB without contacts. */
export const jcbContactless = {
  ...person,
  ...issuerKeys.jcb,
  scheme: 'jcb',
  flow: 'contactlessGenerateAc',
  key: 'jcb-contactless',
  answerFormat: 2,
  aid: 'A0000000651010',
  label: 'JCB CREDIT',
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
} as const satisfies CardBase;

/** American Express with contacts. */
export const amexContact = {
  ...person,
  ...issuerKeys.amex,
  scheme: 'amex',
  flow: 'contact',
  key: 'amex-contact',
  answerFormat: 1,
  aid: 'A000000025010801',
  label: 'AMERICAN EXPRESS',
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
} as const satisfies CardBase;

/** American Express without contacts. */
export const amexContactless = {
  ...person,
  ...issuerKeys.amex,
  scheme: 'amex',
  flow: 'contactlessGenerateAc',
  key: 'amex-contactless',
  answerFormat: 2,
  aid: 'A000000025010801',
  label: 'AMERICAN EXPRESS',
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
} as const satisfies CardBase;

/** UnionPay with contacts. */
export const unionpayContact = {
  ...person,
  ...issuerKeys.unionpay,
  scheme: 'unionpay',
  flow: 'contact',
  key: 'unionpay-contact',
  answerFormat: 1,
  aid: 'A000000333010102',
  label: 'UNIONPAY CREDIT',
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
  pin: '482915',
} as const satisfies CardBase;

/** UnionPay without contacts. */
export const unionpayContactless = {
  ...unionpayContact,
  flow: 'fastGpo',
  key: 'unionpay-contactless',
  answerFormat: 2,
  aip: '2000',
  pdol: fastPdol,
  ctq: '2800',
} as const satisfies CardBase;
