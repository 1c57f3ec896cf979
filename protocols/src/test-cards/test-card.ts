import { type CardKeys, type CryptogramProfile, cryptogramProfiles } from '../emv/index.ts';
import { hex, Secret, secretPan } from '../kit/index.ts';
import { type CardData, type TestCardName, testCardData } from './cards.ts';

/** A fictional card, its account data and keys as secrets like those of any card. */
export interface TestCard
  extends Omit<CardData, 'name' | 'pan' | 'discretionary' | 'pin' | 'issuerMasterKey' | 'scriptKeys' | 'cryptogram'> {
  readonly name: TestCardName;
  readonly pan: Secret<'pan'>;
  readonly discretionary: Secret<'pan'>;
  /** ASCII digits. */
  readonly pin: Secret<'pin'>;
  readonly issuerMasterKey: Secret<'key'>;
  readonly scriptKeys: { readonly integrity: Secret<'key'>; readonly confidentiality: Secret<'key'> };
  readonly profile: CryptogramProfile;
  readonly isContactless: boolean;
}

/** Names of all cards. */
export const testCardNames: readonly TestCardName[] = testCardData.map(({ name }) => name);

/** Whether a text is the name of a card. */
export const isTestCardName = (name: string): name is TestCardName => testCardNames.some((known) => known === name);

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** A card by its name, made afresh: whoever wipes its secrets wipes only their own. */
export function testCard(name: TestCardName): TestCard {
  const data = testCardData.find((card) => card.name === name);
  if (data === undefined) throw new Error(`no such card: ${name}`);
  return fromData(data);
}

/** Every card. */
export const testCards = (): readonly TestCard[] => testCardData.map(fromData);

/** The card with this PAN, as the emulated issuer looks it up. */
export function findTestCard(pan: Secret<'pan'>): TestCard | undefined {
  const digits = pan.use((bytes) => Buffer.from(bytes).toString('latin1'));
  const data = testCardData.find((card) => card.pan === digits);
  return data === undefined ? undefined : fromData(data);
}

/** What issuer and card share for making cryptograms. */
export const cardKeysOf = ({ issuerMasterKey, pan, psn }: TestCard): CardKeys => ({ issuerMasterKey, pan, psn });

function fromData(data: CardData & { readonly name: TestCardName }): TestCard {
  const { pan, discretionary, pin, issuerMasterKey, scriptKeys, cryptogram, ...open } = data;
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
    profile: cryptogramProfiles[cryptogram],
    isContactless: data.flow !== 'contact',
  };
}
