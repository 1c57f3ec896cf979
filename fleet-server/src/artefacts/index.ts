export { type Artefacts, openArtefacts } from './artefacts.ts';
export { writeWhole } from './write-whole.ts';
