import { runFamily } from './key-vectors.ts';

runFamily('kcv', {
  kcv: ['kcv', 'fullValue'],
  adjustOddParity: ['adjusted'],
  degenerateTdesKey: ['degenerate'],
  weakDesKey: ['kind'],
});
