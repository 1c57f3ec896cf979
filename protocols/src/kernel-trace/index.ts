export { type ExplainedLine, explainTrace } from './explain.ts';
export {
  type KernelNote,
  type KernelTrace,
  type KernelTraceCause,
  type KernelTraceLine,
  kernelNote,
  kernelTrace,
  kernelTraceLine,
  type TraceOrder,
  traceLinesMax,
  traceOrder,
  tracesMax,
} from './trace.ts';
