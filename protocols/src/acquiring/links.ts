import { compileLink, type Link, type LinkText } from './link.ts';
import { issuerLink } from './link-profiles.ts';

/** DE52 as one AES block, on every link of the house. */
const pinBlock = { '52': { type: 'b', kind: 'fixed', maxLength: 16 } } as const;

const title = { en: 'Zone link of this house', ja: '当社ゾーン接続' };

/** W4 as data: what `issuerLink` says, as a link file says it. */
const cardCompany: LinkText = {
  id: issuerLink.id,
  name: issuerLink.name,
  side: 'issuer',
  kind: 'credit',
  parties: { own: issuerLink.switchId, far: issuerLink.issuerId },
  profile: {
    name: 'card-company',
    title,
    dialect: issuerLink.dialect,
    fieldOverrides: pinBlock,
    frame: { prefix: 'bin2be', maxLengthBytes: issuerLink.frameLengthMax },
    mac: { algorithm: 'AES-CMAC', lengthBytes: issuerLink.mac.lengthBytes, keyRef: 'zone-mac' },
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
  },
  session: {
    dialMs: issuerLink.timers.dialMs,
    signOnMs: issuerLink.timers.signOnMs,
    reconnect: { ...issuerLink.timers.reconnect },
  },
  connections: 2,
  inFlightMax: issuerLink.inFlightMax,
};

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
    mac: { algorithm: 'AES-CMAC', keyRef: 'zone-mac' },
    echo: [3, 4, 7, 11, 12, 32, 37, 41, 42, 49, 59],
    formatErrorElement: 44,
  },
  session: { signOn: 'theirs', keys: 'ours', encrypt: true },
  connections: 8,
  calendar: { cutover },
});

const texts: readonly LinkText[] = [
  cardCompany,
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
