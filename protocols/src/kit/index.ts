export type { Brand } from './brand.ts';
export { asBuffer, concat, equalInConstantTime, fromHex, hex, toHex, xor } from './bytes.ts';
export { withoutCardNumbers } from './card-numbers.ts';
export { counted } from './counted.ts';
export { PassingMap } from './passing-map.ts';
export { type Fault, FaultError, fail, ok, type Result, unwrap } from './result.ts';
export { lastFour, Secret, type SecretKind, secretPan } from './secret.ts';
