import { fail, ok, type Result } from '../kit/index.ts';
import { isVersionId, type VersionId } from './tables.ts';

/** An optional block: two characters of id, and the text after its length. */
export interface OptionalBlock {
  readonly id: string;
  readonly data: string;
}

/** The attributes of a key that its block carries in clear and authenticates. */
export interface KeyAttributes {
  readonly versionId: VersionId;
  /** Two characters, such as P0. */
  readonly keyUsage: string;
  /** One character, such as A for AES. */
  readonly algorithm: string;
  readonly modeOfUse: string;
  /** Two characters; 00 when the key has no version. */
  readonly keyVersion: string;
  readonly exportability: string;
  /** Two characters, 00; their first is the key context in X9.143:2022. */
  readonly reserved: string;
}

/** A header as read: the attributes, the two lengths, and the text itself. */
export interface KeyBlockHeader extends KeyAttributes {
  /** Characters of the whole block. */
  readonly blockLength: number;
  readonly optionalBlockCount: number;
  /** All text up to the encrypted part. It is authenticated as it stands. */
  readonly headerString: string;
}

/** Codes that reading a header can end with. */
export type HeaderError =
  | 'TR31_LENGTH_INVALID'
  | 'TR31_VERSION_UNKNOWN'
  | 'TR31_HEADER_INVALID'
  | 'TR31_OPTIONAL_BLOCK_INVALID';

/** A header and its optional blocks. */
export interface ReadHeader {
  readonly header: KeyBlockHeader;
  readonly optionalBlocks: readonly OptionalBlock[];
}

/** The fixed fields of the header: where they stand. ANSI X9.143:2022, 6.3, table 1. */
const fixedFields = [
  ['blockLength', 1, 5, /^\d{4}$/],
  ['keyUsage', 5, 7, /^[0-9A-Za-z]{2}$/],
  ['algorithm', 7, 8, /^[0-9A-Za-z]$/],
  ['modeOfUse', 8, 9, /^[0-9A-Za-z]$/],
  ['keyVersion', 9, 11, /^[0-9A-Za-z]{2}$/],
  ['exportability', 11, 12, /^[0-9A-Za-z]$/],
  ['optionalBlockCount', 12, 14, /^\d{2}$/],
  ['reserved', 14, 16, /^[0-9A-Za-z]{2}$/],
] as const;

/** Length in characters of the fixed part of the header. */
export const fixedHeaderLength = 16;

/**
 * Reads the header in front of `text`, with its optional blocks. Offsets of errors count characters.
 * Order of faults: too short, version, fixed fields from left to right, optional blocks from left to right.
 *
 * @see ANSI X9.143:2022, 6.3
 */
export function readHeader(text: string): Result<ReadHeader, HeaderError> {
  if (text.length < fixedHeaderLength) return fail('TR31_LENGTH_INVALID', { offset: text.length });
  const versionId = text[0] ?? '';
  if (!isVersionId(versionId)) return fail('TR31_VERSION_UNKNOWN', { field: 'versionId', offset: 0 });
  const wrong = fixedFields.find(([, start, end, shape]) => !shape.test(text.slice(start, end)));
  if (wrong) return fail('TR31_HEADER_INVALID', { field: wrong[0], offset: wrong[1] });
  const optionalBlockCount = Number(text.slice(12, 14));
  const optionalBlocks: OptionalBlock[] = [];
  let at = fixedHeaderLength;
  while (optionalBlocks.length < optionalBlockCount) {
    const read = readOptionalBlock(text, at);
    if (!read.ok) return read;
    optionalBlocks.push(read.value.block);
    at = read.value.end;
  }
  const header: KeyBlockHeader = {
    versionId,
    blockLength: Number(text.slice(1, 5)),
    keyUsage: text.slice(5, 7),
    algorithm: text.slice(7, 8),
    modeOfUse: text.slice(8, 9),
    keyVersion: text.slice(9, 11),
    exportability: text.slice(11, 12),
    optionalBlockCount,
    reserved: text.slice(14, 16),
    headerString: text.slice(0, at),
  };
  return ok({ header, optionalBlocks });
}

