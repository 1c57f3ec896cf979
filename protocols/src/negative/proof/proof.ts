import { z } from 'zod';
import { BitReader, readAhead } from '../coding/bits.ts';
import { type NegativeReason, type ReasonCode, reasonCodeOf, reasonOf, unpackLengths } from '../coding/reasons.ts';
import { type Container, readSegment } from '../container/container.ts';
import { reasonNumberOf, tagOf } from '../container/entries.ts';
import { headerBytes, partitionBytes, type PartitionShape, shapeOf } from '../container/layout.ts';
import { headLeaves, leafHash, leavesOf, pathOf, rootFrom, sameBytes } from '../container/merkle.ts';
import { decodeBeside, isExcepted, isInRange } from '../container/ranges.ts';
import { hashBitsMax, hashBitsMin, hashTag, secondTag } from '../keying/keyed-hash.ts';
import { partitionSize, partitionsEnd, type PermutedPan } from '../keying/keyed-permutation.ts';
import type { CardProbe } from '../look-up.ts';
import { decodeOverlay, findInOverlay, overlayBits } from '../overlay/overlay.ts';
import { decodeHead, decodeManifest, decodeOverlayDocument, overlayDigestBytes } from '../authority/documents.ts';
import { keysFor, openFirstRoot } from '../authority/rules.ts';
import {
  decodeSigned,
  documentDigest,
  documentTypes,
  genuineSigners,
  type SignedBytes,
} from '../authority/signed-bytes.ts';
import { concat, fail, ok, type Result } from '../../kit/index.ts';

const base64 = z
  .string()
  .regex(/^[A-Za-z0-9+/]*=*$/)
  .max(1_000_000);
const leaf = z.object({ bytes: base64, path: z.array(base64).max(40) });

/**
 * What a proof is about. The server says it under its head key, because nobody without the list's key can tell which MAC a card has, and
 * because a terminal says what it applies over its own TLS connection only.
 */
export const negativeClaim = z.object({
  serial: z.string().max(32),
  /** The time asked about, RFC 3339. */
  at: z.string().max(40),
  lastFour: z.string().max(4),
  /** The card's MAC under the list's key, 16 bytes: whoever holds the key can compare it with a PAN. */
  mac: base64,
  /** Where it stands in an exact list; nothing in lists of keyed hashes. */
  place: z.object({ partition: z.number().int().nonnegative(), tag: z.number().int().nonnegative() }).optional(),
  /** First digits of the PAN, for ranges; six are no card (PCI DSS 3.4.1). */
  leadingDigits: z.string().regex(/^\d{6}$/),
  /** What the terminal said it applies, and when it said so first. */
  terminal: z.object({ version: z.number().int(), overlaySeq: z.number().int(), saidAt: z.string().max(40) }),
});
/** What a proof is about. */
export type NegativeClaim = z.infer<typeof negativeClaim>;

/**
 * Whether a card was blocked on a terminal at a time, with everything that a stranger needs to check it: the documents that were in
 * force there, and the parts of the container that the answer hangs on. Documents are signed bytes, base64.
 */
export const negativeProof = z.object({
  format: z.literal('tsunagu-negative-proof-v1'),
  /** `negativeClaim` as JSON. */
  claim: base64,
  root: base64,
  /** Head and overlay. */
  head: base64,
  manifest: base64,
  header: leaf,
  beside: leaf,
  segment: leaf,
});
/** A proof as it is written to a file. */
export type NegativeProof = z.infer<typeof negativeProof>;

