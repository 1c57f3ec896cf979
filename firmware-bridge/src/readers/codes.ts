import type { CcidCode } from '@tsunagu/protocols/ccid';
import type { UsbCode } from '../usb/port.ts';

/** What a reader can end with. */
export type ReaderCode =
  | UsbCode
  | CcidCode
  | 'CCID_DESCRIPTOR_INVALID'
  | 'READER_LEVEL_UNSUPPORTED'
  | 'READER_SEQUENCE_WRONG'
  | 'READER_ANSWER_WRONG'
  | 'READER_TIMEOUT'
  | 'READER_REFUSED'
  | 'READER_CARD_ABSENT'
  | 'READER_CARD_MUTE'
  | 'READER_UNKNOWN'
  | 'STRIPE_UNREADABLE';
