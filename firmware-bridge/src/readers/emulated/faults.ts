/** What can go wrong between reader and host, one at a time; each names what a broken device or cable really does. */
export const ccidFaults = {
  /** The card does not answer: the reader says so (ICC_MUTE). */
  mute: 'The card stays mute',
  /** The reader itself never answers. */
  silent: 'The reader stays silent',
  /** The answer comes in several transfers. */
  split: 'The answer is split over transfers',
  /** A zero-length packet precedes the answer. */
  zeroLength: 'A zero-length packet comes first',
  /** bSeq of the answer is not that of the command. */
  wrongSequence: 'The answer has another bSeq',
  /** bSlot of the answer is not that of the command. */
  wrongSlot: 'The answer is of another slot',
  /** dwLength promises more than comes. */
  lengthTooLong: 'dwLength is larger than the data',
  /** dwLength promises less than comes. */
  lengthTooShort: 'dwLength is smaller than the data',
  /** dwLength is beyond all limits. */
  lengthHuge: 'dwLength is 4 GiB',
  /** The answer ends within its header. */
  headerCut: 'The header is cut off',
  /** The answer begins with a byte that is no message. */
  garbage: 'The answer is no CCID message',
  /** A message of another type answers. */
  wrongType: 'The answer is of another type',
  /** The answer carries no data at all. */
  emptyAnswer: 'The answer holds no response',
  /** The reader asks for more time three times, then answers. */
  timeExtension: 'The reader asks for more time',
  /** The reader asks for more time without end. */
  timeExtensionStorm: 'The reader asks for more time without end',
  /** The device leaves the bus instead of answering. */
  unplug: 'The reader is unplugged',
  /** The card leaves the slot instead of answering. */
  removed: 'The card is removed',
  /** The bulk-in endpoint stalls until the host clears its halt. */
  stall: 'The endpoint stalls',
  /** The reader reports a parity error. */
  parity: 'Parity error between reader and card',
} as const;

/** A fault of `ccidFaults`. */
export type CcidFault = keyof typeof ccidFaults;
