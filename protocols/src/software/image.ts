import { z } from 'zod';
import { parseJson } from '../fleet/parse.ts';
import { asBuffer, concat, fail, ok, type Result } from '../kit/index.ts';

/**
 * A version that has one place in the order of versions (`compareVersions`): numbers without leading zeros as in Semantic Versioning 2.0.0, 2, and
 * nothing before them. "01" would be equal to "1" under another name, and "v1.2" newer than every number.
 */
export const softwareVersion = z
  .string()
  .max(32)
  .regex(/^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))*(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/);

/**
 * What an image says of itself. `counter` never falls on a device (anti-rollback, NIST SP 800-193, 4.2.1.2). `boot` is how an
 * emulated device fares with it, so that every way in which an update fails can be had without hardware: it `proves` itself, it
 * `hangs` before anything runs, it runs and `isMute`, or it proves itself and `misreads` every answer to a sale.
 */
export const softwareHeader = z.object({
  version: softwareVersion,
  model: z.string().min(1).max(32),
  counter: z.number().int().min(1).max(0xffff_ffff),
  boot: z.enum(['proves', 'hangs', 'isMute', 'misreads']).default('proves'),
});
export type SoftwareHeader = z.output<typeof softwareHeader>;

const magic = Uint8Array.from(Buffer.from('TSW1', 'latin1'));
/** Magic and the header's length. */
const prefixLength = 6;
/** The most that a header may be, bytes. */
export const softwareHeaderBytesMax = 1_024;

/** Writes an image: "TSW1", length of the header (2 bytes, big-endian), the header in JSON, the program. */
export function encodeSoftwareImage(header: z.input<typeof softwareHeader>, program: Uint8Array): Uint8Array {
  const json = Buffer.from(JSON.stringify(softwareHeader.parse(header)), 'utf8');
  const length = new Uint8Array(2);
  asBuffer(length).writeUInt16BE(json.length);
  return concat(magic, length, json, program);
}

/** Reads the header at the start of an image; the first `softwareHeaderBytesMax` + 6 bytes are enough. */
export function readSoftwareHeader(bytes: Uint8Array): Result<SoftwareHeader, 'SOFTWARE_IMAGE_INVALID'> {
  const view = asBuffer(bytes);
  if (bytes.length < prefixLength || !view.subarray(0, magic.length).equals(magic))
    return fail('SOFTWARE_IMAGE_INVALID', { offset: 0 });
  const end = prefixLength + view.readUInt16BE(magic.length);
  if (end - prefixLength > softwareHeaderBytesMax || end > bytes.length)
    return fail('SOFTWARE_IMAGE_INVALID', { offset: magic.length });
  const header = parseJson(softwareHeader, bytes.subarray(prefixLength, end), softwareHeaderBytesMax);
  return header.ok ? ok(header.value) : fail('SOFTWARE_IMAGE_INVALID', { offset: prefixLength });
}
