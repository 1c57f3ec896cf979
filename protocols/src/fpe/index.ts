export { decryptFf1, encryptFf1, type Ff1Error, type Ff1Parameters } from './ff1.ts';
