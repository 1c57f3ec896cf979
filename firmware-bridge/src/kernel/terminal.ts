import type { ContactlessKernel, TerminalModel } from '@tsunagu/protocols/catalogue';
import { CaKeyTable, RevocationList, type Scheme } from '@tsunagu/protocols/emv';
import { hex } from '@tsunagu/protocols/kit';

/** Action codes of the terminal, 5 bytes each. EMV 4.3 Book 3, 10.7. */
export interface ActionCodes {
  readonly denial: Uint8Array;
  readonly online: Uint8Array;
  readonly default: Uint8Array;
}

/** Kinds of transaction (9C): the first two digits of the processing code. ISO 8583:1987; EMV 4.3 Book 3, annex A. */
export const transactionTypes = { purchase: 0x00, cash: 0x01, cashback: 0x09, refund: 0x20, inquiry: 0x31 } as const;
export type TransactionType = (typeof transactionTypes)[keyof typeof transactionTypes];

/** When sales under the floor limit go online by lot. EMV 4.3 Book 3, 10.6.2. */
export interface RandomSelection {
  /** Below `thresholdMinor` so many of a hundred, 0 to 99. */
  readonly targetPercent: number;
  /** At the floor limit so many of a hundred, at least the target. */
  readonly maxPercent: number;
  readonly thresholdMinor: number;
}

/** Limits of one contactless kernel, minor units. EMV Book A, 5.8; Book B, 3.1. */
export interface ContactlessLimits {
  /** From this amount on the kernel is not allowed. */
  readonly transactionLimitMinor: number;
  /** The same, where the cardholder was verified on the device (kernel 2). */
  readonly onDeviceLimitMinor: number;
  /** Above it the sale goes online. */
  readonly floorLimitMinor: number;
  /** From this amount on the cardholder must be verified. */
  readonly cvmRequiredLimitMinor: number;
}

/** State of what a PIN is entered with. */
export type PinPad = 'working' | 'broken' | 'none';

/** What a terminal is to a kernel. */
export interface KernelTerminal {
  /** ISO 3166-1 numeric and ISO 4217 numeric, two bytes each. */
  readonly country: Uint8Array;
  readonly currency: Uint8Array;
  /** 9F35. EMV 4.3 Book 4, A1. */
  readonly type: Uint8Array;
  /** 9F33. */
  readonly capabilities: Uint8Array;
  /** 9F40. */
  readonly additionalCapabilities: Uint8Array;
  /** 9F1C and 9F1E, 8 characters. */
  readonly id: Uint8Array;
  /** 9F16, 15 characters. */
  readonly merchantId: Uint8Array;
  /** 9F15, ISO 18245. */
  readonly merchantCategory: Uint8Array;
  /** 9F4E. */
  readonly merchantName: Uint8Array;
  /** ISO 639-1, the first is shown where the card knows none of them. */
  readonly languages: readonly string[];
  readonly pinPad: PinPad;
  /** Whether a PIN that the card wants may be left out. Where card companies have ended PIN bypass (Japan, March 2025) it may not. */
  readonly mayBypassPin: boolean;
  /** Whether the cardholder can choose and confirm an application. */
  readonly canChooseApplication: boolean;
  /** By scheme; `actionCodes` for all others. */
  readonly actionCodes: ActionCodes;
  readonly schemeActionCodes: Readonly<Partial<Record<Scheme, ActionCodes>>>;
  /** From this amount on a sale exceeds the floor limit. */
  readonly floorLimitMinor: number;
  readonly randomSelection: RandomSelection;
  readonly caKeys: CaKeyTable;
  readonly revoked: RevocationList;
  /** Used where a card that signs dynamic data has no DDOL. EMV 4.3 Book 2, 6.5.1. */
  readonly defaultDdol: Uint8Array;
  /** Used where a card wants a TC hash and has no TDOL. EMV 4.3 Book 3, 9.2.2. */
  readonly defaultTdol: Uint8Array;
  /** Which cryptograms are asked for with a signature (CDA). EMV 4.3 Book 4, 6.3.2, table 2a. */
  readonly cdaMode: 1 | 2 | 3 | 4;
  /** Kernels that a card without contacts can be read with. */
  readonly contactless: Readonly<Partial<Record<ContactlessKernel, ContactlessLimits>>>;
}

