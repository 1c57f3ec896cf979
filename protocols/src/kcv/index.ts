export { type CheckValueMethod, checkValue, customaryCheckValue, fullCheckValue } from './check-value.ts';
export { type DesKeyKind, desKeyKind, hasOddParity, isDegenerate, weaknessOf, withOddParity } from './des-keys.ts';
