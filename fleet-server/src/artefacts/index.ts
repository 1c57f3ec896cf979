export { type Artefacts, openArtefacts } from './artefacts.ts';
