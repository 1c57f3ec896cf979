import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of model files; the same from the sources and from what was built. */
const folder = new URL('../../models/', import.meta.url);

/** A model's file as it lies there. */
export interface ModelFile {
  /** Without `.json`. */
  readonly name: string;
  readonly text: string;
}

/**
 * The model files that are part of this package. The one place of `protocols` that reads anything: the files belong to the program as
 * its code does, and are read once, when the catalogue is first loaded.
 */
export const modelFiles = (): readonly ModelFile[] =>
  readdirSync(fileURLToPath(folder))
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => ({ name: name.slice(0, -'.json'.length), text: readFileSync(new URL(name, folder), 'utf8') }));
