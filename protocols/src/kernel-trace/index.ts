export { type ExplainedLine, explainTrace } from './explain.ts';
export { stepDetail } from './step-detail.ts';
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
