export { abilities, type Ability } from './abilities.ts';
export { lackedForJob } from './asked.ts';
export type { ModelFile } from './files.ts';
export {
  type ContactlessKernel,
  type Family,
  type KeyScheme,
  type LinkKind,
  type ProtectionScheme,
  protectionSchemes,
  type ReaderKind,
  readerKinds,
  type TerminalModel,
  terminalModel,
} from './model.ts';
export {
  type Catalogue,
  dukptSchemeOf,
  modelFaults,
  modelOf,
  models,
  protectionSchemeOf,
  readCatalogue,
} from './models.ts';
