import { fail, ok, type Result } from '../kit/index.ts';

/** Universal tags that are met here, as the identifier octet. ITU-T X.690, 8. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The identifier octet of a context-specific tag. */
export const contextTag = (number: number, form: 'primitive' | 'constructed'): number =>
  (form === 'constructed' ? 0xa0 : 0x80) | number;

/** One element: its identifier octet, and views of its bytes in the message it was read from. */
export interface DerElement {
  readonly tag: number;
  /** Identifier, length and content, as encoded. Signatures are over these. */
  readonly encoded: Uint8Array;
  readonly content: Uint8Array;
}

/** The deepest nesting that is followed. Certificates and CMS stay below ten. */
const depthMax = 24;

/**
 * Reads exactly one element that fills `bytes`. Definite lengths in their shortest form, tags below 31: anything else is
 * DER_INVALID, with the offset. What is inside a constructed element is read when `DerReader` gets there.
 *
 * @see ITU-T X.690, 8.1 and 10.1
 */
export function readDer(bytes: Uint8Array): Result<DerElement, 'DER_INVALID'> {
  const element = elementAt(bytes, 0);
  if (!element.ok) return element;
  return element.value.encoded.length === bytes.length
    ? element
    : fail('DER_INVALID', { offset: element.value.encoded.length });
}

/** Checks that an element and everything inside it is well-formed, to a bounded depth. */
export function checkDer(bytes: Uint8Array, depth = 0): Result<true, 'DER_INVALID'> {
  let at = 0;
  while (at < bytes.length) {
    const element = elementAt(bytes, at);
    if (!element.ok) return element;
    if ((element.value.tag & 0x20) !== 0) {
      if (depth >= depthMax) return fail('DER_INVALID', { offset: at });
      const inside = checkDer(element.value.content, depth + 1);
      if (!inside.ok) return inside;
    }
    at += element.value.encoded.length;
  }
  return ok(true);
}

/** The elements that follow one another in `bytes`. */
export function elementsOf(bytes: Uint8Array): Result<DerElement[], 'DER_INVALID'> {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const element = elementAt(bytes, at);
    if (!element.ok) return element;
    elements.push(element.value);
    at += element.value.encoded.length;
  }
  return ok(elements);
}

function elementAt(bytes: Uint8Array, start: number): Result<DerElement, 'DER_INVALID'> {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return fail('DER_INVALID', { offset: start });
  let length = first;
  let contentStart = start + 2;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    // No token is near 16 MB, so three octets of length are enough; 80 alone would be the indefinite form.
    if (octets < 1 || octets > 3 || contentStart + octets > bytes.length)
      return fail('DER_INVALID', { offset: start + 1 });
    length = 0;
    for (let index = 0; index < octets; index += 1) length = (length << 8) | (bytes[contentStart + index] ?? 0);
    const isShortest = length >= 0x80 && (octets === 1 || length >= 1 << (8 * (octets - 1)));
    if (!isShortest) return fail('DER_INVALID', { offset: start + 1 });
    contentStart += octets;
  }
  const end = contentStart + length;
  if (end > bytes.length) return fail('DER_INVALID', { offset: bytes.length });
  return ok({ tag, encoded: bytes.subarray(start, end), content: bytes.subarray(contentStart, end) });
}

/** The dotted text of an object identifier's content; undefined when it is malformed. ITU-T X.690, 8.19. */
export function oidText(content: Uint8Array): string | undefined {
  const arcs: number[] = [];
  let arc = 0;
  let isOpen = false;
  for (const octet of content) {
    if (!isOpen && octet === 0x80) return undefined;
    if (arc > 0xffffff) return undefined;
    arc = arc * 128 + (octet & 0x7f);
    isOpen = octet >= 0x80;
    if (!isOpen) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [first, ...rest] = arcs;
  if (isOpen || first === undefined) return undefined;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - 40 * root, ...rest].join('.');
}

/** Milliseconds since 1970 of a UTCTime (years 1950 to 2049) or a GeneralizedTime, both in the Z form. RFC 5280, 4.1.2.5. */
export function timeOf(element: DerElement): number | undefined {
  const text = Buffer.from(element.content).toString('latin1');
  if (element.tag === tags.utcTime) {
    return /^\d{12}Z$/.test(text) ? milliseconds(`${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}`) : undefined;
  }
  return element.tag === tags.generalizedTime && /^\d{14}Z$/.test(text) ? milliseconds(text) : undefined;
}

function milliseconds(text: string): number | undefined {
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
  const time = Date.parse(iso);
  // Date.parse takes 30 February for 1 March: a date that does not read back is none.
  return Number.isNaN(time) || new Date(time).toISOString() !== iso ? undefined : time;
}
