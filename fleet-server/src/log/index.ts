export { pinoSink, readable } from './log.ts';
