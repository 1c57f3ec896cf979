export {
  encodeVscard,
  takeVscard,
  undefinedReader,
  type VscardMessage,
  vscardErrorOf,
  vscardInit,
  vscardPayloadBytesMax,
  vscardTypes,
} from './message.ts';
