export { abilities, type Ability } from './abilities.ts';
export type { ContactlessKernel, Family, LinkKind, ReaderKind, TerminalModel } from './model.ts';
export { type ModelId, modelOf, models } from './models.ts';
