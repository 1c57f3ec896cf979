/** The emulated readers that can be put on a bench, and where cards go in them. `firmware-bridge` has the devices. */
export const benchReaderPlaces = {
  ccid: ['contact'],
  'ccid-contactless': ['contactless'],
  'ccid-extended': ['contact'],
  'ccid-tpdu-t0': ['contact'],
  'ccid-tpdu-t1': ['contact'],
  'ccid-character-t0': ['contact'],
  'ccid-character-t1': ['contact'],
  acr122u: ['contactless', 'felica'],
  rcs380: ['contactless', 'felica'],
} as const satisfies Record<string, readonly ('contact' | 'contactless' | 'felica')[]>;
/** A name in `benchReaderPlaces`. */
export type BenchReaderName = keyof typeof benchReaderPlaces;
