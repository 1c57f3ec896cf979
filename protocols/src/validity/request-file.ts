import { fail, ok, type Result, type Secret } from '../kit/index.ts';
import { boxDigits, type CheckedCard, isSealOf, openCard, sealCard, sealText } from './card-box.ts';
import {
  isReference,
  linesOf,
  readHeader,
  six,
  validityFileLimits,
  type ValidityHeader,
  wrapFileKey,
  writeHeader,
} from './header.ts';
import type { ValidityLineFault } from './verdicts.ts';

/** A card to ask about, by the name that its sender gives it. */
export interface ValidityRequest extends CheckedCard {
  readonly reference: string;
}

/** A record of a file that was taken. */
export interface ValidityRecord extends ValidityRequest {
  readonly line: number;
  readonly sequence: number;
}

/** Writes a file of requests, under a fresh key of its own. At most `validityFileLimits.recordsMax`. */
export function writeValidityRequests(
  what: Omit<ValidityHeader, 'keyBlock'>,
  requests: readonly ValidityRequest[],
  zoneKbpk: Secret<'key'>,
  key: Secret<'key'>,
  entropy: (lengthBytes: number) => Uint8Array,
): string {
  const header = writeHeader('request', { ...what, keyBlock: wrapFileKey(zoneKbpk, key, entropy) });
  const records = requests.map(({ reference, pan, expiry }, index) => {
    const sequence = index + 1;
    const place = { direction: 'request', ...what, sequence, reference } as const;
    return `2${six(sequence)}${reference.padEnd(20)}${sealCard(key, entropy(12), place, { pan, expiry })}`;
  });
  const trailer = `8${six(requests.length)}`;
  return `${[header, ...records, trailer + sealText(key, entropy(12), header + trailer)].join('\n')}\n`;
}

const recordShape = new RegExp(`^2(\\d{6})(.{20})([0-9A-F]{${boxDigits.card}})$`);
const trailerShape = new RegExp(`^8(\\d{6})([0-9A-F]{${boxDigits.seal}})$`);

/** A file of requests that is whole: its header is of this zone, and its trailer answers for the header and for the number of records. */
export class ValidityRequestFile {
  readonly header: ValidityHeader;
  /** Records that it has, by its trailer. */
  readonly count: number;
  /** Owned by the file. */
  readonly key: Secret<'key'>;
  readonly #lines: readonly string[];
  readonly #seen = new Set<number>();
  #at = 1;

  private constructor(header: ValidityHeader, key: Secret<'key'>, count: number, lines: readonly string[]) {
    this.header = header;
    this.key = key;
    this.count = count;
    this.#lines = lines;
  }

  /** Order of faults: size, header, key, trailer. VALIDITY_FILE_REFUSED names which; nothing of the file counts then. */
  static open(text: string, zoneKbpk: Secret<'key'>): Result<ValidityRequestFile, 'VALIDITY_FILE_REFUSED'> {
    if (text.length > validityFileLimits.bytesMax) return fail('VALIDITY_FILE_REFUSED', { field: 'size' });
    const lines = linesOf(text, validityFileLimits.linesMax + 2);
    if (lines.length > validityFileLimits.linesMax) return fail('VALIDITY_FILE_REFUSED', { field: 'size' });
    const read = readHeader('request', lines[0] ?? '', zoneKbpk);
    if (!read.ok) return read;
    const { header, key } = read.value;
    const [trailer = '', count = '', seal = ''] = trailerShape.exec(lines.at(-1) ?? '') ?? [];
    const records = Number(count);
    if (!isSealOf(key, seal, `${lines[0]}${trailer.slice(0, 7)}`) || records > validityFileLimits.recordsMax) {
      key.wipe();
      return fail('VALIDITY_FILE_REFUSED', { field: 'trailer', facts: { line: lines.length } });
    }
    return ok(new ValidityRequestFile(header, key, records, lines));
  }

  /** Whether every line was read, and every record is accounted for. */
  get isOver(): boolean {
    return this.#at >= this.#lines.length;
  }

  /**
   * Reads the next lines, so many at most. A damaged one costs nothing but itself: it comes back as a fault, and at the end so does every record that no line has.
   * Whoever takes a record owns its card.
   */
  read(linesMax: number): {
    readonly records: readonly ValidityRecord[];
    readonly faults: readonly ValidityLineFault[];
  } {
    const records: ValidityRecord[] = [];
    const faults: ValidityLineFault[] = [];
    const last = this.#lines.length - 1;
    for (const end = Math.min(last, this.#at + linesMax); this.#at < end; this.#at += 1) {
      const line = this.#at + 1;
      const read = this.#record(this.#lines[this.#at] ?? '', line);
      if ('code' in read) faults.push(read);
      else records.push(read);
    }
    if (this.#at === last) {
      this.#at += 1;
      for (let sequence = 1; sequence <= this.count; sequence += 1)
        if (!this.#seen.has(sequence)) faults.push({ code: 'VALIDITY_LINE_MISSING', line: undefined, sequence });
    }
    return { records, faults };
  }

  /** Order of faults: form, a record that was there before, authenticity, what is in it. */
  #record(text: string, line: number): ValidityRecord | ValidityLineFault {
    const [, digits, padded = '', box = ''] = recordShape.exec(text) ?? [];
    const sequence = Number(digits);
    if (digits === undefined || sequence < 1 || sequence > this.count)
      return { code: 'VALIDITY_LINE_FORM', line, sequence: undefined };
    if (this.#seen.has(sequence)) return { code: 'VALIDITY_LINE_REPEATED', line, sequence };
    const reference = padded.trimEnd();
    const place = { direction: 'request', ...this.header, sequence, reference } as const;
    const card = openCard(this.key, place, box);
    // Whoever spoilt a line may have spoilt its number: one that is not authentic does not stand in the way of the one that is.
    if (!card.ok && card.fault.code === 'VALIDITY_LINE_NOT_AUTHENTIC') return { code: card.fault.code, line, sequence };
    this.#seen.add(sequence);
    if (!card.ok) return { code: card.fault.code, line, sequence };
    if (isReference(reference)) return { ...card.value, reference, line, sequence };
    card.value.pan.wipe();
    return { code: 'VALIDITY_REFERENCE_REFUSED', line, sequence };
  }
}
