import { readFileSync } from 'node:fs';

/** A case of a vector file. */
export type Vector = Readonly<Record<string, unknown>>;

/** The cases of a file of `test/vectors` that is a list. */
export function vectors(name: string): readonly Vector[] {
  const read: unknown = JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8'));
  if (!Array.isArray(read)) throw new Error(`${name}.json is no list`);
  return read;
}

/** ISO 8583 messages of the vectors in one dialect. */
export function messagesIn(dialect: string): readonly Uint8Array[] {
  const file: { readonly messages: readonly { readonly dialect: string; readonly hex: string }[] } = JSON.parse(
    readFileSync(new URL('../vectors/iso8583-messages.json', import.meta.url), 'utf8'),
  );
  return file.messages.filter((each) => each.dialect === dialect).map(({ hex }) => bytesOf(hex));
}

/** Bytes of hexadecimal text of a vector. */
export const bytesOf = (hexadecimal: unknown): Uint8Array => Uint8Array.from(Buffer.from(String(hexadecimal), 'hex'));

/** Bytes of base64 text of a vector. */
export const derOf = (base64: unknown): Uint8Array => Uint8Array.from(Buffer.from(String(base64), 'base64'));