/** What one sale is to a kernel. */
export interface KernelTransaction {
  readonly type: TransactionType;
  readonly amountMinor: number;
  /** Cashback that is part of it. */
  readonly amountOtherMinor: number;
  /** YYMMDD. */
  readonly date: string;
  /** hhmmss. */
  readonly time: string;
  /** 9F37, 4 bytes. */
  readonly unpredictableNumber: Uint8Array;
  /** 9F41, 1 to 99999999. */
  readonly sequenceCounter: number;
  /** The merchant wants the issuer to be asked. */
  readonly isForcedOnline: boolean;
}

/**
 * Action codes of a terminal that asks its issuer each time. A listed card (byte 1, bit 5) and a service that the card does not
 * allow are refused at once; everything doubtful goes online, and is refused where that is impossible.
 */
export const actionCodes: ActionCodes = {
  denial: hex('1010000000'),
  online: hex('FC78FCF8F0'),
  default: hex('FC50A8A000'),
};

/**
 * Action codes of terminals that approve offline, as public terminal configurations show them; denial is our own (listed card, service not
 * allowed). Schemes without an entry have ours. An acquirer's own values go here.
 */
export const schemeActionCodes: Readonly<Partial<Record<Scheme, ActionCodes>>> = {
  visa: { denial: hex('1010000000'), online: hex('DC4004F800'), default: hex('DC4000A800') },
  mastercard: { denial: hex('1010000000'), online: hex('FC50BCF800'), default: hex('FC50BCA000') },
  jcb: { denial: hex('1010000000'), online: hex('FC60ACF800'), default: hex('FC6024A800') },
  amex: { denial: hex('1010000000'), online: hex('DE00FC9800'), default: hex('DC50FC9800') },
};

/** Additional terminal capabilities (9F40): goods and services; keys; printing for both and display. */
export const additionalCapabilities = hex('6000F0F001');

/** Which PINs there is somebody to take: an online PIN needs keys; `plain`: the pad sends the PIN to the card as it is, and no other way. */
export interface PinsTaken {
  readonly offline: boolean | 'plain';
  readonly online: boolean;
}

/** What of a terminal is not in the catalogue. */
export interface KernelSettings {
  /** 9F1C and 9F1E, up to 8 characters; 9F16, up to 15. */
  readonly terminalId: string;
  readonly merchantId: string;
  readonly merchantName?: string;
  /** From this amount on the issuer is asked; 0 asks it always. */
  readonly floorLimitMinor: number;
  readonly languages?: readonly string[];
  readonly pinPad?: PinPad;
  /** Default: offline both, online. */
  readonly pins?: PinsTaken;
  /** Offline data authentication (SDA, DDA, CDA). Default: yes. */
  readonly authenticatesData?: boolean;
  /** Whether it may approve without the issuer: somebody has to store such sales and forward them. Default: where the model can. */
  readonly approvesOffline?: boolean;
  readonly mayBypassPin?: boolean;
  readonly canChooseApplication?: boolean;
  readonly caKeys?: CaKeyTable;
  readonly revoked?: RevocationList;
  /** An acquirer's action codes; ours for schemes without an entry. */
  readonly schemeActionCodes?: Readonly<Partial<Record<Scheme, ActionCodes>>>;
  readonly randomSelection?: RandomSelection;
  readonly cdaMode?: 1 | 2 | 3 | 4;
  readonly contactless?: Partial<ContactlessLimits>;
}

/** Yen: from this amount on a contactless sale needs the cardholder's verification, in Japan by the schemes' rules. */
const contactlessCvmLimitMinor = 15_001;
const noLimit = 999_999_999_999;