// Two characters of id, two hexadecimal digits of length over the whole block, the data. Length 00 announces the long
// form: two hexadecimal digits that count the digits which follow, and those digits. X9.143:2022, 6.3.8.
function readOptionalBlock(
  text: string,
  start: number,
): Result<{ readonly block: OptionalBlock; readonly end: number }, 'TR31_OPTIONAL_BLOCK_INVALID'> {
  const wrong = (offset: number): Result<never, 'TR31_OPTIONAL_BLOCK_INVALID'> =>
    fail('TR31_OPTIONAL_BLOCK_INVALID', { offset });
  const id = text.slice(start, start + 2);
  if (!/^[0-9A-Za-z]{2}$/.test(id)) return wrong(start);
  const short = hexNumber(text.slice(start + 2, start + 4), 2);
  if (short === undefined) return wrong(start + 2);
  let dataStart = start + 4;
  let length = short;
  if (short === 0) {
    const digits = hexNumber(text.slice(start + 4, start + 6), 2);
    // Nothing longer than a block's 9999 characters can follow, so four digits are enough for any sender.
    if (digits === undefined || digits < 1 || digits > 4) return wrong(start + 4);
    dataStart = start + 6 + digits;
    const long = hexNumber(text.slice(start + 6, dataStart), digits);
    if (long === undefined) return wrong(start + 6);
    length = long;
  }
  const end = start + length;
  if (end < dataStart || end > text.length) return wrong(start + 2);
  const data = text.slice(dataStart, end);
  if (!/^[\x20-\x7e]*$/.test(data)) return wrong(dataStart);
  return ok({ block: { id, data }, end });
}

const hexNumber = (text: string, digits: number): number | undefined =>
  text.length === digits && /^[0-9A-F]+$/.test(text) ? Number.parseInt(text, 16) : undefined;

/** The text of an optional block; the long form, with four digits, where two do not suffice. */
export function formatOptionalBlock({ id, data }: OptionalBlock): Result<string, 'TR31_OPTIONAL_BLOCK_INVALID'> {
  if (!/^[0-9A-Za-z]{2}$/.test(id) || !/^[\x20-\x7e]*$/.test(data) || data.length > 9999)
    return fail('TR31_OPTIONAL_BLOCK_INVALID', { field: /^[0-9A-Za-z]{2}$/.test(id) ? id : 'id' });
  const short = 4 + data.length;
  const length = short <= 0xff ? hexDigits(short, 2) : `0004${hexDigits(10 + data.length, 4)}`;
  return ok(`${id}${length}${data}`);
}

const hexDigits = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');

/** The text of a header for a block that has `encryptedLength` characters after it. */
export function formatHeader(
  attributes: KeyAttributes,
  optionalBlocks: readonly OptionalBlock[],
  encryptedLength: number,
): Result<string, HeaderError> {
  if (optionalBlocks.length > 99) return fail('TR31_OPTIONAL_BLOCK_INVALID', { field: 'optionalBlockCount' });
  let optional = '';
  for (const block of optionalBlocks) {
    const text = formatOptionalBlock(block);
    if (!text.ok) return text;
    optional += text.value;
  }
  const blockLength = fixedHeaderLength + optional.length + encryptedLength;
  if (blockLength > 9999) return fail('TR31_LENGTH_INVALID', { field: 'blockLength' });
  const { versionId, keyUsage, algorithm, modeOfUse, keyVersion, exportability, reserved } = attributes;
  const count = String(optionalBlocks.length).padStart(2, '0');
  const text = `${versionId}${String(blockLength).padStart(4, '0')}${keyUsage}${algorithm}${modeOfUse}${keyVersion}${exportability}${count}${reserved}${optional}`;
  const read = readHeader(text);
  if (!read.ok) return read;
  // A field one character too long shifts its neighbours and still reads: what is read back must be what was given.
  const same = (['keyUsage', 'algorithm', 'modeOfUse', 'keyVersion', 'exportability', 'reserved'] as const).find(
    (field) => read.value.header[field] !== attributes[field],
  );
  if (same) return fail('TR31_HEADER_INVALID', { field: same });
  return ok(text);
}
