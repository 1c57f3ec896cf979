/** How a terminal reaches its centre. */
export type LinkKind = 'modem' | 'isdn' | 'lan' | 'mobile' | 'phone' | 'radio';
/** How a card is read. */
export type ReaderKind = 'stripe' | 'contact' | 'contactless' | 'felica';
/** A contactless kernel by its number: 2 Mastercard, 3 Visa, 4 American Express, 5 JCB, 6 Discover, 7 UnionPay. EMV Book B, table 3-6. */
export type ContactlessKernel = 2 | 3 | 4 | 5 | 6 | 7;
/** The merchant service a model was made for (JET- names of the source document). */
export type Family =
  | 'JET-ALONE'
  | 'JET-STANDARD'
  | 'JET-STANDARD II'
  | 'JET-HANDY'
  | 'JET-ISDN'
  | 'JET-MOBILE'
  | 'JET-Smart'
  | 'other';

/** A terminal model: what it is and what it can do. What it cannot do cannot be asked of it. */
export interface TerminalModel {
  /** Name on the device and in the hello. */
  readonly id: string;
  readonly maker: string;
  /** Year and month of first installation. */
  readonly since: { readonly year: number; readonly month: number };
  readonly family: Family;
  readonly links: readonly LinkKind[];
  readonly readers: readonly ReaderKind[];
  /** Whether a PIN can be entered: for the card (plain and enciphered) and for the issuer. */
  readonly pinPad: boolean;
  /** Contactless kernels on board; none without a contactless reader. */
  readonly kernels: readonly ContactlessKernel[];
  readonly printer: 'built-in' | 'separate' | 'none';
  readonly screen: 'segments' | 'mono' | 'colour' | 'colour-touch';
  /** Whether it may approve without the centre. */
  readonly offline: boolean;
  /** Room for its negative file, bytes. */
  readonly negativeFileBytesMax: number;
  /** Whether children can be attached to it, or it can be a child. */
  readonly relay: 'parent' | 'child' | 'none';
  readonly note: { readonly en: string; readonly ja: string };
}
