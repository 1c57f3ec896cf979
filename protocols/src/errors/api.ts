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
    en: {
      says: 'Your role does not allow this.',
      next: 'Ask somebody whose role allows it, or an administrator for a wider role.',
    },
    ja: {
      says: 'この操作はあなたの権限では行えません。',
      next: '権限を持つ人に操作を依頼するか、管理者に権限の追加を依頼してください。',
    },
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
      says: 'A change of this must name the version that it changes.',
      next: 'Read it, then send its ETag as If-Match.',
    },
    ja: {
      says: '変更には、変更元の版の指定が必要です。',
      next: '現在の内容を取得し、ETag を If-Match で送ってください。',
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
  APPROVAL_UNKNOWN: {
    en: { says: 'There is no such request for approval.', next: 'List what waits: tsunagu approvals list.' },
    ja: { says: 'その承認依頼はありません。', next: 'tsunagu approvals list で承認待ちを確認してください。' },
  },
  APPROVAL_OWN: {
    en: { says: 'Nobody approves what they asked for themselves.', next: 'Have another person with the role decide.' },
    ja: {
      says: '自分の依頼を自分で承認することはできません。',
      next: '権限を持つ別の担当者に判断を依頼してください。',
    },
  },
  APPROVAL_NOT_APART: {
    en: {
      says: 'This approval would come from the side that asked: you let them in, they let you in, one person let you both in, or you are the owner of the machine.',
      next: 'Have somebody with the role decide whom the owner of the machine let in: tsunagu people add NAME --role admin.',
    },
    ja: {
      says: '依頼した側からの承認にあたります（一方が他方を登録した、同じ担当者が両方を登録した、またはこのマシンの所有者による承認です）。',
      next: 'マシンの所有者が登録した別の担当者（権限を持つ人）に判断を依頼してください: tsunagu people add 名前 --role admin',
    },
  },
  APPROVAL_CLOSED: {
    en: { says: 'This was decided already.', next: 'Ask anew if it is wanted after all.' },
    ja: { says: 'すでに判断が下されています。', next: '必要であれば改めて依頼してください。' },
  },
  APPROVAL_EXPIRED: {
    en: {
      says: 'Nobody decided in time, or what was asked for was taken back.',
      next: 'Ask anew: what is approved must be what is wanted now.',
    },
    ja: {
      says: '期限までに判断されなかったか、依頼が取り下げられました。',
      next: '現在の内容で改めて依頼してください。',
    },
  },
  ROLES_CONFLICT: {
    en: {
      says: 'These roles cannot be held together: one would order what the other approves, or audit its own work.',
      next: 'Give them to two people. The roles and duties at odds stand in the answer.',
    },
    ja: {
      says: 'これらの役割は兼任できません。依頼と承認、または作業と監査が同一人物になります。',
      next: '別々の担当者に割り当ててください。該当する役割と職務は応答に示されています。',
    },
  },
  ROLES_OWN: {
    en: { says: 'Nobody changes their own roles.', next: 'Have another administrator do it.' },
    ja: { says: '自分自身の役割は変更できません。', next: '別の管理者に依頼してください。' },
  },
  PERSON_UNKNOWN: {
    en: { says: 'There is no such person.', next: 'List the people: tsunagu people.' },
    ja: { says: 'その担当者は登録されていません。', next: 'tsunagu people で確認してください。' },
  },
  PERSON_EXISTS: {
    en: {
      says: 'Somebody signs in with this name already.',
      next: 'Choose another name, or change the person there is.',
    },
    ja: {
      says: 'その名前の担当者はすでに登録されています。',
      next: '別の名前にするか、既存の担当者を変更してください。',
    },
  },
  PEOPLE_FULL: {
    en: {
      says: 'There are as many people as the server keeps.',
      next: 'Use a directory of your own and tokens for machines.',
    },
    ja: { says: '登録できる担当者数の上限に達しています。', next: '機械用にはトークンを使ってください。' },
  },
  PASSPHRASE_WRONG: {
    en: {
      says: 'Name and passphrase do not belong together.',
      next: 'Try again, or ask an administrator for a sign-in link.',
    },
    ja: {
      says: '名前またはパスフレーズが正しくありません。',
      next: '入力し直すか、管理者にサインインリンクを依頼してください。',
    },
  },
  SESSION_UNKNOWN: {
    en: { says: 'There is no such session.', next: 'It may have ended by itself: list what is open.' },
    ja: { says: 'そのセッションはありません。', next: 'すでに終了した可能性があります。一覧を確認してください。' },
  },
  TOKEN_UNKNOWN: {
    en: { says: 'There is no such token.', next: 'List the tokens: tsunagu tokens.' },
    ja: { says: 'そのトークンはありません。', next: 'tsunagu tokens で確認してください。' },
  },
  TOKENS_FULL: {
    en: { says: 'There are as many tokens as the server keeps.', next: 'Revoke what nobody uses.' },
    ja: { says: 'トークン数の上限に達しています。', next: '使われていないトークンを失効させてください。' },
  },
  SCOPE_TOO_WIDE: {
    en: {
      says: 'A token cannot do what its maker may not.',
      next: 'Leave out what the answer names, or have somebody make it who has that role.',
    },
    ja: {
      says: '作成者に許されていない操作をトークンに与えることはできません。',
      next: '応答に示された権限を外すか、その役割を持つ人に作成を依頼してください。',
    },
  },
  PLACE_OUTSIDE: {
    en: { says: 'This token is for other places.', next: 'Use a token that covers the place of the terminal.' },
    ja: { says: 'このトークンの対象外の設置場所です。', next: '対象の設置場所を含むトークンを使ってください。' },
  },
  QUERY_UNKNOWN: {
    en: {
      says: 'The query has a filter that this list does not know.',
      next: 'Use one of those that the answer names.',
    },
    ja: { says: 'この一覧にない絞り込み条件が指定されています。', next: '応答に示された条件を使ってください。' },
  },
  IDEMPOTENCY_ANSWER_LOST: {
    en: {
      says: 'The first request with this key took effect, wholly or in part, but its answer was lost.',
      next: 'Look at what it was about: the audit log has it under the request id of the answer. Nothing was done again.',
    },
    ja: {
      says: 'このキーの最初の要求は（全部または一部）反映されましたが、応答が失われました。',
      next: '応答の要求IDで監査ログを確認してください。二重には実行していません。',
    },
  },
  AUDIT_FILE_INVALID: {
    en: { says: 'The file is not an exported audit log.', next: 'Make one: tsunagu audit export > FILE.' },
    ja: {
      says: '監査ログの書き出しファイルではありません。',
      next: 'tsunagu audit export > ファイル で作成してください。',
    },
  },
  AUDIT_HEADS_INVALID: {
    en: {
      says: 'There is no signed head of an audit log in the file.',
      next: 'Give audit-heads.jsonl, or what tsunagu audit head printed earlier: one head a line.',
    },
    ja: {
      says: '監査ログの署名済みヘッドがファイルにありません。',
      next: 'audit-heads.jsonl か、以前の tsunagu audit head の出力（1行1ヘッド）を指定してください。',
    },
  },
  AUDIT_ALTERED: {
    en: {
      says: 'Entries of the audit log were altered or removed in the store itself.',
      next: 'Keep the store as it is, and see which: tsunagu audit export --out FILE, then tsunagu audit verify FILE --heads FILE.',
    },
    ja: {
      says: '監査ログの記録が、データベース内で直接改変または削除されています。',
      next: 'データベースをそのまま保全し、tsunagu audit export --out ファイル と tsunagu audit verify ファイル --heads ファイル で該当箇所を確認してください。',
    },
  },
  WEBHOOK_UNKNOWN: {
    en: { says: 'There is no such webhook.', next: 'List the webhooks: tsunagu webhooks.' },
    ja: { says: 'そのWebhookはありません。', next: 'tsunagu webhooks で確認してください。' },
  },
  WEBHOOKS_FULL: {
    en: { says: 'There are as many webhooks as the server keeps.', next: 'Remove one that nobody reads.' },
    ja: { says: 'Webhook数の上限に達しています。', next: '使われていないものを削除してください。' },
  },
  WEBHOOK_PAUSED: {
    en: {
      says: 'The webhook is paused.',
      next: 'Resume it: what waits is tried at once (tsunagu webhooks resume ID).',
    },
    ja: {
      says: 'このWebhookは停止中です。',
      next: '再開すると、待機中のメッセージが直ちに送信されます（tsunagu webhooks resume ID）。',
    },
  },
  WEBHOOK_URL_REFUSED: {
    en: {
      says: 'Messages are not sent to this address: it is not HTTPS, or it leads into a network that is not public.',
      next: 'Give a public HTTPS address, or start the server with --webhook-allow for that network.',
    },
    ja: {
      says: 'このアドレスには送信できません。HTTPSでないか、公開されていないネットワークを指しています。',
      next: '公開HTTPSアドレスを指定するか、--webhook-allow でそのネットワークを許可して起動してください。',
    },
  },
  WEBHOOK_UNREACHABLE: {
    en: {
      says: 'The receiver cannot be reached.',
      next: 'Check its name and whether it listens; messages are tried again.',
    },
    ja: { says: '受信側に接続できません。', next: '名前と待ち受けを確認してください。自動的に再送されます。' },
  },
  WEBHOOK_TIMEOUT: {
    en: {
      says: 'The receiver did not answer in time.',
      next: 'Answer first and work afterwards; messages are tried again.',
    },
    ja: {
      says: '受信側が時間内に応答しませんでした。',
      next: '先に応答してから処理してください。自動的に再送されます。',
    },
  },
  WEBHOOK_STATUS: {
    en: {
      says: 'The receiver answered that it did not take the message.',
      next: 'Look at its log; messages are tried again.',
    },
    ja: {
      says: '受信側がメッセージを受け取らなかったと応答しました。',
      next: '受信側の記録を確認してください。自動的に再送されます。',
    },
  },
  WEBHOOK_REDIRECTED: {
    en: { says: 'The receiver pointed elsewhere, and redirects are not followed.', next: 'Enter the final address.' },
    ja: { says: '受信側がリダイレクトを返しました（追跡しません）。', next: '最終的なアドレスを登録してください。' },
  },
  BULK_TOO_MANY: {
    en: {
      says: 'That is more than one request takes.',
      next: 'Split it, or make a campaign for a large part of the fleet.',
    },
    ja: {
      says: '1回の要求で扱える件数を超えています。',
      next: '分割するか、広範囲の場合は配信キャンペーンを使ってください。',
    },
  },
});
