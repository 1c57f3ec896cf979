import { encodeSoftwareImage, readSoftwareHeader, softwareHeader } from '@tsunagu/protocols/software';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytes, expectOurs, mangled } from './any-bytes.ts';

const label = fc.string({ unit: fc.constantFrom(...'0123456789abcXYZ.-'), minLength: 1, maxLength: 6 });
const version = fc
  .tuple(fc.array(fc.nat(9_999), { minLength: 1, maxLength: 3 }), fc.option(label), fc.option(label))
  .map(([numbers, release, build]) =>
    [numbers.join('.'), release === null ? '' : `-${release}`, build === null ? '' : `+${build}`].join(''),
  );

const header = fc.record({
  version,
  model: fc.string({ minLength: 1, maxLength: 32 }),
  counter: fc.integer({ min: 1, max: 0xffff_ffff }),
  boot: fc.constantFrom('proves', 'hangs', 'isMute', 'misreads'),
});

const image = fc.tuple(header, bytes(0, 40)).map(([said, program]) => encodeSoftwareImage(said, program));

test('the header of a software image comes back as it was written', () => {
  fc.assert(
    fc.property(header, bytes(0, 40), (said, program) => {
      expect(readSoftwareHeader(encodeSoftwareImage(said, program))).toEqual({ ok: true, value: said });
    }),
  );
});

test('any bytes are a software image or a fault with its place', () => {
  fc.assert(
    fc.property(mangled(image), (outside) => {
      const read = readSoftwareHeader(outside);
      expectOurs(read, ['SOFTWARE_IMAGE_INVALID'], outside.length);
      if (read.ok) expect(softwareHeader.safeParse(read.value).success).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});
