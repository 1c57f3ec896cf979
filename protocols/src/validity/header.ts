import { hasLuhnDigit } from '../emv/index.ts';
import { fail, ok, type Result, type Secret, secretPan } from '../kit/index.ts';
import { unwrapKeyBlock, wrapKeyBlock } from '../tr31/index.ts';

/** Bounds of a file. */
export const validityFileLimits = {
  recordsMax: 50_000,
  /** Each that is no record is a fault that is kept and answered. */
  linesMax: 60_000,
  bytesMax: 16 * 1024 * 1024,
} as const;

/** What the first line of a file says, in either direction. */
export interface ValidityHeader {
  /** Twelve digits; the sender gives each file another one. */
  readonly fileId: string;
  /** Eleven digits, zeros in front: the acquirer for whom the sender asks (DE32). */
  readonly acquirer: string;
  /** Card acceptor (DE42), at most 15 characters. */
  readonly merchant: string;
  /** YYMMDDhhmmss of the sender. */
  readonly created: string;
  /** Its data key (D0, AES-128) under the key-block protection key of the zone. X9.143, version D. */
  readonly keyBlock: string;
}

const names = { request: 'VALIDREQ', answer: 'VALIDANS' } as const;
const version = '01';
const headerShape = /^1(VALIDREQ|VALIDANS)01(\d{12})(\d{11})([A-Z0-9 -]{15})(\d{12})(D[ -~]{15,255})$/;

/** Writes the first line. */
export const writeHeader = (direction: keyof typeof names, header: ValidityHeader): string =>
  [
    '1',
    names[direction],
    version,
    header.fileId,
    header.acquirer,
    header.merchant.padEnd(15),
    header.created,
    header.keyBlock,
  ].join('');

/** Reads the first line, and takes the data key out of it. VALIDITY_FILE_REFUSED: `header`, or `key` for one that is not of this zone or not of this use. */
export function readHeader(
  direction: keyof typeof names,
  line: string,
  zoneKbpk: Secret<'key'>,
): Result<{ readonly header: ValidityHeader; readonly key: Secret<'key'> }, 'VALIDITY_FILE_REFUSED'> {
  const [, name, fileId = '', acquirer = '', merchant = '', created = '', keyBlock = ''] = headerShape.exec(line) ?? [];
  if (name !== names[direction]) return fail('VALIDITY_FILE_REFUSED', { field: 'header', facts: { line: 1 } });
  const unwrapped = unwrapKeyBlock(zoneKbpk, keyBlock);
  if (!unwrapped.ok) return fail('VALIDITY_FILE_REFUSED', { field: 'key', facts: { line: 1 } });
  const { key, header } = unwrapped.value;
  if (header.keyUsage !== 'D0' || header.algorithm !== 'A' || key.length !== 16) {
    key.wipe();
    return fail('VALIDITY_FILE_REFUSED', { field: 'key', facts: { line: 1 } });
  }
  return ok({ header: { fileId, acquirer, merchant: merchant.trimEnd(), created, keyBlock }, key });
}

/** A data key as a header carries it. */
export function wrapFileKey(
  zoneKbpk: Secret<'key'>,
  key: Secret<'key'>,
  entropy: (lengthBytes: number) => Uint8Array,
): string {
  const wrapped = wrapKeyBlock(zoneKbpk, {
    attributes: {
      versionId: 'D',
      keyUsage: 'D0',
      algorithm: 'A',
      modeOfUse: 'B',
      keyVersion: '00',
      exportability: 'N',
      reserved: '00',
    },
    key,
    entropy,
  });
  if (!wrapped.ok) throw new Error(`a data key of 16 bytes cannot be wrapped: ${wrapped.fault.code}`);
  return wrapped.value;
}

/** The lines of a text, the first so many; an empty one at the end is none. */
export function linesOf(text: string, linesMax?: number): readonly string[] {
  const lines = text.split('\n', linesMax).map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** A number of records or lines, in a file. */
export const six = (value: number): string => String(value).padStart(6, '0');

/**
 * What a sender calls a card: up to 20 printable characters, and no card number, however it is written. Twelve digits in a row, with blanks or hyphens between them, are
 * as good as one; so is what its check digit says is one (ISO/IEC 7812-1, annex B) where whatever else stands between its groups is left out.
 */
export const isReference = (text: string): boolean =>
  /^[ -~]{1,20}$/.test(text) && !/(\d[ -]?){12}/.test(text) && !hasCardNumber(text);

function hasCardNumber(text: string): boolean {
  const groups = text.match(/\d+/g) ?? [];
  for (let from = 0; from < groups.length; from += 1)
    for (let digits = '', to = from; to < groups.length; to += 1) {
      digits += groups[to] ?? '';
      if (digits.length >= 12 && digits.length <= 19 && hasLuhnDigit(secretPan(digits))) return true;
    }
  return false;
}
