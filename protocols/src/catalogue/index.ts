export { abilities, type Ability } from './abilities.ts';
export { lackedForJob } from './asked.ts';
export type { ModelFile } from './files.ts';
export {
  type ContactlessKernel,
  type Family,
  type KeyScheme,
  type LinkKind,
  type ReaderKind,
  type TerminalModel,
  terminalModel,
} from './model.ts';
export { modelOf, models, readCatalogue } from './models.ts';
