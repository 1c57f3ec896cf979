import { constants, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto';
import { cbcDecrypt, cbcEncrypt } from '../cipher/index.ts';
import {
  contextTag,
  der,
  DerWalk,
  malformed,
  nullElement,
  octetString,
  sequence,
  setOf,
  small,
  tagged,
  tags,
  walkInto,
} from '../der/index.ts';
import { concat } from '../kit/index.ts';
import { type Certificate, identityOf } from './certificate.ts';
import { encodedOid, oids } from './oids.ts';

/** How content can be enciphered. RFC 3565; RFC 5652 with RFC 3370, 5.1. */
const contentCiphers = {
  [oids.tdesCbc]: { cipher: 'TDES', keyBytes: 24, blockBytes: 8 },
  [oids.aes128Cbc]: { cipher: 'AES', keyBytes: 16, blockBytes: 16 },
  [oids.aes192Cbc]: { cipher: 'AES', keyBytes: 24, blockBytes: 16 },
  [oids.aes256Cbc]: { cipher: 'AES', keyBytes: 32, blockBytes: 16 },
} as const satisfies Record<string, { cipher: 'TDES' | 'AES'; keyBytes: number; blockBytes: number }>;

type ContentCipherId = keyof typeof contentCiphers;

const isContentCipherId = (id: string): id is ContentCipherId => Object.hasOwn(contentCiphers, id);

/** An EnvelopedData for one recipient, read. */
export interface EnvelopedData {
  /** Content of IssuerAndSerialNumber. */
  readonly recipient: Uint8Array;
  readonly encryptedKey: Uint8Array;
  readonly contentCipher: ContentCipherId;
  readonly iv: Uint8Array;
  readonly encryptedContent: Uint8Array;
}

/** Reads a bare EnvelopedData, inside a walk. RFC 5652, 6.1 and 6.2.1; one recipient, RSAES-OAEP with SHA-256. */
export function readEnvelopedData(encoded: Uint8Array): EnvelopedData {
  const walk = walkInto(encoded, tags.sequence);
  if (walk.small() !== 0) malformed();
  const recipients = walk.into(tags.set);
  const info = recipients.into(tags.sequence);
  recipients.end();
  if (info.small() !== 0) malformed();
  const recipient = info.take(tags.sequence).content;
  readOaepAlgorithm(info.into(tags.sequence));
  const encryptedKey = info.take(tags.octetString).content;
  info.end();
  const contentInfo = walk.into(tags.sequence);
  walk.end();
  if (contentInfo.oid() !== oids.data) malformed();
  const algorithm = contentInfo.into(tags.sequence);
  const contentCipher = algorithm.oid();
  if (!isContentCipherId(contentCipher)) return malformed();
  const iv = algorithm.take(tags.octetString).content;
  algorithm.end();
  const encryptedContent = contentInfo.take(contextTag(0, 'primitive')).content;
  contentInfo.end();
  const { blockBytes } = contentCiphers[contentCipher];
  if (iv.length !== blockBytes || encryptedContent.length === 0 || encryptedContent.length % blockBytes !== 0)
    malformed();
  return { recipient, encryptedKey, contentCipher, iv, encryptedContent };
}

// RSAES-OAEP-params: SHA-256, MGF1 with SHA-256, empty label (RFC 4055, 4.1; TR 34-2019, annex B). The samples of TR-34
// leave the context tags out, so fields are told apart by their tag or, without one, by their place.
function readOaepAlgorithm(walk: DerWalk): void {
  if (walk.oid() !== oids.rsaesOaep) malformed();
  const parameters = walk.into(tags.sequence);
  walk.end();
  const field = (number: number): DerWalk | undefined => {
    const tag = contextTag(number, 'constructed');
    const wrapped = parameters.maybe(tag);
    if (wrapped !== undefined) return new DerWalk(wrapped.content).into(tags.sequence);
    const bare = parameters.maybe(tags.sequence);
    return bare === undefined ? undefined : new DerWalk(bare.content);
  };
  const hash = field(0);
  if (hash?.oid() !== oids.sha256) malformed();
  const mask = field(1);
  if (mask?.oid() !== oids.mgf1 || mask.into(tags.sequence).oid() !== oids.sha256) malformed();
  const source = field(2);
  if (source !== undefined && (source.oid() !== oids.pSpecified || source.take(tags.octetString).content.length > 0))
    malformed();
  parameters.end();
}

const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } as const;

/** Opens an envelope. `undefined` whatever failed: the key, its length, or the padding. */
export function openEnvelope(envelope: EnvelopedData, privateKey: KeyObject): Uint8Array | undefined {
  const { cipher, keyBytes, blockBytes } = contentCiphers[envelope.contentCipher];
  let contentKey: Uint8Array;
  try {
    contentKey = privateDecrypt({ key: privateKey, ...oaep }, envelope.encryptedKey);
  } catch {
    return undefined;
  }
  if (contentKey.length !== keyBytes) return undefined;
  const padded = cbcDecrypt(cipher, contentKey, envelope.iv, envelope.encryptedContent);
  contentKey.fill(0);
  const fill = padded[padded.length - 1] ?? 0;
  const isPadded = fill >= 1 && fill <= blockBytes && padded.subarray(-fill).every((byte) => byte === fill);
  return isPadded ? padded.subarray(0, padded.length - fill) : undefined;
}

// The same in every token.
const version0 = small(0);
const sha256Identifier = sequence(encodedOid(oids.sha256), nullElement());
const oaepIdentifier = sequence(
  encodedOid(oids.rsaesOaep),
  sequence(
    tagged(0, sha256Identifier),
    tagged(1, sequence(encodedOid(oids.mgf1), sha256Identifier)),
    tagged(2, sequence(encodedOid(oids.pSpecified), octetString(new Uint8Array(0)))),
  ),
);

/** Seals content for one recipient, AES-256-CBC under RSAES-OAEP with SHA-256. */
export function sealEnvelope(
  content: Uint8Array,
  recipient: Certificate,
  entropy: (lengthBytes: number) => Uint8Array,
): Uint8Array {
  const contentCipher = oids.aes256Cbc;
  const { cipher, keyBytes, blockBytes } = contentCiphers[contentCipher];
  const contentKey = Uint8Array.from(entropy(keyBytes));
  const iv = entropy(blockBytes);
  const fill = blockBytes - (content.length % blockBytes);
  const padded = concat(content, new Uint8Array(fill).fill(fill));
  const encrypted = cbcEncrypt(cipher, contentKey, iv, padded);
  // The seed of OAEP comes from OpenSSL's own generator: node:crypto takes none.
  const encryptedKey = publicEncrypt({ key: recipient.publicKey, ...oaep }, contentKey);
  contentKey.fill(0);
  padded.fill(0);
  const recipientInfo = sequence(
    version0,
    sequence(...identityOf(recipient)),
    oaepIdentifier,
    octetString(encryptedKey),
  );
  return sequence(
    version0,
    setOf(recipientInfo),
    sequence(
      encodedOid(oids.data),
      sequence(encodedOid(contentCipher), octetString(iv)),
      der(contextTag(0, 'primitive'), encrypted),
    ),
  );
}
