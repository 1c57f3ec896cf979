export type { ContactlessKernel, Family, LinkKind, ReaderKind, TerminalModel } from './model.ts';
export { type ModelId, modelOf, models } from './models.ts';
