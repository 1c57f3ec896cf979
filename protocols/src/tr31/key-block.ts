import { asBuffer, concat, fail, fromHex, ok, type Result, Secret, toHex } from '../kit/index.ts';
import {
  fixedHeaderLength,
  formatHeader,
  formatOptionalBlock,
  type HeaderError,
  type KeyAttributes,
  type KeyBlockHeader,
  type OptionalBlock,
  readHeader,
} from './header.ts';
import { type Protection, protectionOf } from './protection.ts';
import { attributesOfKey, rememberAttributes } from './provenance.ts';
import { checkAttributes, isKbpkStrongEnough, isTdesKbpkSound } from './rules.ts';
import { exportabilities, versions } from './tables.ts';

/** A key out of a block, with all that the block says about it. */
export interface UnwrappedKey {
  readonly key: Secret<'key'>;
  readonly keyLengthBits: number;
  readonly header: KeyBlockHeader;
  readonly optionalBlocks: readonly OptionalBlock[];
}

/** How to read a block. */
export interface UnwrapOptions {
  /**
   * `syntaxAndCryptography` accepts what X9.143 does not allow in usages, modes, key lengths and optional blocks, and a
   * key stronger than its KBPK: for workbenches, and for vendors' blocks that the caller judges itself.
   */
  readonly rules?: 'x9143' | 'syntaxAndCryptography';
}

/** Codes that unwrapping can end with. */
export type UnwrapError =
  | HeaderError
  | 'KEY_LENGTH_INVALID'
  | 'TR31_ENCODING_INVALID'
  | 'TR31_NOT_AUTHENTIC'
  | 'TR31_PAYLOAD_INVALID'
  | 'TR31_HEADER_NOT_ALLOWED'
  | 'TR31_KBPK_TOO_WEAK';

/**
 * Takes a key out of a key block of version A, B, C or D.
 *
 * Order of faults: header syntax, lengths, hexadecimal, KBPK, authentication, and only then what is inside.
 * The secret remembers its block: `wrapKeyBlock` holds it to its exportability.
 * @see ANSI X9.143:2022, 6 and 7
 */
export function unwrapKeyBlock(
  kbpk: Secret<'key'>,
  keyBlock: string,
  options: UnwrapOptions = {},
): Result<UnwrappedKey, UnwrapError> {
  const parts = splitKeyBlock(keyBlock);
  if (!parts.ok) return parts;
  const protection = protectionOf(parts.value.header.versionId, kbpk);
  return protection.ok ? reveal(protection.value, parts.value, options) : protection;
}

/** As `unwrapKeyBlock`, with a KBPK readied by `protectionOf`: for many blocks under one KBPK. */
export function unwrapWith(
  protection: Protection,
  keyBlock: string,
  options: UnwrapOptions = {},
): Result<UnwrappedKey, UnwrapError> {
  const parts = splitKeyBlock(keyBlock);
  if (!parts.ok) return parts;
  if (parts.value.header.versionId !== protection.versionId)
    return fail('TR31_VERSION_UNKNOWN', { field: 'versionId', offset: 0 });
  return reveal(protection, parts.value, options);
}

interface KeyBlockParts {
  readonly header: KeyBlockHeader;
  readonly optionalBlocks: readonly OptionalBlock[];
  readonly encrypted: Uint8Array;
  readonly mac: Uint8Array;
}

function splitKeyBlock(keyBlock: string): Result<KeyBlockParts, UnwrapError> {
  if (keyBlock.length > 9999) return fail('TR31_LENGTH_INVALID', { offset: 9999 });
  const read = readHeader(keyBlock);
  if (!read.ok) return read;
  const { header, optionalBlocks } = read.value;
  const { blockBytes, macBytes } = versions[header.versionId];
  const start = header.headerString.length;
  const encryptedLength = keyBlock.length - start - 2 * macBytes;
  if (header.blockLength !== keyBlock.length) return fail('TR31_LENGTH_INVALID', { field: 'blockLength', offset: 1 });
  if (start % blockBytes !== 0) return fail('TR31_LENGTH_INVALID', { field: 'optionalBlocks', offset: start });
  if (encryptedLength < 2 * blockBytes || encryptedLength % (2 * blockBytes) !== 0)
    return fail('TR31_LENGTH_INVALID', { field: 'key', offset: start });
  const bytes = fromHex(keyBlock.slice(start));
  if (!bytes.ok) return fail('TR31_ENCODING_INVALID', { offset: start });
  const encrypted = bytes.value.subarray(0, encryptedLength / 2);
  return ok({ header, optionalBlocks, encrypted, mac: bytes.value.subarray(encryptedLength / 2) });
}

