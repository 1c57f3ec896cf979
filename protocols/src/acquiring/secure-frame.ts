import { cbcDecrypt, cbcEncrypt } from '../cipher/index.ts';
import { deriveAesWorkingKey, deriveTdesWorkingKey, type DukptScheme, type TransactionKey } from '../dukpt/index.ts';
import { encodeFrame } from '../iso8583/index.ts';
import { concat, fail, ok, type Result, type Secret, unwrap } from '../kit/index.ts';
import { computeMac, type MacAlgorithm, pad, verifyMac } from '../mac/index.ts';
import { terminalFrame } from './link-profiles.ts';
import { type RefusalCode, refusalNumber, refusalOf } from './refusals.ts';

/**
 * The frame of W3, after its length of two bytes (big-endian, not counting itself):
 *
 * | bytes | what |
 * |---|---|
 * | 1 | version: 01 AES DUKPT, 02 TDES DUKPT |
 * | 1 | kind: 01 request, 02 answer, 03 refusal |
 * | k | KSN: 12 bytes (X9.24-3:2017, 6.3) or 10 (its annex C); an answer and a refusal repeat that of the request |
 * | b·n | the ISO 8583 message, padded (ISO 9797-1 method 2), CBC, initial vector of zeros: each key serves one message |
 * | m | MAC over everything from the version byte on |
 *
 * A refusal has, instead of the last two, a number of two bytes (`refusals`), and no MAC.
 */
export const frameLayouts = {
  aes: {
    version: 1,
    ksnBytes: 12,
    blockBytes: 16,
    macBytes: 16,
    headerBytes: 14,
    cipher: 'AES',
    mac: { kind: 'CMAC', cipher: 'AES' },
  },
  /** Models that can do nothing else. The MAC is that of X9.19, not cut. */
  tdes: {
    version: 2,
    ksnBytes: 10,
    blockBytes: 8,
    macBytes: 8,
    headerBytes: 12,
    cipher: 'TDES',
    mac: { kind: 'ISO9797-1-ALG3', padding: 2 },
  },
} as const satisfies Record<DukptScheme, { readonly mac: MacAlgorithm } & Readonly<Record<string, unknown>>>;

const kinds = { request: 1, answer: 2, refusal: 3 } as const;

/** A frame whose message is enciphered: what the terminal asks, or what the switch answers. */
export type FrameKind = 'request' | 'answer';

/** The two working keys of one direction of one transaction. */
export interface FrameKeys {
  readonly encryption: Secret<'key'>;
  readonly mac: Secret<'key'>;
}

/** A frame taken apart, not opened yet. */
export interface SealedFrame {
  readonly kind: FrameKind;
  readonly scheme: DukptScheme;
  /** 12 bytes for AES, 10 for TDES. */
  readonly ksn: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly mac: Uint8Array;
  /** What the MAC covers. */
  readonly covered: Uint8Array;
}

/** A refusal taken apart. `code` is undefined for a number that this version does not know. */
export interface RefusalFrame {
  readonly kind: 'refusal';
  readonly scheme: DukptScheme;
  readonly ksn: Uint8Array;
  readonly number: number;
  readonly code: RefusalCode | undefined;
  readonly afterwards: 'close' | 'continue';
}

/** Which keys a KSN of this length belongs to. */
function schemeOf(ksn: Uint8Array): DukptScheme {
  if (ksn.length === frameLayouts.aes.ksnBytes) return 'aes';
  if (ksn.length === frameLayouts.tdes.ksnBytes) return 'tdes';
  throw new Error(`a KSN of ${ksn.length} bytes`);
}

/**
 * The working keys of a direction: what the terminal makes, and what it reads, never under one key, so that no key ever enciphers two messages
 * (X9.24-3:2017, 6.2.1, table 1; C.4.3).
 */
export function frameKeys(transactionKey: TransactionKey, kind: FrameKind): FrameKeys {
  const isRequest = kind === 'request';
  if ('key' in transactionKey)
    return {
      encryption: deriveTdesWorkingKey(transactionKey, isRequest ? 'dataRequest' : 'dataResponse'),
      mac: deriveTdesWorkingKey(transactionKey, isRequest ? 'macRequest' : 'macResponse'),
    };
  return {
    // AES128 is never stronger than a parent, so this cannot fail.
    encryption: unwrap(
      deriveAesWorkingKey(transactionKey, isRequest ? 'dataEncryptionEncrypt' : 'dataEncryptionDecrypt', 'AES128'),
    ),
    mac: unwrap(deriveAesWorkingKey(transactionKey, isRequest ? 'macGeneration' : 'macVerification', 'AES128')),
  };
}

