export { type BridgeTask, runBridge } from './program.ts';