function reveal(
  protection: Protection,
  { header, optionalBlocks, encrypted, mac }: KeyBlockParts,
  { rules = 'x9143' }: UnwrapOptions,
): Result<UnwrappedKey, UnwrapError> {
  const payload = protection.reveal(ascii(header.headerString), encrypted, mac);
  if (!payload.ok) return payload;
  const clear = payload.value;
  const keyLengthBits = ((clear[0] ?? 0) << 8) | (clear[1] ?? 0);
  const keyLength = keyLengthBits / 8;
  if (keyLengthBits === 0 || keyLengthBits % 8 !== 0 || 2 + keyLength > clear.length) {
    clear.fill(0);
    return fail('TR31_PAYLOAD_INVALID', { field: 'keyLengthBits' });
  }
  const key = Secret.take('key', clear.subarray(2, 2 + keyLength));
  clear.fill(0);
  if (rules === 'x9143') {
    const allowed = checkAttributes(header, optionalBlocks, keyLength);
    if (!allowed.ok) return allowed;
    if (!isKbpkStrongEnough(header, protection.kbpkBytes, keyLength)) return fail('TR31_KBPK_TOO_WEAK');
  }
  rememberAttributes(key, header);
  return ok({ key, keyLengthBits, header, optionalBlocks });
}

/** Codes that wrapping can end with. */
export type WrapError =
  | HeaderError
  | 'KEY_LENGTH_INVALID'
  | 'TR31_HEADER_NOT_ALLOWED'
  | 'TR31_KBPK_TOO_WEAK'
  | 'TR31_VERSION_RETIRED'
  | 'TR31_NOT_EXPORTABLE'
  | 'TR31_PADDING_INVALID';

/** What to wrap, and how. */
export interface WrapRequest {
  readonly attributes: KeyAttributes;
  /** Without PB: it is added as needed. */
  readonly optionalBlocks?: readonly OptionalBlock[];
  readonly key: Secret<'key'>;
  /** Cryptographically strong bytes for padding. */
  readonly entropy: (lengthBytes: number) => Uint8Array;
  /** Pads the key as if it were the longest of its algorithm, so that the block's length does not tell. Default true. */
  readonly hideKeyLength?: boolean;
}

/** The longest key of an algorithm, in bytes, for hiding lengths. ANSI X9.143:2022, 6.4. */
const longestKeyBytes: Readonly<Record<string, number>> = { T: 24, A: 32, H: 32 };

/**
 * Wraps a key into a block of version B, C or D. PB is added where the header needs it, padding is random, and the
 * key's length is hidden unless told otherwise.
 *
 * @returns TR31_NOT_EXPORTABLE for a key that came out of a block which forbids it: N, or a wish for more freedom,
 *   another usage or another mode than it had. TR31_KBPK_TOO_WEAK when the KBPK is weaker than the key.
 * @see ANSI X9.143:2022, 6 and 7
 */
export function wrapKeyBlock(kbpk: Secret<'key'>, request: WrapRequest): Result<string, WrapError> {
  const { attributes, key } = request;
  return wrapJudged(request, kbpk.length, isTdesKbpkSound(attributes, kbpk, key.length), () =>
    protectionOf(attributes.versionId, kbpk),
  );
}

/** As `wrapKeyBlock`, with an AES KBPK readied by `protectionOf` or `protectionBy`: for many blocks, or for one that is kept elsewhere. */
export const wrapKeyBlockWith = (protection: Protection, request: WrapRequest): Result<string, WrapError> =>
  protection.versionId === request.attributes.versionId
    ? wrapJudged(request, protection.kbpkBytes, versions[protection.versionId].cipher === 'AES', () => ok(protection))
    : fail('TR31_VERSION_UNKNOWN', { field: 'versionId', offset: 0 });

function wrapJudged(
  request: WrapRequest,
  kbpkBytes: number,
  isSound: boolean,
  protection: () => Result<Protection, 'KEY_LENGTH_INVALID'>,
): Result<string, WrapError> {
  const { attributes, key, entropy, optionalBlocks = [], hideKeyLength = true } = request;
  if (attributes.versionId === 'A') return fail('TR31_VERSION_RETIRED', { field: 'versionId' });
  const allowed = checkAttributes(attributes, optionalBlocks, key.length);
  if (!allowed.ok) return allowed;
  if (!isKbpkStrongEnough(attributes, kbpkBytes, key.length) || !isSound) return fail('TR31_KBPK_TOO_WEAK');
  const exportable = checkExport(attributes, key);
  if (!exportable.ok) return exportable;
  const { blockBytes } = versions[attributes.versionId];
  const padded = withPaddingBlock(optionalBlocks, blockBytes, entropy);
  if (!padded.ok) return padded;
  const shown = Math.max(key.length, (hideKeyLength ? longestKeyBytes[attributes.algorithm] : undefined) ?? 0);
  const payloadLength = Math.ceil((2 + shown) / blockBytes) * blockBytes;
  return wrapBytes(protection, attributes, padded.value, key, entropy(payloadLength - 2 - key.length));
}

