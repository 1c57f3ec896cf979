import type { CcidCode } from '@tsunagu/protocols/ccid';
import type { TransmissionCode } from '@tsunagu/protocols/iso7816';
import type { FrameCode } from '@tsunagu/protocols/pn532';
import type { UsbCode } from '../usb/port.ts';

/** What a reader can end with. */
export type ReaderCode =
  | UsbCode
  | CcidCode
  | TransmissionCode
  | FrameCode
  | 'CCID_DESCRIPTOR_INVALID'
  | 'READER_SEQUENCE_WRONG'
  | 'READER_ANSWER_WRONG'
  | 'READER_TIMEOUT'
  | 'READER_REFUSED'
  | 'READER_CARD_ABSENT'
  | 'READER_SEVERAL_CARDS'
  | 'READER_CARD_UNSUPPORTED'
  | 'READER_UNKNOWN'
  | 'PIN_PAD_CANCELLED'
  | 'PIN_PAD_TIMEOUT'
  | 'PIN_PAD_REFUSED'
  | 'PIN_PAD_MISMATCH'
  | 'PIN_PAD_LENGTH'
  | 'PCSC_INVALID'
  | 'PCSC_UNAVAILABLE'
  | 'PCSC_PROTOCOL'
  | 'PCSC_REFUSED'
  | 'STRIPE_UNREADABLE';
