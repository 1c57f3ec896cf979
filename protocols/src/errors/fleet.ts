import { defineErrors } from './define.ts';

/** Errors of enrolment, broker, twin, jobs, artefacts, negative file and management. */
export const fleetErrors = defineErrors({
  SIGNATURE_INVALID: {
    en: {
      says: 'The signature is not that of a trusted key.',
      next: 'Check that the terminal was enrolled at this server; otherwise enrol it again.',
    },
    ja: {
      says: '署名が信頼済みの鍵のものではありません。',
      next: 'このサーバーで登録された端末か確認し、違う場合は再登録してください。',
    },
  },
  NEGATIVE_FILE_INVALID: {
    en: {
      says: 'The negative file is damaged or not canonical.',
      next: 'It is fetched again by itself; if this repeats, compare its SHA-256 with the signed head.',
    },
    ja: {
      says: 'ネガファイルが壊れているか、正規の形式ではありません。',
      next: '自動で再取得します。繰り返す場合は署名付きヘッドのSHA-256と照合してください。',
    },
  },
});
