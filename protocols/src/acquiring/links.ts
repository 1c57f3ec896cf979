import { compileLink, type Link, type LinkText } from './link.ts';
import { issuerLink } from './link-profiles.ts';
import { portOf } from '../fleet/ports.ts';
import type { DialectName, LinkProfileText } from '../iso8583/index.ts';

/** DE52 as one AES block, on every link of the house. */
const pinBlock = { '52': { type: 'b', kind: 'fixed', maxLength: 16 } } as const;

const title = { en: 'Zone link of this house', ja: '当社ゾーン接続' };

/**
 * What Japanese tills show of refusals of credit cards, and of cash cards (J-Debit): what public lists say of a letter and two digits. An acquirer has a list of
 * its own, which belongs into its link file.
 */
const creditTill = { '100': 'G97', '104': 'G12', '107': 'G30', '117': 'G42', '121': 'G07', '914': 'G94' } as const;
const debitTill = {
  '100': 'G97',
  '104': 'G60',
  '114': 'G85',
  '116': 'G06',
  '117': 'G42',
  '121': 'G07',
  '908': 'C20',
  '914': 'G94',
} as const;

const cardCompanyProfile: LinkProfileText = {
  name: 'card-company',
  title,
  dialect: issuerLink.dialect,
  fieldOverrides: pinBlock,
  frame: { prefix: 'bin2be', maxLengthBytes: issuerLink.frameLengthMax },
  mac: { algorithm: 'AES-CMAC', lengthBytes: issuerLink.mac.lengthBytes },
  matchKeys: [...issuerLink.matchElements],
  echo: [...issuerLink.echoElements],
  networkManagement: {
    echoSeconds: issuerLink.timers.echoAfterMs / 1_000,
    missedEchoesMax: issuerLink.timers.echoesMissedMax,
  },
  timers: {
    requestMs: issuerLink.timers.requestMs,
    echoMs: issuerLink.timers.echoMs,
    storeAndForward: {
      firstMs: issuerLink.timers.reversal.firstMs,
      factor: issuerLink.timers.reversal.factor,
      maxMs: issuerLink.timers.reversal.mostMs,
      manualAfter: issuerLink.timers.reversal.attemptsBeforeAlarm,
      window: 8,
    },
  },
  formatErrorElement: 44,
  codes: { till: creditTill },
};

/** W4 as data: what `issuerLink` says, as a link file says it. */
const cardCompany: LinkText = {
  id: issuerLink.id,
  name: issuerLink.name,
  side: 'issuer',
  kind: 'credit',
  parties: { own: issuerLink.switchId, far: issuerLink.issuerId },
  profile: cardCompanyProfile,
  session: {
    dialMs: issuerLink.timers.dialMs,
    signOnMs: issuerLink.timers.signOnMs,
    reconnect: { ...issuerLink.timers.reconnect },
  },
  connections: 2,
  inFlightMax: issuerLink.inFlightMax,
};

/** What tells one emulated issuer of the house from another; the rest is as with the card company. */
interface IssuerText {
  readonly id: string;
  readonly kind: Exclude<LinkText['kind'], 'credit'>;
  readonly name: LinkText['name'];
  readonly far: string;
  readonly dialect: DialectName;
  readonly frame: 'bin2be' | 'bcd2' | 'ascii4';
  readonly mac: 'AES-CMAC' | 'TDES-CMAC' | 'ISO9797-1-ALG3';
  readonly codes?: LinkProfileText['codes'];
  readonly verificationElement?: number;
}

/** A further issuer of the house. No network publishes its own, so each profile is an assumption; they differ in what real ones differ in. */
const issuer = ({
  id,
  kind,
  name,
  far,
  dialect,
  frame,
  mac,
  codes = {},
  verificationElement = 63,
}: IssuerText): LinkText => ({
  ...cardCompany,
  id,
  kind,
  name,
  parties: { own: issuerLink.switchId, far },
  profile: {
    ...cardCompanyProfile,
    name: kind,
    title: name,
    assumed: true,
    dialect,
    frame: { prefix: frame, maxLengthBytes: issuerLink.frameLengthMax },
    mac: { algorithm: mac, lengthBytes: 8 },
    codes,
  },
  connections: 1,
  verificationElement,
});

/** UnionPay's two digits of a refusal, with a digit in front: what each stands for among those of ISO 8583:1993. */
const unionpayActions = {
  '151': { en: 'Not enough funds (51)', ja: '残高不足(51)', standsFor: '116' },
  '154': { en: 'Card expired (54)', ja: '有効期限切れ(54)', standsFor: '101' },
  '155': { en: 'Wrong PIN (55)', ja: '暗証番号相違(55)', standsFor: '117' },
  '161': { en: 'Above the limit (61)', ja: '限度額超過(61)', standsFor: '121' },
  '175': { en: 'PIN tries used up (75)', ja: '暗証番号回数超過(75)', standsFor: '106' },
} as const;

