/** How a value is typed: an option, or an argument in angle brackets, with a value that is taken. */
interface Typed {
  readonly typed: string;
  /** As it would be typed. */
  readonly example: string;
}

const option = (typed: string, value: string): Typed => ({ typed, example: `${typed} ${value}` });
const argument = (name: string, example: string): Typed => ({ typed: `<${name}>`, example });
const id = '7d7c7a4e-1111-4222-8333-944455556666';
const moment = '2026-05-01T09:00:00Z';

/**
 * What a person typed for a field of a request, where that is not its own name as an option (`costYen` is `--cost-yen`), and an example. Fields as
 * `parseWith` names them, without the indices of lists; the longest that fits counts.
 */
const fields: Readonly<Record<string, Typed>> = {
  'evidence.bagNumber': option('--bag', 'BAG-00123'),
  'evidence.photo': option('--photo', 'front.jpg'),
  'evidence.seals': option('--seal', 'SEAL-0001'),
  'evidence.connections': option('--connections', '2'),
  'evidence.keyCheckValues': option('--kcv', 'dukpt=08D7B4FB62'),
  'evidence.wipeProof': option('--wipe-job', id),
  'evidence.wipeProof.method': option('--destroyed', 'shredded'),
  'evidence.wipeProof.photo': option('--photo', 'shredded.jpg'),
  'evidence.wipeProof.at': option('--destroyed-at', moment),
  'evidence.nothingOwed': option('--owed-job', id),
  'evidence.nothingOwed.words': option('--owed-declared', '"does not start, memory is dead"'),
  'evidence.nothingOwed.silentSince': option('--silent-since', moment),
  'evidence.nothingOwed.waiting': option('--owed-waiting', '0'),
  'evidence.nothingOwed.became': option('--owed-became', '"paid again by hand"'),
  'evidence.tests': option('--test-job', id),
  'evidence.tests.test': option('--bench-test', id),
  'evidence.investigation.inspection': option('--inspection', id),
  'evidence.investigation.words': option('--finding', '"the seal was torn in transport"'),
  'evidence.recycling': option('--recycling', `'{"recycler":"Eco KK","receipt":"R-77","batteryGrams":60}'`),
  attestation: option('--attestation', 'bench.json'),
  change: option('--change', '-2'),
  connections: option('--connections', '2'),
  costYen: option('--cost-yen', '1200'),
  count: option('--count', '10'),
  fault: option('--fault', 'PW-BATTERY'),
  from: option('--from', 'CT5100-0009'),
  grade: option('--grade', 'A'),
  kind: argument('kind', 'tsunagu workshop note ID labour --minutes 30 --cost-yen 1200'),
  lastFour: option('--last-four', '4242'),
  lifecycle: option('--state', 'warehouse'),
  minimum: option('--minimum', '5'),
  minutes: option('--minutes', '30'),
  notAfter: option('--not-after', moment),
  notBefore: option('--not-before', moment),
  number: option('--number', 'RMA-2026-17'),
  outcome: option('--outcome', 'repaired'),
  params: option('--params', `'{"amountMinor":1200}'`),
  parent: option('--parent', 'JET-0001'),
  part: option('--part', 'BAT-2600'),
  place: option('--shop', 'osaka-1'),
  'place.merchant': option('--merchant', 'aoi'),
  'place.shop': option('--shop', 'osaka-1'),
  'place.lane': option('--lane', '3'),
  receipt: option('--receipt', 'INV-2026-17'),
  relayPort: option('--relay-port', '8900'),
  replacement: option('--replacement', 'CT5100-0099'),
  'replacement.model': option('--replacement-model', 'CT-5100'),
  reported: option('--fault', 'PW-BATTERY'),
  seals: option('--seal', 'SEAL-0001'),
  vendor: option('--vendor', '"Repair KK"'),
  warrantyUntil: option('--warranty-until', '2027-03-31'),
};

/** How a field of a request is typed; undefined where nothing is known of it, or it is an option's name already. */
export function typedOf(field: string): Typed | undefined {
  // The same items are handed in for an edge and for the end of a unit that its vendor kept.
  const parts = field.split('.').filter((part) => !/^\d+$/.test(part));
  for (let length = parts.length; length > 0; length--) {
    const found = fields[parts.slice(0, length).join('.')];
    if (found) return found;
  }
  return undefined;
}
