export {
  type Combination,
  type CombinedKey,
  type CombineError,
  combineComponents,
  splitIntoComponents,
} from './combine.ts';
