export { openSwaps, type SwapRooms, type Swaps } from './swap.ts';
export {
  decideSwap,
  mayAbort,
  type SwapAction,
  type SwapBlock,
  type SwapFacts,
  type SwapStep,
  swapSteps,
} from './rules.ts';