/** Seals a message into a whole frame, length in front; the KSN's length tells the scheme. A message beyond the link's bound is a bug of the caller. */
export function sealFrame(kind: FrameKind, ksn: Uint8Array, message: Uint8Array, keys: FrameKeys): Uint8Array {
  const { blockBytes, cipher, mac } = frameLayouts[schemeOf(ksn)];
  const padded = pad(2, blockBytes, message);
  const ciphertext = keys.encryption.use((key) => cbcEncrypt(cipher, key, new Uint8Array(blockBytes), padded));
  padded.fill(0);
  const covered = concat(header(kind, ksn), ciphertext);
  return unwrap(encodeFrame(terminalFrame, concat(covered, unwrap(computeMac(mac, keys.mac, covered)))));
}

/** Writes a whole refusal frame, length in front. Where no KSN could be read, it is twelve bytes of zeros. */
export function refusalFrame(
  code: RefusalCode,
  ksn: Uint8Array = new Uint8Array(frameLayouts.aes.ksnBytes),
): Uint8Array {
  const number = refusalNumber(code);
  return unwrap(encodeFrame(terminalFrame, concat(header('refusal', ksn), Uint8Array.of(number >> 8, number & 0xff))));
}

/** Takes a frame's body apart (what `FrameReader` of iso8583 hands out with `terminalFrame`). Needs no key. */
export function readFrame(body: Uint8Array): Result<SealedFrame | RefusalFrame, 'ACQUIRING_FRAME_INVALID'> {
  const scheme =
    body[0] === frameLayouts.aes.version ? 'aes' : body[0] === frameLayouts.tdes.version ? 'tdes' : undefined;
  if (scheme === undefined) return fail('ACQUIRING_FRAME_INVALID', { field: 'version', offset: 0 });
  const { headerBytes, macBytes, blockBytes } = frameLayouts[scheme];
  if (body.length < headerBytes + 2)
    return fail('ACQUIRING_FRAME_INVALID', { field: 'length', facts: { lengthBytes: body.length } });
  const ksn = Uint8Array.from(body.subarray(2, headerBytes));
  if (body[1] === kinds.refusal) {
    if (body.length !== headerBytes + 2)
      return fail('ACQUIRING_FRAME_INVALID', { field: 'length', offset: headerBytes });
    const number = ((body[headerBytes] ?? 0) << 8) | (body[headerBytes + 1] ?? 0);
    const known = refusalOf(number);
    return ok({ kind: 'refusal', scheme, ksn, number, code: known?.code, afterwards: known?.afterwards ?? 'close' });
  }
  const kind = body[1] === kinds.request ? 'request' : body[1] === kinds.answer ? 'answer' : undefined;
  if (kind === undefined) return fail('ACQUIRING_FRAME_INVALID', { field: 'kind', offset: 1 });
  const cipherBytes = body.length - headerBytes - macBytes;
  if (cipherBytes < blockBytes || cipherBytes % blockBytes !== 0)
    return fail('ACQUIRING_FRAME_INVALID', { field: 'length', offset: headerBytes, facts: { cipherBytes } });
  const end = headerBytes + cipherBytes;
  return ok({
    kind,
    scheme,
    ksn,
    ciphertext: Uint8Array.from(body.subarray(headerBytes, end)),
    mac: Uint8Array.from(body.subarray(end)),
    covered: Uint8Array.from(body.subarray(0, end)),
  });
}

/**
 * Opens a frame: first the MAC, then the cipher. Every flaw is one and the same error, so that a forger learns nothing.
 *
 * @returns the ISO 8583 message. It holds a PAN: read it, then overwrite it with zeros.
 */
export function openFrame(frame: SealedFrame, keys: FrameKeys): Result<Uint8Array, 'ACQUIRING_FRAME_NOT_AUTHENTIC'> {
  const { blockBytes, cipher, mac } = frameLayouts[frame.scheme];
  if (!verifyMac(mac, keys.mac, frame.covered, frame.mac).ok) return fail('ACQUIRING_FRAME_NOT_AUTHENTIC');
  const padded = keys.encryption.use((key) => cbcDecrypt(cipher, key, new Uint8Array(blockBytes), frame.ciphertext));
  let end = padded.length - 1;
  while (end > 0 && padded[end] === 0) end -= 1;
  if (padded[end] !== 0x80 || padded.length - end > blockBytes) return fail('ACQUIRING_FRAME_NOT_AUTHENTIC');
  // A copy: `padded` is a Buffer, whose slice would be a view.
  const message = Uint8Array.from(padded.subarray(0, end));
  padded.fill(0);
  return ok(message);
}

const header = (kind: keyof typeof kinds, ksn: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(frameLayouts[schemeOf(ksn)].version, kinds[kind]), ksn);
