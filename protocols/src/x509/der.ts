import forge from 'node-forge/lib/asn1.js';

/** A DER value as node-forge's ASN.1 module holds it. ITU-T X.690. Said here again, so that our types do not name its module. */
export interface Asn1 {
  readonly tagClass: number;
  readonly type: number;
  readonly constructed: boolean;
  /** Contents octets as a binary string, or the parts of a constructed value. */
  readonly value: string | readonly Asn1[];
}

/** Tag classes in use here. ITU-T X.680, 8.4, table 1. */
export const tagClass = { universal: 0x00, context: 0x80 } as const;
/** Universal tag numbers. */
export const tag = {
  boolean: 1,
  integer: 2,
  bitString: 3,
  octetString: 4,
  null: 5,
  oid: 6,
  utf8String: 12,
  sequence: 16,
  set: 17,
  printableString: 19,
  utcTime: 23,
  generalizedTime: 24,
} as const;

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const primitive = (type: number, value: string): Asn1 => forge.create(tagClass.universal, type, false, value);

/** A SEQUENCE of values. */
export const sequence = (...parts: readonly Asn1[]): Asn1 =>
  forge.create(tagClass.universal, tag.sequence, true, parts);
/** A SET of values, in the order given. */
export const set = (...parts: readonly Asn1[]): Asn1 => forge.create(tagClass.universal, tag.set, true, parts);
/** An OBJECT IDENTIFIER from its dotted text. */
export const oid = (dotted: string): Asn1 => primitive(tag.oid, forge.oidToDer(dotted).getBytes());
/** A BOOLEAN; true is FF. */
export const boolean = (value: boolean): Asn1 => primitive(tag.boolean, value ? '\xff' : '\x00');
/** NULL, which RSA's algorithm identifiers hold. */
export const nullValue = (): Asn1 => primitive(tag.null, '');

/** An OCTET STRING of bytes. */
export const octetString = (bytes: Uint8Array): Asn1 => primitive(tag.octetString, latin1(bytes));
/** A UTF8String of text. */
export const utf8String = (text: string): Asn1 => primitive(tag.utf8String, latin1(Buffer.from(text, 'utf8')));

/** A non-negative INTEGER from its big-endian bytes. */
export function integer(bytes: Uint8Array): Asn1 {
  const first = bytes.findIndex((byte) => byte !== 0);
  const shortest = first === -1 ? Uint8Array.of(0) : bytes.subarray(first);
  return primitive(tag.integer, ((shortest[0] ?? 0) & 0x80 ? '\x00' : '') + latin1(shortest));
}

/** A BIT STRING; `unused` is the number of unused bits in the last byte. */
export const bitString = (bytes: Uint8Array, unused = 0): Asn1 =>
  primitive(tag.bitString, String.fromCharCode(unused) + latin1(bytes));

/** `[number]` around whole values (EXPLICIT), or around the parts of a constructed one (IMPLICIT). */
export const context = (number: number, ...parts: readonly Asn1[]): Asn1 =>
  forge.create(tagClass.context, number, true, parts);

/** `[number] IMPLICIT` of a primitive type. */
export const contextBytes = (number: number, bytes: Uint8Array): Asn1 =>
  forge.create(tagClass.context, number, false, latin1(bytes));

/** A moment as RFC 5280, 4.1.2.5 wants it: UTCTime up to 2049, GeneralizedTime after. Whole seconds. */
export function time(ms: number): Asn1 {
  const date = new Date(ms);
  return date.getUTCFullYear() < 2050
    ? primitive(tag.utcTime, forge.dateToUtcTime(date))
    : primitive(tag.generalizedTime, forge.dateToGeneralizedTime(date));
}

/** The bytes of a value. */
export const encode = (value: Asn1): Uint8Array =>
  Uint8Array.from(Buffer.from(forge.toDer(value).getBytes(), 'latin1'));

/** Reads one DER value that fills `bytes`; undefined for anything else, other encodings of the same value included. */
export function decode(bytes: Uint8Array): Asn1 | undefined {
  try {
    const value = forge.fromDer(latin1(bytes), {
      strict: true,
      parseAllBytes: true,
      decodeBitStrings: false,
      maxDepth: 16,
    });
    return Buffer.from(forge.toDer(value).getBytes(), 'latin1').equals(bytes) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Wraps DER that is already encoded, such as an SPKI or a name taken from elsewhere. */
export function embed(bytes: Uint8Array): Asn1 {
  const value = decode(bytes);
  if (!value) throw new Error('not a DER value');
  return value;
}

/** The parts of a constructed value of this universal tag. */
export const partsOf = (value: Asn1 | undefined, type: number): readonly Asn1[] | undefined =>
  value && value.tagClass === tagClass.universal && value.type === type && typeof value.value !== 'string'
    ? value.value
    : undefined;

/** The contents of a primitive value of this universal tag. */
export const contentsOf = (value: Asn1 | undefined, type: number): Buffer | undefined =>
  value && value.tagClass === tagClass.universal && value.type === type && typeof value.value === 'string'
    ? Buffer.from(value.value, 'latin1')
    : undefined;

/** Whether a value is this object identifier. */
export const isOid = (value: Asn1 | undefined, dotted: string): boolean =>
  contentsOf(value, tag.oid)?.equals(Buffer.from(forge.oidToDer(dotted).getBytes(), 'latin1')) ?? false;
