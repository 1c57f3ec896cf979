import { defineErrors } from './define.ts';

/** Errors of the command line and of the house's supervisor. */
export const cliErrors = defineErrors({
  FILE_NOT_WRITTEN: {
    en: { says: 'The file cannot be written.', next: 'Check that its folder exists and may be written.' },
    ja: { says: 'ファイルを書き込めません。', next: 'フォルダの有無と書き込み権限を確認してください。' },
  },
  FILE_UNREADABLE: {
    en: { says: 'The file cannot be read.', next: 'Check its name and that you may read it.' },
    ja: { says: 'ファイルを読み込めません。', next: 'ファイル名と読み取り権限を確認してください。' },
  },
  CARRIED_FILE_INVALID: {
    en: {
      says: 'The file holds no jobs that were carried for this terminal, or no reports.',
      next: 'Jobs come from "tsunagu job carry SERIALS --out FILE", reports from the terminal. Compare the serial.',
    },
    ja: {
      says: 'この端末宛の持参ジョブ、または結果のファイルではありません。',
      next: 'ジョブは「tsunagu job carry SERIALS --out FILE」、結果は端末が出力します。機器番号を確認してください。',
    },
  },
  FILE_UNUSABLE: {
    en: {
      says: 'The file cannot be opened.',
      next: 'Check that its folder exists, and that you may read and write there.',
    },
    ja: { says: 'ファイルを開けません。', next: 'フォルダの有無と読み書きの権限を確認してください。' },
  },
  CONFIRMATION_MISSING: {
    en: {
      says: 'This cannot be undone, and was not confirmed.',
      next: 'Say it again with the --confirm that is named here.',
    },
    ja: {
      says: '取り消せない操作です。確認がありません。',
      next: 'ここに示した --confirm を付けて再度実行してください。',
    },
  },
  ACCESS_MISSING: {
    en: {
      says: 'No server is known here.',
      next: 'Start the house with "npm start", or set TSUNAGU_URL and TSUNAGU_TOKEN.',
    },
    ja: {
      says: '接続先のサーバーが分かりません。',
      next: '「npm start」で起動するか、TSUNAGU_URLとTSUNAGU_TOKENを設定してください。',
    },
  },
  ACCESS_INVALID: {
    en: { says: 'The access file cannot be read.', next: 'Delete it and start the server again: it writes a new one.' },
    ja: { says: 'アクセスファイルを読めません。', next: '削除してサーバーを再起動すると、新しく作られます。' },
  },
  AUTH_REQUIRED: {
    en: {
      says: 'The server does not accept the credentials.',
      next: 'Check TSUNAGU_TOKEN, or remove it to use the access file of the running house.',
    },
    ja: {
      says: '認証情報が受け付けられませんでした。',
      next: 'TSUNAGU_TOKENを確認するか、削除して起動中のアクセスファイルを使ってください。',
    },
  },
  SERVER_UNREACHABLE: {
    en: {
      says: 'The server does not answer.',
      next: 'Check that it runs ("npm start") and that the address is right.',
    },
    ja: { says: 'サーバーが応答しません。', next: '起動しているか(npm start)、アドレスが正しいか確認してください。' },
  },
  ANSWER_INVALID: {
    en: {
      says: 'The server answered with something this version does not understand.',
      next: 'Use the CLI and the server of the same version.',
    },
    ja: { says: 'サーバーの応答を解釈できません。', next: 'CLIとサーバーのバージョンを揃えてください。' },
  },
  NOT_A_TERMINAL: {
    en: { says: 'The screen needs a terminal.', next: 'In scripts use "tsunagu terminals --json" and its siblings.' },
    ja: {
      says: '画面表示には端末(TTY)が必要です。',
      next: 'スクリプトでは「tsunagu terminals --json」などを使ってください。',
    },
  },
  WAIT_TOO_LONG: {
    en: {
      says: 'Nothing was heard in time.',
      next: 'See the job in the terminal’s timeline: it goes on, and its result will stand there.',
    },
    ja: { says: '時間内に結果が届きませんでした。', next: '処理は続いています。端末の履歴で結果を確認してください。' },
  },
  CARD_NUMBER_INVALID: {
    en: {
      says: 'A card number has 12 to 19 digits.',
      next: 'Give the digits only, or "-" to read them from standard input.',
    },
    ja: { says: 'カード番号は12〜19桁の数字です。', next: '数字だけを指定するか、「-」で標準入力から渡してください。' },
  },
  SEARCH_BY_CARD_NUMBER: {
    en: {
      says: 'What was given to search by looks like a card number. Nothing was sent: a card number has no place in an address.',
      next: 'Search by --last-four, --rrn or the token that `tsunagu switch show` names (tok_…), and clear the number from the history of the shell.',
    },
    ja: {
      says: '検索条件にカード番号のような値があります。カード番号をURLに載せないため、何も送信していません。',
      next: '--last-four、--rrn、または`tsunagu switch show`に出るトークン(tok_…)で検索し、シェルの履歴からカード番号を消してください。',
    },
  },
  HOUSE_RUNNING: {
    en: {
      says: 'A house already runs on this data folder.',
      next: 'Stop it with Ctrl-C in its window, or use another folder with --data.',
    },
    ja: {
      says: 'このデータフォルダーでは既に起動中です。',
      next: 'そのウィンドウでCtrl-Cで止めるか、--dataで別のフォルダーを指定してください。',
    },
  },
  PROCESS_DIED: {
    en: {
      says: 'A part of the house ended unexpectedly, again and again, or did not come up.',
      next: 'Its log names the cause; the other parts were stopped cleanly.',
    },
    ja: {
      says: '構成プロセスの一つが繰り返し異常終了したか、起動できませんでした。',
      next: 'ログに原因があります。他のプロセスは正常に停止しました。',
    },
  },
  START_TOO_SLOW: {
    en: {
      says: 'A part of the house did not come up in time.',
      next: 'Look into its log; on a slow machine start again, what was done is kept.',
    },
    ja: {
      says: '構成プロセスの一つが時間内に起動しませんでした。',
      next: 'ログを確認してください。遅い機械ではもう一度起動すると続きから始まります。',
    },
  },
  COMMAND_INVALID: {
    en: {
      says: 'There is no such command, or these are not the arguments that it takes.',
      next: 'See the command’s --help.',
    },
    ja: { says: 'そのようなコマンドがないか、引数が正しくありません。', next: '--helpを参照してください。' },
  },
  OPTION_INVALID: {
    en: {
      says: 'An option is missing, does not belong here, or has a value it cannot have.',
      next: 'See the command’s --help.',
    },
    ja: { says: 'オプションがないか、ここでは使えないか、値が正しくありません。', next: '--helpを参照してください。' },
  },
  UNKNOWN_OP: {
    en: {
      says: 'There is no such family or operation.',
      next: 'See the table of the workbench contract in the README of the CLI.',
    },
    ja: { says: 'その種別または操作はありません。', next: 'CLIのREADMEにある操作の一覧を参照してください。' },
  },
  REQUEST_INVALID: {
    en: { says: 'A line of input is not a JSON object with id, family and op.', next: 'Write one JSON object a line.' },
    ja: {
      says: '入力行が id・family・op を持つJSONオブジェクトではありません。',
      next: '1行に1つのJSONオブジェクトを書いてください。',
    },
  },
});
