import { defineErrors } from './define.ts';

/** Errors of the management API and the metrics listener. */
export const apiErrors = defineErrors({
  UNAUTHENTICATED: {
    en: {
      says: 'No valid sign-in came with the request.',
      next: 'Send "Authorization: Bearer" with the token of access.json, or open a fresh sign-in link.',
    },
    ja: {
      says: '有効なサインイン情報がありません。',
      next: 'access.json のトークンを Authorization: Bearer で送るか、新しいサインインリンクを開いてください。',
    },
  },
  SIGN_IN_TOKEN_INVALID: {
    en: {
      says: 'The sign-in link was used before, is older than 15 minutes, or was never issued.',
      next: 'Ask the server for a new link: every start prints one.',
    },
    ja: {
      says: 'サインインリンクは使用済み、15分の期限切れ、または発行されていないものです。',
      next: '新しいリンクを使ってください。起動のたびに表示されます。',
    },
  },
  ROLE_INSUFFICIENT: {
    en: { says: 'Your role does not allow this.', next: 'Ask an administrator to do it, or for a wider role.' },
    ja: { says: 'この操作はあなたの権限では行えません。', next: '管理者に操作または権限の追加を依頼してください。' },
  },
  CROSS_SITE_REFUSED: {
    en: {
      says: 'The request was sent by a page of another site.',
      next: 'Use the dashboard under its own address; other programs use a bearer token.',
    },
    ja: {
      says: '別のサイトのページから送られた要求です。',
      next: 'ダッシュボード本来のアドレスで操作してください。プログラムからはベアラートークンを使います。',
    },
  },
  HOST_REFUSED: {
    en: {
      says: 'The request names a host that this server does not answer for.',
      next: 'Use the address that the server printed at start.',
    },
    ja: {
      says: 'このサーバーのものではないホスト名が指定されています。',
      next: '起動時に表示されたアドレスを使ってください。',
    },
  },
  HTTP_MALFORMED: {
    en: { says: 'What was sent is not HTTP.', next: 'Speak HTTP/1.1 to this port.' },
    ja: { says: '受信した内容がHTTPではありません。', next: 'このポートにはHTTP/1.1で接続してください。' },
  },
  REQUEST_INCOMPLETE: {
    en: { says: 'The request did not arrive completely in time.', next: 'Check the connection and send it again.' },
    ja: { says: '要求が時間内に最後まで届きませんでした。', next: '接続を確認して再送してください。' },
  },
  BODY_NOT_JSON: {
    en: { says: 'The body is not JSON.', next: 'Send one JSON value in UTF-8.' },
    ja: { says: '本文がJSONではありません。', next: 'UTF-8のJSON値を1つ送ってください。' },
  },
  MEDIA_TYPE_UNSUPPORTED: {
    en: { says: 'The body has a media type that is not read here.', next: 'Send "Content-Type: application/json".' },
    ja: { says: '本文の形式に対応していません。', next: 'Content-Type: application/json で送ってください。' },
  },
  RATE_LIMITED: {
    en: { says: 'Too many requests in a short time.', next: 'Wait as long as the Retry-After header says.' },
    ja: { says: '短時間に要求が多すぎます。', next: 'Retry-After ヘッダーの秒数だけ待ってください。' },
  },
  PRECONDITION_REQUIRED: {
    en: {
      says: 'A change of the configuration must name the version that it changes.',
      next: 'Read it, then send its ETag as If-Match.',
    },
    ja: {
      says: '構成の変更には、変更元の版の指定が必要です。',
      next: '現在の構成を取得し、ETag を If-Match で送ってください。',
    },
  },
  IDEMPOTENCY_KEY_INVALID: {
    en: {
      says: 'The Idempotency-Key is not acceptable.',
      next: 'Send 8 to 128 printable characters, a UUID for example.',
    },
    ja: {
      says: 'Idempotency-Key の形式が正しくありません。',
      next: 'UUIDなど8〜128文字の印字可能文字にしてください。',
    },
  },
  IDEMPOTENCY_KEY_REUSED: {
    en: {
      says: 'This Idempotency-Key was used for another request.',
      next: 'Make a new key for each new request; keep it only for repeats of the same one.',
    },
    ja: {
      says: 'この Idempotency-Key は別の要求で使われています。',
      next: '新しい要求には新しいキーを使い、同じ要求の再送時だけ使い回してください。',
    },
  },
  IDEMPOTENCY_IN_FLIGHT: {
    en: { says: 'The same request is still being worked on.', next: 'Wait a moment and repeat it.' },
    ja: { says: '同じ要求をまだ処理しています。', next: '少し待ってから再送してください。' },
  },
  STREAMS_EXHAUSTED: {
    en: { says: 'Too many live streams are open.', next: 'Close dashboards that nobody looks at, then try again.' },
    ja: { says: 'ライブ接続の数が上限に達しています。', next: '使っていない画面を閉じてから再試行してください。' },
  },
  BIND_NEEDS_TLS: {
    en: {
      says: 'The management API is not served in the clear outside this machine.',
      next: 'Bind it to 127.0.0.1, or give it a certificate and key.',
    },
    ja: {
      says: '管理APIを暗号化なしで外部に公開することはできません。',
      next: '127.0.0.1 で待ち受けるか、証明書と鍵を設定してください。',
    },
  },
});
