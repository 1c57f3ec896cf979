import {
  actOnCampaign,
  changeSwitchRules,
  decideApproval,
  moveLifecycle,
  revokeHolder,
  settleAdvice,
  settleDay,
  startSwap,
} from '@tsunagu/protocols/fleet';
import { stockMove } from '@tsunagu/protocols/refurbish';
import { expect, test } from 'vitest';

const reason = 'seen with 4761 7390 0101 0010, order 123e4567-e89b-42d3-a456-426614174000';

test('whoever names a card in a reason names none to those who read it', () => {
  for (const read of [
    actOnCampaign.parse({ verb: 'pause', reason }),
    changeSwitchRules.parse({ rules: {}, reason }),
    decideApproval.parse({ verdict: 'refused', reason }),
    moveLifecycle.parse({ to: 'lost', reason }),
    revokeHolder.parse({ reason }),
    settleAdvice.parse({ reason }),
    settleDay.parse({ figures: 'ours', reason }),
    startSwap.parse({ old: 'CT5100-0001', new: 'CT5100-0002', reason }),
    stockMove.parse({ kind: 'adjusted', part: 'BAT-100', change: -1, reason }),
  ])
    expect(read).toMatchObject({ reason: 'seen with [pan], order 123e4567-e89b-42d3-a456-426614174000' });
});
