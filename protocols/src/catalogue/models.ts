import { parseJson } from '../fleet/parse.ts';
import { fail, type Fault, type Result } from '../kit/index.ts';
import { type ModelFile, modelFiles } from './files.ts';
import type { DukptScheme } from '../dukpt/index.ts';
import { type ProtectionScheme, type TerminalModel, terminalModel } from './model.ts';

const fileLengthMax = 16_384;

/** What model files hold. */
export interface Catalogue {
  /** Oldest first. */
  readonly models: readonly TerminalModel[];
  /** Of each file that is none: its name, and what is wrong in it. The others stand without it. */
  readonly faults: readonly Fault<'MODEL_FILE_INVALID'>[];
}

/** Reads model files into a catalogue. A file that is wrong is left out, and told of with the field. */
export function readCatalogue(files: readonly ModelFile[]): Catalogue {
  const read = files.map(({ name, text }): Result<TerminalModel, 'MODEL_FILE_INVALID'> => {
    const invalid = (wrong: string) => fail('MODEL_FILE_INVALID', { facts: { file: `models/${name}.json`, wrong } });
    const model = parseJson(terminalModel, text, fileLengthMax);
    if (!model.ok) return invalid(wrongIn(text, model.fault));
    return model.value.id === name ? model : invalid(`id (${name})`);
  });
  const when = ({ since }: TerminalModel): number => since.year * 12 + (since.month ?? 12);
  return {
    models: read
      .flatMap((model) => (model.ok ? [model.value] : []))
      .toSorted((one, other) => when(one) - when(other) || (one.id < other.id ? -1 : 1)),
    faults: read.flatMap((model) => (model.ok ? [] : [model.fault])),
  };
}

/** Which field is wrong, and what it wants; a name that no model has is said too, since this is a file of ours. */
function wrongIn(text: string, { code, field, facts }: Fault): string {
  if (facts?.['expected'] === 'json' || facts?.['expected'] === 'size') return `${code} (${facts['expected']})`;
  const issue = terminalModel.safeParse(JSON.parse(text)).error?.issues[0];
  const where = issue?.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]].join('.') : String(field);
  const wants = facts?.['wants'] ?? facts?.['expected'];
  return wants === undefined ? where : `${where} (${wants})`;
}

const catalogue = /* @__PURE__ */ readCatalogue(/* @__PURE__ */ modelFiles());
/** The catalogue: every file of `models/`, oldest first. */
export const models: readonly TerminalModel[] = /* @__PURE__ */ (() => catalogue.models)();
/** Files of `models/` that are no model, for whoever starts the house. */
export const modelFaults: readonly Fault<'MODEL_FILE_INVALID'>[] = /* @__PURE__ */ (() => catalogue.faults)();

/** The model of that id; undefined when the catalogue has none. */
export const modelOf = (id: string): TerminalModel | undefined => models.find((model) => model.id === id);

/** How a model gets its key-block protection key; one that no catalogue has agrees on it. */
export const protectionSchemeOf = (id: string): ProtectionScheme => modelOf(id)?.protectionKeyBy ?? 'agreement';

/** Which DUKPT a model's keys are for: AES, unless it can do TDES only. */
export const dukptSchemeOf = (id: string): DukptScheme =>
  (modelOf(id)?.keySchemes ?? ['aes-dukpt']).includes('aes-dukpt') ? 'aes' : 'tdes';
