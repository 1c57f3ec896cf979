import { type BulkIn, slotErrorMeaning } from '@tsunagu/protocols/ccid';
import { received, type Reception } from '@tsunagu/protocols/iso7816';
import { ok, type Result } from '@tsunagu/protocols/kit';
import type { ReaderCode } from '../codes.ts';
import { type Answer, answerMs, type CcidChannel, type Command } from './channel.ts';
import { refusalOf } from './refusal.ts';

/** One slot of a reader: commands to it, and what the reader's refusals mean. */
export class CcidSlot {
  readonly channel: CcidChannel;
  readonly index: number;

  constructor(channel: CcidChannel, index: number) {
    this.channel = channel;
    this.index = index;
  }

  /** The answer to a command that was carried out; a refusal is a fault. */
  async command<T extends BulkIn['type']>(
    command: Command,
    expected: T,
    waitMs?: number,
  ): Promise<Result<Answer<T>, ReaderCode>> {
    const answer = await this.channel.command(this.index, command, expected, waitMs);
    return answer.ok && answer.value.status === 'failed' ? refusalOf(answer.value) : answer;
  }

  /** Data of a block; what spoilt the line, or silence, is an outcome that a transmission protocol can mend. */
  async receive(command: Command, waitMs?: number): Promise<Result<Reception, ReaderCode>> {
    const answer = await this.channel.command(this.index, command, 'dataBlock', waitMs);
    if (!answer.ok) return answer;
    const { status, icc, error, data } = answer.value;
    if (status !== 'failed') return ok(received(data));
    // A slot that is not active any more has nothing left to repeat.
    if (icc === 'active') {
      const { name } = slotErrorMeaning(error);
      if (name === 'ICC_MUTE') return ok({ type: 'silence' });
      if (name === 'XFR_PARITY_ERROR' || name === 'XFR_OVERRUN') return ok({ type: 'garbled' });
    }
    return refusalOf(answer.value);
  }

  /** One unit of a transmission protocol to the card and back. */
  transfer(data: Uint8Array, level = 0, bwi = 0): Promise<Result<Reception, ReaderCode>> {
    return this.receive({ type: 'xfrBlock', bwi, level, data }, answerMs * Math.max(1, bwi));
  }
}
