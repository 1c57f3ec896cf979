import type { CryptogramProfileName, Scheme } from '../emv/index.ts';
import type { CardFault } from './card-faults.ts';
import type { testPrimes } from './primes.ts';

/** What the fictional issuer does with a card. */
export type Fate =
  | { readonly kind: 'approved'; readonly order?: IssuerOrder }
  /** Declined with this action code (ISO 8583:1993, element 39). */
  | { readonly kind: 'declined'; readonly actionCode: number; readonly order?: IssuerOrder }
  /** The issuer never answers. */
  | { readonly kind: 'silent' }
  /** Meant to be put on the negative file. */
  | { readonly kind: 'listed' };

/** What the issuer tells the chip in a script (72) of its answer. */
export type IssuerOrder = 'unblockPin' | 'blockApplication';

/** How a card answers on an interface. */
export type CardFlow =
  /** GPO, READ RECORD, GENERATE AC once or twice. EMV Books 1 to 3. */
  | 'contact'
  /** The answer to GPO already holds the cryptogram (Visa, UnionPay: EMV Books C-3, C-7). */
  | 'fastGpo'
  /** GPO, READ RECORD, one GENERATE AC (Mastercard, American Express, JCB: EMV Books C-2, C-4, C-5). */
  | 'contactlessGenerateAc'
  /** GPO, READ RECORD, COMPUTE CRYPTOGRAPHIC CHECKSUM (Mastercard: EMV Book C-2, stripe mode). */
  | 'contactlessStripe';

/** The card's own risk management: what it approves without its issuer. EMV 4.3 Book 3, 10.8; the rules themselves are the issuer's. */
export interface CardRisk {
  /** From this many approvals offline in a row on, the card wants to go online (9F14). */
  readonly lowerLimit: number;
  /** From this many on, it declines where going online is impossible (9F23). */
  readonly upperLimit: number;
  /** Whether an approval of the issuer counts only with issuer authentication data (91). Default `mandatory`. */
  readonly issuerAuthentication?: 'mandatory' | 'optional';
}

/** What a card tells in the relay resistance exchange, in units of 100 µs. EMV Book C-2, annex A (DF8303 to DF8305). */
export interface RelayTimes {
  readonly min: number;
  readonly max: number;
  readonly transmission: number;
}

/** Where a reader writes the dynamic digits of stripe mode into track 1 and 2. Hexadecimal. EMV Book C-2, annex A. */
export interface StripeMode {
  /** 9F62 and 9F65: bits of the digits that take the dynamic code; bit 1 is the last digit. */
  readonly codePositions: readonly [track1: string, track2: string];
  /** 9F63 and 9F66: bits of the digits that take number and counter. */
  readonly numberPositions: readonly [track1: string, track2: string];
  /** 9F64 and 9F67: how many of those are the counter's. */
  readonly counterDigits: readonly [track1: string, track2: string];
  /** The issuer's master key of the dynamic code. */
  readonly masterKey: string;
}

/** How a fast card lets its holder be verified, in order of preference, when the reader demands it. EMV Book C-3, 5.7. */
export type FastCvm = 'onlinePin' | 'signature';

/** A fictional card: everything that a personalisation bureau would write, as data. Hexadecimal unless said otherwise. */
export interface CardData {
  readonly name: string;
  readonly scheme: Scheme;
  readonly flow: CardFlow;
  readonly fate: Fate;
  /** Key pair of the chip in `testPrimes.card`; fictional cards may share one. */
  readonly key: keyof typeof testPrimes.card;
  /** The chain of certificates above it: index F1 (1408, 1152 bits, exponent 3), or F3 (1984, 1408 bits, exponent 65537). Default `standard`. */
  readonly chain?: 'standard' | 'long';
  /** Whether PINs are enciphered with a key of their own (9F2D) rather than the signing key. */
  readonly hasPinKey?: boolean;
  readonly aid: string;
  /** Application label (50), at most 16 characters. */
  readonly label: string;
  /** Application preferred name (9F12), in the characters of `codeTable`. */
  readonly preferredName?: string;
  /** Issuer code table index (9F11): part of ISO/IEC 8859. */
  readonly codeTable?: number;
  /** Application priority indicator (87); 8x asks for the cardholder's consent. Default 01. */
  readonly priority?: string;
  /** Whether the chip lists its applications (PSE or PPSE). Default `present`. */
  readonly directory?: 'present' | 'absent';
  /** Names of the cards whose applications stand on the same chip, behind the own one. */
  readonly carries?: readonly string[];
  /** For a card without contacts: the card whose chip stands behind the contacts of the same plastic, under its own number. */
  readonly contacts?: string;
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
  /** Format of the answers to GPO, GENERATE AC and INTERNAL AUTHENTICATE: 1 values (80), 2 objects (77). EMV 4.3 Book 3, 6.5. */
  readonly answerFormat: 1 | 2;
  /** Absent: the card wants each sale to be seen by its issuer. */
  readonly risk?: CardRisk;
  /** Which key of `cryptogramProfiles` the cryptogram is made with. */
  readonly cryptogram: CryptogramProfileName;
  /** Issuer application data (9F10) with the card verification results left zero: the card fills them in. */
  readonly issuerApplicationData: string;
  /** Clear PIN that the fictional cardholder knows; the offline PIN as well, where the CVM list has one. */
  readonly pin: string;
  /** PIN try limit. Default 3. */
  readonly pinTries?: number;
  /** Tries that are left when the card is new. Default `pinTries`; 0 is a blocked PIN. */
  readonly pinTriesLeft?: number;
  /** Whether the application, or the whole card, was blocked by its issuer before. */
  readonly blocked?: 'application' | 'card';
  /** Card transaction qualifiers (9F6C), Visa and UnionPay contactless. */
  readonly ctq?: string;
  readonly fastCvm?: readonly FastCvm[];
  readonly relay?: RelayTimes;
  readonly stripeMode?: StripeMode;
  /** Application version number (9F08). */
  readonly version: string;
  /** The issuer's master key for application cryptograms. */
  readonly issuerMasterKey: string;
  /** The issuer's master keys of secure messaging: integrity and confidentiality. */
  readonly scriptKeys: { readonly integrity: string; readonly confidentiality: string };
  /** Application transaction counter at the start. */
  readonly atc: number;
  /** The counter at the last online transaction (9F13). Default `atc`; 0 is a new card. */
  readonly lastOnlineAtc?: number;
  /** What is wrong with the card, for the terminal's tests. */
  readonly faults?: readonly CardFault[];
}
