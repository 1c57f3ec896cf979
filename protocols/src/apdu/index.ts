export { type ChainState, type ChainStep, chainCommand, continueChain, nextAfter, noChain } from './chaining.ts';
export { type CommandApdu, command, decodeCommand, encodeCommand, needsExtended } from './command.ts';
export { type ClassByte, type InstructionName, instructionName, readClassByte } from './instructions.ts';
export { decodeResponse, encodeResponse, type ResponseApdu, response } from './response.ts';
export { isDone, type StatusKind, type StatusMeaning, statusMeaning, statusWords } from './status-words.ts';
