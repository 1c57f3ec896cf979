export { checkProof, negativeProof, type NegativeProof, type ProvenAnswer, proveIn } from './proof.ts';
