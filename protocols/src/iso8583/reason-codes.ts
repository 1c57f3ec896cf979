import { type CodeMeaning, ownEntry } from './function-codes.ts';

/**
 * Message reason codes, DE25, that public interface descriptions agree on. ISO 8583:1993, A.6.
 * Ranges: 1000-1499 advice, 1500-1999 request to a host, 2000-2999 retained card, 4000-4499 reversal, 6000-6999 administrative.
 */
export const reasonCodes: Readonly<Record<string, CodeMeaning>> = {
  '4000': { en: 'Customer cancellation', ja: '顧客による取消' },
  '4006': { en: 'Late response', ja: '応答遅延' },
  '4007': { en: 'Card acceptor device unable to complete', ja: '端末での完了不可' },
  '4013': { en: 'Unable to deliver message to the point of service', ja: '端末へ配信不可' },
  '4020': { en: 'Invalid response, no action taken', ja: '不正応答のため未処理' },
  '4021': { en: 'Timeout waiting for response', ja: '応答待ちタイムアウト' },
  '4351': { en: 'Signature mismatch', ja: '署名不一致' },
};

/** The meaning of a reason code. */
export const describeReasonCode = (code: string): CodeMeaning | undefined => ownEntry(reasonCodes, code);
