import { parseJson } from '../fleet/parse.ts';
import type { Fault } from '../kit/index.ts';
import { type ModelFile, modelFiles } from './files.ts';
import type { DukptScheme } from '../dukpt/index.ts';
import { type ProtectionScheme, type TerminalModel, terminalModel } from './model.ts';

const fileLengthMax = 16_384;

/**
 * Reads model files into a catalogue, oldest model first. A file that is wrong is a broken installation: it throws, and names the file
 * and the field.
 */
export function readCatalogue(files: readonly ModelFile[]): readonly TerminalModel[] {
  const read = files.map(({ name, text }): TerminalModel => {
    const model = parseJson(terminalModel, text, fileLengthMax);
    if (!model.ok) throw new Error(`models/${name}.json is no model: ${wrongIn(text, model.fault)}`);
    if (model.value.id !== name) throw new Error(`models/${name}.json is of another model: ${model.value.id}`);
    return model.value;
  });
  const when = ({ since }: TerminalModel): number => since.year * 12 + (since.month ?? 12);
  return read.toSorted((one, other) => when(one) - when(other) || (one.id < other.id ? -1 : 1));
}

/** Which field is wrong, and what it wants; a name that no model has is said too, since this is a file of ours. */
function wrongIn(text: string, { code, field, facts }: Fault): string {
  if (facts?.['expected'] === 'json' || facts?.['expected'] === 'size') return `${code} (${facts['expected']})`;
  const issue = terminalModel.safeParse(JSON.parse(text)).error?.issues[0];
  const where = issue?.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]].join('.') : String(field);
  const wants = facts?.['wants'] ?? facts?.['expected'];
  return wants === undefined ? where : `${where} (${wants})`;
}

/** The catalogue: every file of `models/`, oldest first. */
export const models: readonly TerminalModel[] = /* @__PURE__ */ readCatalogue(/* @__PURE__ */ modelFiles());

/** The model of that id; undefined when the catalogue has none. */
export const modelOf = (id: string): TerminalModel | undefined => models.find((model) => model.id === id);

/** How a model gets its key-block protection key; one that no catalogue has agrees on it. */
export const protectionSchemeOf = (id: string): ProtectionScheme => modelOf(id)?.protectionKeyBy ?? 'agreement';

/** Which DUKPT a model's keys are for: AES, unless it can do TDES only. */
export const dukptSchemeOf = (id: string): DukptScheme =>
  (modelOf(id)?.keySchemes ?? ['aes-dukpt']).includes('aes-dukpt') ? 'aes' : 'tdes';
