import { hex } from '@tsunagu/protocols/kit';

/** Action codes of the terminal, 5 bytes each. EMV 4.3 Book 3, 10.7. */
export interface ActionCodes {
  readonly denial: Uint8Array;
  readonly online: Uint8Array;
  readonly default: Uint8Array;
}

/** What a terminal is to a kernel. */
export interface KernelTerminal {
  /** ISO 3166-1 numeric and ISO 4217 numeric, two bytes each. */
  readonly country: Uint8Array;
  readonly currency: Uint8Array;
  /** 9F35. */
  readonly type: Uint8Array;
  /** 9F33. */
  readonly capabilities: Uint8Array;
  /** 9F40. */
  readonly additionalCapabilities: Uint8Array;
  /** 9F1C and 9F1E, 8 characters. */
  readonly id: Uint8Array;
  /** 9F16, 15 characters. */
  readonly merchantId: Uint8Array;
  readonly actionCodes: ActionCodes;
  /** From this amount on (minor unit) a sale exceeds the floor limit. */
  readonly floorLimitMinor: number;
  /** Contactless sales above it need the cardholder's verification. */
  readonly contactlessCvmLimitMinor: number;
  /** Whether a slip can be signed. */
  readonly canTakeSignature: boolean;
}

/** What one sale is to a kernel. */
export interface KernelTransaction {
  readonly amountMinor: number;
  /** YYMMDD. */
  readonly date: string;
  /** hhmmss. */
  readonly time: string;
  /** 9F37, 4 bytes. */
  readonly unpredictableNumber: Uint8Array;
}

/**
 * Our action codes. A listed card (byte 1, bit 5) and a service that the card does not allow are refused at once; everything
 * doubtful goes online. They are those of a terminal that asks the issuer each time.
 */
export const actionCodes: ActionCodes = {
  denial: hex('1010000000'),
  online: hex('FC78FCF8F0'),
  default: hex('FC50A8A000'),
};

/** Merchant-operated, attended, online only. EMV 4.3 Book 4, A1. */
export const terminalType = Uint8Array.of(0x21);

/** Terminal capabilities (9F33): stripe and contacts, signature or no verification, no offline data authentication yet. */
export const capabilitiesOf = (readers: readonly string[], canTakeSignature: boolean): Uint8Array =>
  Uint8Array.of(
    (readers.includes('stripe') ? 0x40 : 0) | (readers.includes('contact') ? 0x20 : 0),
    (canTakeSignature ? 0x20 : 0) | 0x08,
    0x00,
  );

/** Additional terminal capabilities (9F40): goods and services; keys; printing for both and display. */
export const additionalCapabilities = hex('6000F0F001');