const furtherIssuers: readonly LinkText[] = [
  issuer({
    id: 'unionpay-1',
    kind: 'unionpay',
    name: { en: 'UnionPay (emulated)', ja: '模擬銀聯センター' },
    far: '39200088002',
    dialect: 'iso93-bcdL-binbm',
    frame: 'ascii4',
    mac: 'ISO9797-1-ALG3',
    codes: { actions: unionpayActions, till: creditTill },
    verificationElement: 60,
  }),
  issuer({
    id: 'j-debit-1',
    kind: 'j-debit',
    name: { en: 'J-Debit (emulated)', ja: '模擬J-Debitセンター' },
    far: '39200088003',
    dialect: 'iso93-ebcdic-binbm',
    frame: 'bin2be',
    mac: 'TDES-CMAC',
    codes: { till: debitTill },
  }),
  issuer({
    id: 'gift-1',
    kind: 'gift',
    name: { en: 'Gift cards (emulated)', ja: '模擬ギフトカードセンター' },
    far: '39200088004',
    dialect: 'iso93-ascii-hexbm',
    frame: 'bin2be',
    mac: 'AES-CMAC',
  }),
  issuer({
    id: 'points-1',
    kind: 'points',
    name: { en: 'Points (emulated)', ja: '模擬ポイントセンター' },
    far: '39200088005',
    dialect: 'iso93-bcdR-binbm',
    frame: 'bcd2',
    mac: 'AES-CMAC',
  }),
  issuer({
    id: 'e-money-1',
    kind: 'e-money',
    name: { en: 'E-money centre (emulated)', ja: '模擬電子マネーセンター' },
    far: '39200088006',
    dialect: 'iso93-ascii-binbm',
    frame: 'bin2be',
    mac: 'AES-CMAC',
  }),
];

/** A merchant centre: it dials and signs on, we hand out the keys, and whole messages are enciphered under them. */
const centre = (
  id: string,
  kind: 'pos' | 'ec' | 'ticket-window' | 'travel-centre',
  name: LinkText['name'],
  acquirer: string,
  cutover = '00:00',
): LinkText => ({
  id,
  name,
  side: 'acquirer',
  kind,
  parties: { own: issuerLink.switchId, far: acquirer, acquirers: [acquirer] },
  profile: {
    name: 'merchant-centre',
    title,
    dialect: 'iso93-ascii-binbm',
    fieldOverrides: pinBlock,
    frame: { prefix: 'bin2be', maxLengthBytes: 4_096 },
    mac: { algorithm: 'AES-CMAC' },
    echo: [3, 4, 7, 11, 12, 32, 37, 41, 42, 49, 59],
    formatErrorElement: 44,
  },
  session: { signOn: 'theirs', keys: 'ours', encrypt: true },
  connections: 8,
  calendar: { cutover },
});

const texts: readonly LinkText[] = [
  cardCompany,
  ...furtherIssuers,
  centre('pos-centre-1', 'pos', { en: 'POS centre 1', ja: 'POSセンター1' }, '39200070001'),
  centre('ec-centre-1', 'ec', { en: 'EC centre 1', ja: 'ECセンター1' }, '39200070002'),
  centre(
    'ticket-centre-1',
    'ticket-window',
    { en: 'Ticket windows 1', ja: 'みどりの窓口センター1' },
    '39200070003',
    '02:00',
  ),
  centre('travel-centre-1', 'travel-centre', { en: 'Travel agency centre 1', ja: '旅行会社センター1' }, '39200070004'),
];

/** The links that a house has without any link file. A file with the same id takes the place of one. */
export const defaultLinks: readonly Link[] = texts.map(compileLink);

/** The house's own card company as a link. */
export const cardCompanyLink: Link = compileLink(cardCompany);

/** The links to the emulated issuers of a house, each listening on a port of its own. */
export const houseIssuers: readonly Link[] = defaultLinks.filter(({ side }) => side === 'issuer');

/** Where the emulated issuer of a link listens in the house with this base; undefined for a link that the house has no issuer for. */
export function issuerPort(base: number, id: string): number | undefined {
  const index = houseIssuers.findIndex((link) => link.id === id);
  if (index < 0) return undefined;
  return index === 0 ? portOf(base, 'cardCompany') : portOf(base, 'issuers') + index - 1;
}
