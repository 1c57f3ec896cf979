export { saltBytes, sealKeyBytes, TraceSeal } from './seal.ts';
export {
  decodeTrace,
  encodeTrace,
  type Trace,
  type TraceHeader,
  type TraceStep,
  traceCharactersMax,
  traceStepsMax,
  traceVersion,
} from './trace.ts';
