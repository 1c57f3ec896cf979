import { createRequire } from 'node:module';
import { compileProfile, type MessageCodec, readFields, revealFields } from '@tsunagu/protocols/iso8583';
import { unwrap } from '@tsunagu/protocols/kit';

/** The part of iso_8583 2.6.7 that is used here; it comes without types. */
interface PeerMessage {
  getRawMessage(): unknown;
  getIsoJSON(bytes: Buffer, options: { lenHeader: boolean }): Record<string, unknown>;
}
type PeerClass = new (fields: Record<string, string>, formats: Record<string, PeerFormat>) => PeerMessage;
interface PeerFormat {
  readonly ContentType: string;
  readonly Label: string;
  readonly LenType: string;
  readonly MaxLen: number;
}

/** Both sides on one message: they read the same bytes, and write the same values. */
export interface PeerRace {
  readonly peerDecode: () => unknown;
  readonly peerEncode: () => unknown;
  readonly oursDecode: () => unknown;
  readonly oursDecodeToValues: () => unknown;
  readonly oursDecodeToObject: () => unknown;
  readonly stringsAlone: () => unknown;
  readonly oursEncode: () => unknown;
}

// Binary of variable length goes through UTF-8 in the peer and comes back changed, so that DE55 is hexadecimal text here.
const emvAsText = { 55: { type: 'ans', kind: 'LLLVAR', maxLength: 999 } } as const;
const lengthTypes = { fixed: 'fixed', LLVAR: 'llvar', LLLVAR: 'lllvar', LLLLVAR: 'llllvar' } as const;

/** The peer ships the table of 1987 with some of 1993: it is given the rows of this message. */
function formatsOf(codec: MessageCodec, elements: readonly string[]): Record<string, PeerFormat> {
  return Object.fromEntries(
    elements.map((key) => {
      const element = codec.element(Number(key));
      if (!element) throw new Error(`no element ${key}`);
      const { type, kind, maxLength, en } = element;
      return [key, { ContentType: type, Label: en, LenType: lengthTypes[kind], MaxLen: maxLength }];
    }),
  );
}

/** Sets up the race with iso_8583 for a message in plain form; throws unless both sides read the same values. */
export function raceWithIso8583(mti: string, plain: Readonly<Record<string, string>>): PeerRace {
  const Peer: PeerClass = createRequire(import.meta.url)('iso_8583');
  const codec = compileProfile({ dialect: 'iso93-ascii-binbm', fieldOverrides: emvAsText });
  // Its ans has no backslash, which DE43 is full of.
  const texts = Object.fromEntries(
    Object.entries(plain).map(([key, text]) => [key, text.replace(/^hex:/, '').replaceAll('\\', '/')]),
  );
  const message = { mti, fields: unwrap(readFields(codec, texts)) };
  const formats = formatsOf(codec, Object.keys(texts));
  const peerFields = { 0: mti, ...texts };
  const peerEncode = () => new Peer({ ...peerFields }, formats).getRawMessage();
  // The peer always writes the second bitmap, here an empty one: eight bytes more than ours.
  const bytes = peerEncode();
  if (!Buffer.isBuffer(bytes)) throw new Error(`iso_8583 refuses: ${JSON.stringify(bytes)}`);
  const peerDecode = () => new Peer({}, formats).getIsoJSON(bytes, { lenHeader: false });
  const oursDecode = (how?: 'values' | 'fields') => () => {
    const read = codec.decode(bytes);
    if (!read.ok) return undefined;
    return how === undefined ? read.value : read.value[how];
  };
  const read = codec.decode(bytes);
  if (!read.ok) throw new Error(read.fault.code);
  const ours = { 0: mti, ...revealFields(read.value, () => false) };
  if (Object.entries(ours).some(([key, text]) => peerDecode()[key] !== text))
    throw new Error('iso_8583 reads otherwise');
  const places = read.value.elements.map(
    (number) => read.value.span(number) ?? { valueOffset: 0, offset: 0, length: 0 },
  );
  const ends = places.map(({ offset, length }) => offset + length);
  return {
    peerDecode,
    peerEncode,
    oursDecode: oursDecode(),
    oursDecodeToValues: oursDecode('values'),
    oursDecodeToObject: oursDecode('fields'),
    oursEncode: () => codec.encode(message),
    stringsAlone: () => places.map(({ valueOffset }, index) => bytes.toString('latin1', valueOffset, ends[index])),
  };
}