/** What a proof proves. */
export interface ProvenAnswer {
  readonly claim: NegativeClaim;
  readonly answer: 'listed' | 'range-listed' | 'not-listed';
  readonly reason: NegativeReason | undefined;
  readonly by: 'overlay' | 'exception' | 'range' | 'list';
  readonly list: string;
  readonly version: number;
  readonly overlaySeq: number;
  /** Seconds since 1970. */
  readonly headIssuedAt: number;
  /** Ids of the root keys: to be compared with those that the terminal was enrolled with. */
  readonly rootKeys: readonly string[];
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytesOf = (encoded: string): Uint8Array => Uint8Array.from(Buffer.from(encoded, 'base64'));

/** The payload of a claim: its type, then JSON. */
export const encodeClaim = (claim: NegativeClaim): Uint8Array =>
  concat(Uint8Array.of(documentTypes.claim), Buffer.from(JSON.stringify(claim), 'utf8'));

function decodeClaim(payload: Uint8Array): NegativeClaim | undefined {
  if (payload[0] !== documentTypes.claim) return undefined;
  try {
    return negativeClaim.safeParse(JSON.parse(Buffer.from(payload.subarray(1)).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** The parts of a container that say whether a card is in it. Where its partition is not there, the header says so and any segment will do. */
export function proveIn(
  container: Container,
  { mac, permuted }: Pick<CardProbe, 'mac' | 'permuted'>,
): Pick<NegativeProof, 'header' | 'beside' | 'segment'> {
  const leaves = leavesOf(container);
  const segment = permuted
    ? container.segmentOf(permuted.partition, permuted.tag)
    : container.segmentOf(0, hashTag(mac, container.hashBits));
  const at = Math.min(leaves.length - 1, headLeaves + Math.max(0, segment));
  const part = (number: number): z.infer<typeof leaf> => {
    const { start, end } = container.parts[number] ?? container.span(number - headLeaves);
    return { bytes: text(container.bytes.subarray(start, end)), path: pathOf(leaves, number).map(text) };
  };
  return { header: part(0), beside: part(headLeaves - 1), segment: part(at) };
}

/**
 * Checks a proof by itself, without any server. Order of faults: root, documents, head, overlay, manifest, claim, header, beside, segment.
 * @param pinned a root document that came by hand: the proof has to be under that one, or by its root keys
 * @returns NEGATIVE_PROOF_INVALID with the part that does not hold
 */
export function checkProof(proof: NegativeProof, pinned?: Uint8Array): Result<ProvenAnswer, 'NEGATIVE_PROOF_INVALID'> {
  const invalid = (field: string) => fail('NEGATIVE_PROOF_INVALID', { field });
  const rootDocument = decodeSigned(bytesOf(proof.root));
  const root = rootDocument.ok ? openFirstRoot(rootDocument.value.document) : rootDocument;
  if (!rootDocument.ok || !root.ok) return invalid('root');
  if (pinned && !isUnder(rootDocument.value.document, pinned)) return invalid('rootKeys');
  const bundle = bytesOf(proof.head);
  const headDocument = decodeSigned(bundle);
  const overlayDocument = headDocument.ok ? decodeSigned(bundle, headDocument.value.end) : headDocument;
  const manifestDocument = decodeSigned(bytesOf(proof.manifest));
  if (!headDocument.ok || !overlayDocument.ok || !manifestDocument.ok) return invalid('documents');

  const head = decodeHead(headDocument.value.document.payload);
  if (!head.ok) return invalid('head');
  const { list, issuedAt } = head.value;
  const isSigned = (role: 'head' | 'emergency' | 'list', type: 'head' | 'overlay' | 'manifest') => {
    const documents = { head: headDocument, overlay: overlayDocument, manifest: manifestDocument };
    return genuineSigners(type, documents[type].value.document, keysFor(root.value, role, list, issuedAt)) > 0;
  };
  if (!isSigned('head', 'head')) return invalid('head');
  const overlay = decodeOverlayDocument(overlayDocument.value.document.payload);
  const urgent = overlay.ok ? decodeOverlay(overlay.value.overlay) : overlay;
  const overlayDigest = documentDigest(overlayDocument.value.document).subarray(0, overlayDigestBytes);
  if (!urgent.ok || !isSigned('emergency', 'overlay') || !sameBytes(overlayDigest, head.value.overlay))
    return invalid('overlay');
  const manifest = decodeManifest(manifestDocument.value.document.payload);
  const manifestDigest = documentDigest(manifestDocument.value.document);
  if (!manifest.ok || !isSigned('list', 'manifest') || !sameBytes(manifestDigest, head.value.manifest))
    return invalid('manifest');
  const claimDocument = decodeSigned(bytesOf(proof.claim));
  const claim = claimDocument.ok ? decodeClaim(claimDocument.value.document.payload) : undefined;
  if (!claimDocument.ok || !claim) return invalid('claim');
  if (genuineSigners('claim', claimDocument.value.document, keysFor(root.value, 'head', list, issuedAt)) < 1)
    return invalid('claim');
  if (claim.terminal.version !== head.value.version || claim.terminal.overlaySeq !== head.value.seq)
    return invalid('terminal');

  const mac = bytesOf(claim.mac);
  const header = bytesOf(proof.header.bytes);
  const found = placeIn(header, manifest.value.count, mac, claim.place);
  if (!found || mac.length !== 16) return invalid('header');
  const { shape, tag, segment } = found;
  const leaves = headLeaves + found.segments;
  const isIn = ({ bytes, path }: z.infer<typeof leaf>, number: number): boolean => {
    const root = rootFrom(leafHash(bytesOf(bytes)), number, leaves, path.map(bytesOf));
    return root !== undefined && sameBytes(root, manifest.value.root);
  };
  if (!isIn(proof.header, 0)) return invalid('header');
  const beside = decodeBeside(bytesOf(proof.beside.bytes));
  if (!beside || !isIn(proof.beside, headLeaves - 1)) return invalid('beside');
  if (shape && !isIn(proof.segment, headLeaves + shape.firstSegment + segment)) return invalid('segment');
  const entries = shape ? entriesIn(bytesOf(proof.segment.bytes), shape, segment) : new Float64Array(0);
  if (!entries) return invalid('segment');

  const say = (answer: ProvenAnswer['answer'], by: ProvenAnswer['by'], reason?: number) =>
    ok({
      claim,
      answer,
      by,
      reason: reason === undefined ? undefined : reasonOf(reason),
      list,
      version: head.value.version,
      overlaySeq: head.value.seq,
      headIssuedAt: issuedAt,
      rootKeys: root.value.keys.filter(({ role }) => role === 'root').map(({ id }) => id),
    });
  const added = findInOverlay(urgent.value, hashTag(mac, overlayBits));
  if (added >= 0) return say('listed', 'overlay', added);
  if (isExcepted(beside, secondTag(mac))) return say('not-listed', 'exception');
  const leading = Buffer.from(claim.leadingDigits, 'latin1');
  if (isInRange(beside.ranges, leading, Math.floor(Date.parse(claim.at) / 1_000))) return say('range-listed', 'range');
  const entry = entries.find((each) => tagOf(each) === tag);
  return entry === undefined ? say('not-listed', 'list') : say('listed', 'list', reasonNumberOf(entry));
}

/** Whether a root is signed by enough keys of one that came by hand: that one itself, and those that follow it. */
function isUnder(document: SignedBytes, pinned: Uint8Array): boolean {
  const decoded = decodeSigned(pinned);
  const trusted = decoded.ok ? openFirstRoot(decoded.value.document) : decoded;
  if (!trusted.ok) return false;
  const keys = trusted.value.keys.filter(({ role }) => role === 'root');
  return genuineSigners('root', document, keys) >= trusted.value.threshold;
}

/** The entries of a segment that is proven; undefined when its bytes make no sense. */
function entriesIn(bytes: Uint8Array, where: ProvenPlace, segment: number): Float64Array | undefined {
  const reader = new BitReader(concat(bytes, new Uint8Array(readAhead)));
  reader.seek(0, bytes.length);
  const entries = new Float64Array(Math.min(where.count, bytes.length * 8));
  const used = readSegment(reader, where, where.reasons, segment, entries, 0);
  return used < 0 ? undefined : entries.subarray(0, used);
}

/** The partition that a card would stand in. */
interface ProvenPlace extends PartitionShape {
  readonly reasons: ReasonCode;
  readonly firstSegment: number;
}

/** Where a card would stand, by a header that is proven. No shape: its partition is not there, so the card is not. */
function placeIn(header: Uint8Array, count: number, mac: Uint8Array, place: PermutedPan | undefined) {
  const reasons = reasonCodeOf(unpackLengths(header.subarray(21, 29)));
  if (!reasons || header.length < headerBytes) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const three = (at: number): number => view.getUint16(at) * 256 + view.getUint8(at + 2);
  const hashBits = view.getUint8(5);
  if (header[4] === 1 && !place) {
    if (header.length !== headerBytes || hashBits < hashBitsMin || hashBits > hashBitsMax) return undefined;
    const shape: ProvenPlace = { ...shapeOf(2 ** hashBits, count), reasons, firstSegment: 0 };
    const tag = hashTag(mac, hashBits);
    return { shape, tag, segment: Math.floor(tag / shape.width), segments: shape.segments };
  }
  const isExact = header[4] === 2 && header.length === headerBytes + view.getUint16(6) * partitionBytes;
  if (!isExact || !place || place.partition >= partitionsEnd || place.tag >= partitionSize(place.partition))
    return undefined;
  let segments = 0;
  let shape: ProvenPlace | undefined;
  for (let row = headerBytes; row < header.length; row += partitionBytes) {
    const own = shapeOf(partitionSize(three(row)), three(row + 3));
    if (three(row) === place.partition) shape = { ...own, reasons, firstSegment: segments };
    segments += own.segments;
  }
  return { shape, tag: place.tag, segment: shape ? Math.floor(place.tag / shape.width) : 0, segments };
}
