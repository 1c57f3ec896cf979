import { runFamily } from './key-vectors.ts';

runFamily('components', { combineComponents: ['key', 'keyKcv', 'componentKcvs'] });
