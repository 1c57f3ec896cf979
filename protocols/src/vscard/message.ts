import { concat, fail, ok, type Result } from '../kit/index.ts';

/** Kinds of messages, as their code. QEMU's `ccid-card-passthru` (libcacard, vscard_common.h). */
export const vscardTypes = {
  init: 1,
  error: 2,
  readerAdd: 3,
  readerRemove: 4,
  atr: 5,
  cardRemove: 6,
  apdu: 7,
  flush: 8,
  flushComplete: 9,
} as const;

/** One message: its kind, the reader it is about, and what it carries. */
export interface VscardMessage {
  readonly type: keyof typeof vscardTypes;
  readonly readerId: number;
  readonly payload: Uint8Array;
}

/** The reader of messages that are sent before there is one. */
export const undefinedReader = 0xffffffff;
/** Longest payload that is believed: an extended APDU and room to spare. */
export const vscardPayloadBytesMax = 66_000;
const headerBytes = 12;

const magic = Uint8Array.of(0x56, 0x53, 0x43, 0x44);
const version = 2;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const word = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
};

const isType = (name: string): name is keyof typeof vscardTypes => Object.hasOwn(vscardTypes, name);
const typeOf = (code: number): VscardMessage['type'] | undefined =>
  Object.keys(vscardTypes)
    .filter(isType)
    .find((name) => vscardTypes[name] === code);

/** Writes a message. */
export const encodeVscard = ({ type, readerId, payload }: VscardMessage): Uint8Array =>
  concat(word(vscardTypes[type]), word(readerId), word(payload.length), payload);

/** The first message of either side: "VSCD", version 2, no capabilities. */
export const vscardInit = (): VscardMessage => ({
  type: 'init',
  readerId: undefinedReader,
  payload: concat(magic, word(version), word(0)),
});

/** Takes one message off the head of a stream; undefined means: wait for more. */
export function takeVscard(
  bytes: Uint8Array,
): Result<{ readonly message: VscardMessage; readonly lengthBytes: number } | undefined, 'VSCARD_INVALID'> {
  if (bytes.length < headerBytes) return ok(undefined);
  const view = viewOf(bytes);
  const type = typeOf(view.getUint32(0));
  if (type === undefined) return fail('VSCARD_INVALID', { offset: 0, field: 'type' });
  const length = view.getUint32(8);
  if (length > vscardPayloadBytesMax) return fail('VSCARD_INVALID', { offset: 8, field: 'length', facts: { length } });
  const lengthBytes = headerBytes + length;
  if (bytes.length < lengthBytes) return ok(undefined);
  return ok({
    message: { type, readerId: view.getUint32(4), payload: bytes.slice(headerBytes, lengthBytes) },
    lengthBytes,
  });
}

/** The code of an `error` message: zero says that all is well. */
export const vscardErrorOf = ({ payload }: VscardMessage): number =>
  payload.length >= 4 ? viewOf(payload).getUint32(0) : 0;
