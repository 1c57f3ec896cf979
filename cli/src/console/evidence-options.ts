import type { EvidenceItem } from '@tsunagu/protocols/fleet';

/** How each item of evidence is handed in: by which options of `tsunagu lifecycle move`, and in which columns of `tsunagu lifecycle import`. */
export const evidenceOptions = {
  bagNumber: { options: '--bag', columns: 'bag' },
  photo: { options: '--photo', columns: 'photo' },
  seals: { options: '--seal', columns: 'seals' },
  connections: { options: '--connections', columns: 'connections' },
  keyCheckValues: { options: '--kcv', columns: 'kcv' },
  wipeProof: {
    options: '--wipe-job | --destroyed --destroyed-at --photo',
    columns: 'wipeJob | destroyed destroyedAt photo',
  },
  nothingOwed: {
    options: '--owed-job | --owed-declared --silent-since --owed-waiting --owed-became',
    columns: 'owedJob | owedDeclared silentSince owedWaiting owedBecame',
  },
  tests: { options: '--test-job | --bench-test', columns: 'testJob | benchTest' },
  investigation: { options: '--inspection --finding', columns: 'inspection finding' },
  recycling: { options: '--recycling', columns: 'recycler receipt batteryGrams' },
} as const satisfies Record<
  Exclude<EvidenceItem, 'secondPerson'>,
  { readonly options: string; readonly columns: string }
>;

type HandedIn = keyof typeof evidenceOptions;
const isHandedIn = (item: string): item is HandedIn => Object.hasOwn(evidenceOptions, item);

/** The item that a field of a fault is about, and how it is handed in; undefined when it is about none. */
export function itemIn(field: string | null) {
  const item = field?.startsWith('evidence.') === true ? field.slice('evidence.'.length) : '';
  return isHandedIn(item) ? { item, ...evidenceOptions[item] } : undefined;
}