const ascii = (text: string, length: number): Uint8Array =>
  Uint8Array.from(Buffer.from(text.padEnd(length).slice(0, length), 'latin1'));

/** A slip on paper can be signed; so can a touch screen. */
export const canTakeSignature = ({ printer, screen }: Pick<TerminalModel, 'printer' | 'screen'>): boolean =>
  printer !== 'none' || screen === 'colour-touch';

/** Merchant-operated and attended: online only, or offline with online capability. EMV 4.3 Book 4, A1. */
export const terminalTypeOf = (model: Pick<TerminalModel, 'offline'>, floorLimitMinor: number): Uint8Array =>
  Uint8Array.of(model.offline && floorLimitMinor > 0 ? 0x22 : 0x21);

/** Terminal capabilities (9F33) of a catalogue model. EMV 4.3 Book 4, A2. */
export function capabilitiesOf(
  model: Pick<TerminalModel, 'readers' | 'printer' | 'screen' | 'pinPad'>,
  { offline, online }: PinsTaken,
  authenticatesData = true,
): Uint8Array {
  const has = (kind: string): boolean => model.readers.some((reader) => reader === kind);
  const hasChip = has('contact') || has('contactless');
  const pinOffline = !model.pinPad || !has('contact') || offline === false ? 0 : offline === 'plain' ? 0x80 : 0x90;
  return Uint8Array.of(
    (has('stripe') ? 0x40 : 0) | (has('contact') ? 0x20 : 0),
    pinOffline | (model.pinPad && online ? 0x40 : 0) | (canTakeSignature(model) ? 0x20 : 0) | 0x08,
    // SDA, DDA and CDA: a terminal that can read chips does all three.
    hasChip && authenticatesData ? 0xc8 : 0,
  );
}

/** A terminal of the catalogue, as the kernel sees it. */
export function kernelTerminalOf(model: TerminalModel, settings: KernelSettings): KernelTerminal {
  const { floorLimitMinor } = settings;
  const pins = settings.pins ?? { offline: true, online: true };
  const type = terminalTypeOf({ offline: model.offline && settings.approvesOffline !== false }, floorLimitMinor);
  const limits: ContactlessLimits = {
    transactionLimitMinor: noLimit,
    onDeviceLimitMinor: noLimit,
    floorLimitMinor: type[0] === 0x21 ? 0 : floorLimitMinor,
    cvmRequiredLimitMinor: contactlessCvmLimitMinor,
    ...settings.contactless,
  };
  return {
    country: Uint8Array.of(0x03, 0x92),
    currency: Uint8Array.of(0x03, 0x92),
    type,
    capabilities: capabilitiesOf(model, pins, settings.authenticatesData),
    additionalCapabilities,
    id: ascii(settings.terminalId, 8),
    merchantId: ascii(settings.merchantId, 15),
    merchantCategory: hex('5812'),
    merchantName: ascii(settings.merchantName ?? 'TSUNAGU', 20),
    languages: settings.languages ?? ['ja', 'en'],
    pinPad: settings.pinPad ?? (model.pinPad ? 'working' : 'none'),
    mayBypassPin: settings.mayBypassPin ?? false,
    canChooseApplication: settings.canChooseApplication ?? model.screen !== 'segments',
    actionCodes,
    schemeActionCodes: type[0] === 0x21 ? {} : { ...schemeActionCodes, ...settings.schemeActionCodes },
    floorLimitMinor,
    randomSelection: settings.randomSelection ?? { targetPercent: 0, maxPercent: 0, thresholdMinor: 0 },
    caKeys: settings.caKeys ?? CaKeyTable.empty,
    revoked: settings.revoked ?? RevocationList.empty,
    defaultDdol: hex('9F3704'),
    defaultTdol: hex('9F02065F2A029A039C0195059F3704'),
    cdaMode: settings.cdaMode ?? 1,
    contactless: Object.fromEntries(model.kernels.map((kernel) => [kernel, limits])),
  };
}
