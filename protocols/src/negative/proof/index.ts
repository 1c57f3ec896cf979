export {
  checkProof,
  encodeClaim,
  type NegativeClaim,
  negativeClaim,
  negativeProof,
  type NegativeProof,
  type ProvenAnswer,
  proveIn,
} from './proof.ts';