/**
 * Wraps with the optional blocks and the padding given, nothing added and nothing judged but syntax: the workbench's way,
 * to reproduce a block to the letter.
 */
export const wrapExactly = (
  kbpk: Secret<'key'>,
  attributes: KeyAttributes,
  optionalBlocks: readonly OptionalBlock[],
  key: Secret<'key'>,
  padding: Uint8Array,
): Result<string, WrapError> =>
  wrapBytes(() => protectionOf(attributes.versionId, kbpk), attributes, optionalBlocks, key, padding);

function wrapBytes(
  readied: () => Result<Protection, 'KEY_LENGTH_INVALID'>,
  attributes: KeyAttributes,
  optionalBlocks: readonly OptionalBlock[],
  key: Secret<'key'>,
  padding: Uint8Array,
): Result<string, WrapError> {
  const { blockBytes, macBytes } = versions[attributes.versionId];
  const payloadLength = 2 + key.length + padding.length;
  if (key.length === 0 || key.length * 8 > 0xffff)
    return fail('KEY_LENGTH_INVALID', { field: 'key', facts: { lengthBytes: key.length } });
  if (payloadLength % blockBytes !== 0) return fail('TR31_PADDING_INVALID', { field: 'padding' });
  const header = formatHeader(attributes, optionalBlocks, 2 * (payloadLength + macBytes));
  if (!header.ok) return header;
  if (header.value.length % blockBytes !== 0) return fail('TR31_LENGTH_INVALID', { field: 'optionalBlocks' });
  const protection = readied();
  if (!protection.ok) return protection;
  const bits = key.length * 8;
  const payload = key.use((bytes) => concat(Uint8Array.of(bits >> 8, bits & 0xff), bytes, padding));
  const { encrypted, mac } = protection.value.protect(ascii(header.value), payload);
  payload.fill(0);
  return ok(`${header.value}${toHex(encrypted)}${toHex(mac)}`);
}

/**
 * Whether a key may leave as `wanted`: one that came out of a block keeps the block's word about it. Every way out asks this.
 *
 * @see ANSI X9.143:2022, 6.3.6
 */
export function checkExport(wanted: KeyAttributes, key: Secret<'key'>): Result<true, 'TR31_NOT_EXPORTABLE'> {
  const held = attributesOfKey(key);
  if (held === undefined) return ok(true);
  const refuse = (field: string): Result<never, 'TR31_NOT_EXPORTABLE'> => fail('TR31_NOT_EXPORTABLE', { field });
  const freedom = new Map<string, number>(
    Object.entries(exportabilities).map(([code, { freedom }]) => [code, freedom]),
  );
  const had = freedom.get(held.exportability) ?? 0;
  if (had === 0) return refuse('exportability');
  if ((freedom.get(wanted.exportability) ?? Infinity) > had) return refuse('exportability');
  if (wanted.keyUsage !== held.keyUsage) return refuse('keyUsage');
  if (wanted.algorithm !== held.algorithm) return refuse('algorithm');
  if (held.modeOfUse !== 'N' && wanted.modeOfUse !== held.modeOfUse) return refuse('modeOfUse');
  return ok(true);
}

// Optional blocks together fill whole cipher blocks; PB, last, makes up the difference with printable characters (6.3.9).
function withPaddingBlock(
  optionalBlocks: readonly OptionalBlock[],
  blockBytes: number,
  entropy: (lengthBytes: number) => Uint8Array,
): Result<readonly OptionalBlock[], 'TR31_OPTIONAL_BLOCK_INVALID'> {
  let length = fixedHeaderLength;
  for (const block of optionalBlocks) {
    const text = formatOptionalBlock(block);
    if (!text.ok) return text;
    length += text.value.length;
  }
  if (length % blockBytes === 0) return ok(optionalBlocks);
  const fill = (2 * blockBytes - ((length + 4) % blockBytes)) % blockBytes;
  const data = toHex(entropy(fill)).slice(0, fill);
  return ok([...optionalBlocks, { id: 'PB', data }]);
}

const ascii = (text: string): Uint8Array => asBuffer(Buffer.from(text, 'latin1'));
