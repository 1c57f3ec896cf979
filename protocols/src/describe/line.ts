/** A text in both languages. */
export interface Both {
  readonly en: string;
  readonly ja: string;
}

/** One annotated piece of the bytes. */
export interface Line {
  /** Offset of its first byte. */
  readonly from: number;
  /** Offset behind its last byte. */
  readonly to: number;
  /** How deep it stands inside others, from 0. */
  readonly depth: number;
  readonly name: Both;
  /** What the value says, where that is known. */
  readonly meaning?: Both;
  /** The value as text: digits, characters, or upper-case hexadecimal. Absent where only the lines inside tell it. */
  readonly value?: string;
  /** Whether the value is hidden: a card number, a track, a PIN or a key, or something that may hold one. */
  readonly masked?: true;
}

/** How far a description goes. */
export interface DescribeOptions {
  /** Shows card numbers, tracks, PINs and keys as they stand. For somebody who asked for it, on test data. Default false. */
  readonly reveal?: boolean;
}

/** What the describers of each language of bytes share: offset and depth of what they describe, and whether to reveal. */
export interface Place {
  /** Offset of the described bytes within the whole. */
  readonly at: number;
  readonly depth: number;
  readonly reveal: boolean;
}

/** The place of something inside, `offset` bytes further. */
export const inside = (place: Place, offset: number): Place => ({
  ...place,
  at: place.at + offset,
  depth: place.depth + 1,
});

/** The same text in both languages, for names that standards give. */
export const same = (text: string): Both => ({ en: text, ja: text });

/** What of a line is not given by its place. */
export type Content = Pick<Line, 'name'> & { readonly meaning?: Both | undefined; readonly value?: Shown | undefined };

/** A value as it may be shown. */
export interface Shown {
  readonly text: string;
  readonly masked?: true;
}

/** A line over the bytes from `from` to `to` of what stands at `place`. */
export function line(place: Place, from: number, to: number, { name, meaning, value }: Content): Line {
  return {
    from: place.at + from,
    to: place.at + to,
    depth: place.depth,
    name,
    ...(meaning === undefined ? {} : { meaning }),
    ...(value === undefined ? {} : { value: value.text }),
    ...(value?.masked === undefined ? {} : { masked: value.masked }),
  };
}
