import {
  type CardKeys,
  type CryptogramProfile,
  cryptogramProfiles,
  deriveMasterKey,
  parseCvmList,
  type RsaSigner,
} from '../emv/index.ts';
import { hex, Secret, secretPan, unwrap } from '../kit/index.ts';
import { chipSigner } from './authority.ts';
import type { CardData, StripeMode } from './card-data.ts';
import { everydayCards } from './cards.ts';
import { faultyCardData } from './faulty-cards.ts';
import { specialCards } from './special-cards.ts';

const soundCards = [...everydayCards, ...specialCards] as const;

/** Names of the cards. */
export type TestCardName =
  | (typeof everydayCards)[number]['name']
  | (typeof specialCards)[number]['name']
  | (typeof faultyCardData)[number]['name'];

type NamedData = CardData & { readonly name: TestCardName };

/** A fictional card, its account data and keys as secrets like those of any card. */
export interface TestCard
  extends Omit<
    CardData,
    'name' | 'pan' | 'discretionary' | 'pin' | 'issuerMasterKey' | 'scriptKeys' | 'cryptogram' | 'stripeMode'
  > {
  readonly name: TestCardName;
  readonly pan: Secret<'pan'>;
  readonly discretionary: Secret<'pan'>;
  /** ASCII digits. */
  readonly pin: Secret<'pin'>;
  readonly issuerMasterKey: Secret<'key'>;
  readonly scriptKeys: { readonly integrity: Secret<'key'>; readonly confidentiality: Secret<'key'> };
  readonly stripeMode?: Omit<StripeMode, 'masterKey'> & { readonly masterKey: Secret<'key'> };
  readonly profile: CryptogramProfile;
  readonly isContactless: boolean;
  /** Whether the card itself knows the PIN: its CVM list has a method "by the card". */
  readonly hasOfflinePin: boolean;
}

const allCards: readonly NamedData[] = [...soundCards, ...faultyCardData];
const byName: ReadonlyMap<string, NamedData> = new Map(allCards.map((data) => [data.name, data]));

/** Names of all cards that are sound. */
export const testCardNames: readonly TestCardName[] = soundCards.map(({ name }) => name);

/** Names of the cards that ordinary customers carry. */
export const everydayCardNames: readonly TestCardName[] = everydayCards.map(({ name }) => name);

/** Names of the cards that have a fault. */
export const faultyCardNames: readonly TestCardName[] = faultyCardData.map(({ name }) => name);

/** Whether a text is the name of a card, sound or faulty. */
export const isTestCardName = (name: string): name is TestCardName => byName.has(name);

/** The scheme of an emulated card; undefined for one that has none, or is none of these. */
export const schemeOfCardName = (name: string): string | undefined => byName.get(name)?.scheme;

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** A card by its name, made afresh: whoever wipes its secrets wipes only their own. */
export function testCard(name: TestCardName): TestCard {
  const data = byName.get(name);
  if (data === undefined) throw new Error(`no such card: ${name}`);
  return fromData(data);
}

/** Every sound card. */
export const testCards = (): readonly TestCard[] => soundCards.map(fromData);

/** Every faulty card. */
export const faultyCards = (): readonly TestCard[] => faultyCardData.map(fromData);

/** The card with this PAN, as the emulated issuer looks it up. */
export function findTestCard(pan: Secret<'pan'>): TestCard | undefined {
  const digits = pan.use((bytes) => Buffer.from(bytes).toString('latin1'));
  const data = allCards.find((card) => card.pan === digits);
  return data === undefined ? undefined : fromData(data);
}

/** The cards whose applications stand on one chip: the card itself, then those that it carries. */
export const applicationsOf = (card: TestCard): readonly TestCard[] => [
  card,
  ...(card.carries ?? []).map((name) => {
    if (!isTestCardName(name)) throw new Error(`no such card: ${name}`);
    return testCard(name);
  }),
];

/** What issuer and card share for making cryptograms. */
export const cardKeysOf = ({ issuerMasterKey, pan, psn }: TestCard): CardKeys => ({ issuerMasterKey, pan, psn });

/** The keys of secure messaging that issuer and card share: derived like the card's master key. EMV 4.3 Book 2, 9.2.2. */
export const scriptKeysOf = ({
  scriptKeys,
  pan,
  psn,
}: TestCard): { readonly integrity: Secret<'key'>; readonly confidentiality: Secret<'key'> } => ({
  integrity: unwrap(deriveMasterKey(scriptKeys.integrity, pan, psn)),
  confidentiality: unwrap(deriveMasterKey(scriptKeys.confidentiality, pan, psn)),
});

/** A card's private key: it signs, and deciphers PINs unless the card has a key of its own for that. */
export const cardSigner = (name: TestCardName): RsaSigner => chipSigner(testCard(name).key);

function fromData(data: NamedData): TestCard {
  const { pan, discretionary, pin, issuerMasterKey, scriptKeys, cryptogram, stripeMode, ...open } = data;
  return {
    ...open,
    pan: secretPan(pan),
    discretionary: Secret.take('pan', ascii(discretionary)),
    pin: Secret.take('pin', ascii(pin)),
    issuerMasterKey: Secret.take('key', hex(issuerMasterKey)),
    scriptKeys: {
      integrity: Secret.take('key', hex(scriptKeys.integrity)),
      confidentiality: Secret.take('key', hex(scriptKeys.confidentiality)),
    },
    ...(stripeMode !== undefined && {
      stripeMode: { ...stripeMode, masterKey: Secret.take('key', hex(stripeMode.masterKey)) },
    }),
    profile: cryptogramProfiles[cryptogram],
    isContactless: data.flow !== 'contact',
    hasOfflinePin: data.flow === 'contact' && hasOfflineMethod(data.cvmList),
  };
}

/** Methods 1, 3, 4 and 5. EMV 4.3 Book 3, C3, table 39. */
function hasOfflineMethod(list: string | undefined): boolean {
  if (list === undefined) return false;
  return unwrap(parseCvmList(hex(list))).rules.some(({ code }) => [1, 3, 4, 5].includes((code >> 8) & 0x3f));
}
