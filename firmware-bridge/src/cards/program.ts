import { type CardKeys, deriveMasterKey, hasBit, type RsaSigner } from '@tsunagu/protocols/emv';
import { hex, type Secret, unwrap } from '@tsunagu/protocols/kit';
import {
  applicationsOf,
  type CardDirectory,
  type CardFaultKind,
  type CardImage,
  cardKeysOf,
  chipSigner,
  directoryOf,
  personalise,
  scriptKeysOf,
  type TestCard,
  type TestCardName,
  testCard,
} from '@tsunagu/protocols/test-cards';
import { type DolEntry, parseDol } from '@tsunagu/protocols/tlv';

/** One application as it comes from personalisation: its files, keys and rules. It never changes; `CardState` does. */
export interface CardProgram {
  readonly card: TestCard;
  readonly image: CardImage;
  readonly keys: CardKeys;
  /** The card's master keys of secure messaging. */
  readonly scriptKeys: { readonly integrity: Secret<'key'>; readonly confidentiality: Secret<'key'> };
  /** The card's master key: it makes its random numbers too. */
  readonly masterKey: Secret<'key'>;
  /** Signs dynamic data; absent where the card has no key. */
  readonly signer?: RsaSigner;
  /** Deciphers PINs: a key of its own or the signing key. */
  readonly pinSigner?: RsaSigner;
  /** Makes the dynamic code of stripe mode. */
  readonly checksumKey?: Secret<'key'>;
  readonly hasDda: boolean;
  readonly hasCda: boolean;
  /**
   * Whether the issuer proves itself to it: by EXTERNAL AUTHENTICATE, as AIP byte 1 bit 3 says, or inside the second GENERATE AC, where CDOL2
   * asks for 91. EMV 4.3 Book 3, 10.9 and annex C1.
   */
  readonly hasIssuerAuthentication: boolean;
  readonly pdol: readonly DolEntry[];
  readonly cdol1: readonly DolEntry[];
  readonly cdol2: readonly DolEntry[];
  readonly ddol: readonly DolEntry[];
}

/** A chip: its applications in the order in which partial names find them, and their directory. */
export interface ChipProgram {
  readonly applications: readonly CardProgram[];
  readonly directory?: CardDirectory;
}

/** Personalises a chip with the applications of a card. */
export function programOf(card: TestCard): ChipProgram {
  const cards = applicationsOf(card);
  const directory = directoryOf(cards);
  const applications = cards.map(applicationOf);
  return directory === undefined ? { applications } : { applications, directory };
}

const namedPrograms = new Map<TestCardName, ChipProgram>();

/** The chip of a test card by its name, personalised once for all terminals that it is presented to: its certificates cost RSA signatures. */
export function programNamed(name: TestCardName): ChipProgram {
  const known = namedPrograms.get(name);
  if (known !== undefined) return known;
  const made = programOf(testCard(name));
  namedPrograms.set(name, made);
  return made;
}

function applicationOf(card: TestCard): CardProgram {
  const image = personalise(card);
  const hasDda = hasBit(image.aip, 1, 6);
  const hasCda = hasBit(image.aip, 1, 1);
  const signer = hasDda || hasCda ? chipSigner(card.key) : undefined;
  const pinSigner = card.hasPinKey === true ? chipSigner('pin') : signer;
  const keys = cardKeysOf(card);
  const cdol2 = listOf(card.cdol2);
  return {
    card,
    image,
    keys,
    scriptKeys: scriptKeysOf(card),
    masterKey: unwrap(deriveMasterKey(keys.issuerMasterKey, keys.pan, keys.psn)),
    ...(card.stripeMode !== undefined && {
      checksumKey: unwrap(deriveMasterKey(card.stripeMode.masterKey, keys.pan, keys.psn)),
    }),
    ...(signer !== undefined && { signer }),
    ...(pinSigner !== undefined && { pinSigner }),
    hasDda,
    hasCda,
    hasIssuerAuthentication: hasBit(image.aip, 1, 3) || cdol2.some(({ tag }) => tag === 0x91),
    pdol: listOf(card.pdol),
    cdol1: listOf(card.cdol1),
    cdol2,
    // A terminal falls back on its own list, the unpredictable number alone. EMV 4.3 Book 2, 6.5.1.
    ddol: listOf(card.ddol ?? '9F3704'),
  };
}

/** Whether a card was made with this fault. */
export const hasFault = ({ card }: CardProgram, kind: CardFaultKind): boolean =>
  card.faults?.some((fault) => fault.kind === kind) === true;

/** The entries of a data object list in our own card data; absent lists are empty. */
function listOf(text: string | undefined): readonly DolEntry[] {
  const entries = parseDol(hex(text ?? ''));
  if (!entries.ok) throw new Error('the card data hold a malformed data object list');
  return entries.value;
}
