import { defineErrors } from './define.ts';

/** Errors of the switch room and of the wire in front of it (`acquiring`). */
export const switchErrors = defineErrors({
  ACQUIRING_FRAME_INVALID: {
    en: {
      says: 'The bytes on the acquiring port are not a frame of this protocol.',
      next: 'Check that the far side speaks the acquiring protocol, version 1, and that nothing else points at this port.',
    },
    ja: {
      says: 'アクワイアリングポートに届いたデータは、このプロトコルのフレームではありません。',
      next: '接続元がアクワイアリングプロトコル バージョン1を使っているか、他の機器がこのポートに向いていないか確認してください。',
    },
  },
  ACQUIRING_FRAME_TOO_LONG: {
    en: {
      says: 'A frame is longer than the link allows.',
      next: 'Compare the length with the link profile; a length that makes no sense means the two sides lost step.',
    },
    ja: {
      says: 'フレームの長さがリンクの上限を超えています。',
      next: 'リンクプロファイルの上限と照らし合わせてください。あり得ない長さなら、両側の同期がずれています。',
    },
  },
  ACQUIRING_FRAME_INCOMPLETE: {
    en: {
      says: 'A frame was begun and not finished in time.',
      next: 'Look at the line of this terminal: it stopped in the middle of a message. The terminal connects again by itself.',
    },
    ja: {
      says: 'フレームが途中で止まり、時間内に完了しませんでした。',
      next: '端末の回線を確認してください。端末は自動的に再接続します。',
    },
  },
  ACQUIRING_FRAME_NOT_AUTHENTIC: {
    en: {
      says: 'The frame failed authentication.',
      next: 'Terminal: compare the check value of the initial DUKPT key on both sides; load the key again when they differ. Link to a centre: order new working keys with `tsunagu switch change-key LINK`.',
    },
    ja: {
      says: 'フレームの認証に失敗しました。',
      next: '端末の場合は、両側で初期DUKPT鍵のチェックバリューを比べ、異なるときは鍵を再投入してください。センターの回線の場合は `tsunagu switch change-key リンク` で鍵を交換してください。',
    },
  },
  ACQUIRING_KSN_UNKNOWN: {
    en: {
      says: 'The key serial number does not belong to the terminal that sent it.',
      next: 'Look at the key slots of the terminal; queue a key load when its initial key id is not the one on file.',
    },
    ja: {
      says: '鍵シリアル番号(KSN)が、送信した端末のものではありません。',
      next: '端末の鍵スロットを確認し、初期鍵IDが登録と異なる場合は鍵投入ジョブを実行してください。',
    },
  },
  ACQUIRING_ACQUIRER_KEY: {
    en: {
      says: 'The frame is not under the keys that the card company of this card has in the terminal.',
      next: 'Compare the slots acquirer/NAME/… of the terminal with the key ledger, and its setting acquirerCards with the acquirer of the route.',
    },
    ja: {
      says: 'フレームは、このカードのカード会社が端末に持つ鍵によるものではありません。',
      next: '端末の acquirer/名前/… スロットを鍵台帳と、設定 acquirerCards を経路の acquirer と照合してください。',
    },
  },
  ACQUIRING_KSN_REUSED: {
    en: {
      says: 'The transaction counter of this key serial number was used before.',
      next: 'The terminal goes on with the next counter. If it happens again, look for a restored backup or a copied terminal.',
    },
    ja: {
      says: 'このKSNの取引カウンターは既に使われています。',
      next: '端末は次のカウンターで続行します。繰り返す場合は、バックアップの復元や端末の複製を疑ってください。',
    },
  },
  ACQUIRING_KSN_INVALID: {
    en: {
      says: 'The transaction counter is one that no terminal may use.',
      next: 'The terminal has to be given a new initial key; queue a key load.',
    },
    ja: {
      says: '使用できない取引カウンターです。',
      next: '端末に新しい初期鍵が必要です。鍵投入ジョブを実行してください。',
    },
  },
  ACQUIRING_MESSAGE_INVALID: {
    en: {
      says: 'The frame is genuine, but the message inside cannot be read as ISO 8583.',
      next: 'The data element and the offset are named in the log; compare the software of the terminal with the link profile.',
    },
    ja: {
      says: 'フレームは正当ですが、中の電文をISO 8583として読めません。',
      next: 'ログにデータ項目と位置があります。端末ソフトウェアとリンクプロファイルを照らし合わせてください。',
    },
  },
  ACQUIRING_MESSAGE_REFUSED: {
    en: {
      says: 'The message is readable, but it lacks an element, or holds one that has no place or no sense in it.',
      next: 'The data element is named; the table of messages says what each one carries.',
    },
    ja: {
      says: '電文は読めますが、必要な項目がないか、あってはならない項目や値があります。',
      next: '該当項目を電文定義表と照らし合わせてください。',
    },
  },
  ACQUIRING_BUSY: {
    en: {
      says: 'The switch has as many requests in hand as it takes.',
      next: 'Nothing was sent to the card company; try again in a moment.',
    },
    ja: {
      says: 'スイッチの処理件数が上限に達しています。',
      next: 'カード会社へは送信していません。しばらくしてから再試行してください。',
    },
  },
  SWITCH_DUPLICATE_DIFFERS: {
    en: {
      says: 'A second request has the number of an earlier one and another content.',
      next: 'It was refused with 913. Look for a terminal that counts its trace numbers anew, or for a copied one.',
    },
    ja: {
      says: '以前の要求と同じ通番で内容の異なる要求が届きました。',
      next: '913で拒否しました。通番が巻き戻った端末や複製された端末がないか確認してください。',
    },
  },
  SWITCH_IN_PROGRESS: {
    en: {
      says: 'The same request is still being worked on.',
      next: 'Wait for its answer.',
    },
    ja: { says: '同じ要求を処理中です。', next: '回答をお待ちください。' },
  },
  SWITCH_JOURNAL_FAILED: {
    en: {
      says: 'The journal could not be written, so nothing was sent.',
      next: 'Look at the disk of the server: full, read-only or failing.',
    },
    ja: {
      says: 'ジャーナルに書き込めなかったため、何も送信していません。',
      next: 'サーバーのディスク(空き容量・書込可否・故障)を確認してください。',
    },
  },
  SWITCH_ROUTE_UNKNOWN: {
    en: {
      says: 'No card company is responsible for this card.',
      next: 'Add a route for its leading digits, when it ought to be accepted.',
    },
    ja: {
      says: 'このカードを担当するカード会社がありません。',
      next: '受け付けるべきカードなら、先頭桁の経路を追加してください。',
    },
  },
  SWITCH_NOT_SENT: {
    en: {
      says: 'A request could not be written for the card company. Nothing was sent; it was declined with 909.',
      next: 'Compare the link profile (element lengths, frame length) with what the card company takes; the log names the cause. The sale may be made again.',
    },
    ja: {
      says: 'カード会社への要求電文を作成できませんでした。送信はしておらず、応答コード909で拒否しました。',
      next: 'リンクプロファイルの要素長と電文長をカード会社の仕様と照合してください。原因はログにあります。取引はやり直せます。',
    },
  },
  SWITCH_OUTCOME_UNKNOWN: {
    en: {
      says: 'Something failed here between the request to the card company and its answer, so the outcome is unknown.',
      next: 'Nothing to do: a reversal is on its way, and repeated until the card company takes it.',
    },
    ja: {
      says: 'カード会社への要求と回答の間でスイッチに障害があり、結果が不明です。',
      next: '操作は不要です。カード会社が受け付けるまで取消(リバーサル)を送ります。',
    },
  },
  SWITCH_ORIGINAL_UNKNOWN: {
    en: {
      says: 'A reversal names an original that the journal does not know.',
      next: 'It is kept, and wins if the original still arrives. Compare the trace number with the slip.',
    },
    ja: {
      says: '取消の対象となる元取引がジャーナルにありません。',
      next: '取消は保存され、元取引が後から届いた場合に優先されます。通番を伝票と照合してください。',
    },
  },
  SWITCH_VOID_REFUSED: {
    en: {
      says: 'The issuer does not take back what went onto a card: its value was spent meanwhile (116), or the card may not give it. The void did not happen, and the till was told so.',
      next: 'Hand nothing back at the till. What is left on the card is given back at the counter, through the issuer.',
    },
    ja: {
      says: 'カードに入れた価値を発行会社が戻しませんでした(残高不足116など)。取消は成立しておらず、端末にも通知済みです。',
      next: '店頭で現金などを渡さないでください。カードの残額の払い戻しは、窓口で発行会社を通して行ってください。',
    },
  },
  SWITCH_FOLLOW_UP_REFUSED: {
    en: {
      says: 'A refund, completion or cancellation does not fit what it names: unknown, of another card, followed up before, or above what is left.',
      next: 'Compare it with the transaction that it names; the action code says which it is (914, 902, 110).',
    },
    ja: {
      says: '返品・承認後売上・取消が元の取引と一致しません(不明、別のカード、処理済、残額超過)。',
      next: '元の取引と照合してください。応答コード(914・902・110)が理由を示します。',
    },
  },
  SWITCH_RATES_STALE: {
    en: {
      says: 'There is no rate in force for the currency of the card, so nothing is offered in it.',
      next: 'The sale goes on in yen. Look at "tsunagu switch rates show", and put newer rates in force.',
    },
    ja: {
      says: 'カードの通貨に有効な換算レートがないため、自国通貨での提示はしません。',
      next: '円での売上は続けられます。tsunagu switch rates showで確認し、新しいレートを登録してください。',
    },
  },
  SWITCH_RATES_UNREADABLE: {
    en: {
      says: 'A line of the file is no rate, or there is none in it.',
      next: 'Each line is a currency of ISO 4217 and yen for one unit, with a point and no other comma: "USD,152.34".',
    },
    ja: {
      says: 'ファイルの行がレートとして読めないか、レートが一件もありません。',
      next: '各行はISO 4217の通貨と1単位あたりの円です(例: USD,152.34)。小数点はピリオドとし、桁区切りのコンマは使えません。',
    },
  },
  SWITCH_RATE_NOT_OFFERED: {
    en: {
      says: 'Nothing is offered in the currency of this card: it is the yen, not known, or not agreed with the card company.',
      next: 'The sale goes on in yen. Currencies are in the contract (dccCurrencies), cards in the rates.',
    },
    ja: {
      says: 'このカードの通貨では提示しません(円、不明、またはカード会社との契約外)。',
      next: '円での売上は続けられます。通貨は契約(dccCurrencies)、カードの先頭桁はレート表にあります。',
    },
  },
  SWITCH_RATE_LOOK_UPS_TOO_MANY: {
    en: {
      says: 'A terminal asked for more rates than a till can need; it is answered 123 for a while.',
      next: 'Look at what it does (tsunagu terminal SERIAL); block it if it is not in honest hands (tsunagu revoke SERIAL).',
    },
    ja: {
      says: '端末からのレート照会が多すぎます。しばらくの間123で応答します。',
      next: '端末の動作を確認し(tsunagu terminal SERIAL)、不審な場合は失効させてください(tsunagu revoke SERIAL)。',
    },
  },
  SWITCH_OFFER_UNKNOWN: {
    en: {
      says: 'A sale in the currency of the card names no offer that was made to this terminal for this card.',
      next: 'It was refused with 914, and nothing was sent. Look up the rate again, or sell in yen.',
    },
    ja: {
      says: 'カード通貨での売上ですが、この端末・このカードへの提示が見つかりません。',
      next: '914で拒否し、送信していません。レートを再照会するか、円で売上してください。',
    },
  },
  SWITCH_OFFER_USED: {
    en: {
      says: 'The offer was used by another sale already.',
      next: 'An offer is good for one sale. It was refused with 902: look up the rate again.',
    },
    ja: {
      says: 'この提示は別の売上で使用済です。',
      next: '提示は1回の売上に限り有効です。902で拒否しました。レートを再照会してください。',
    },
  },
  SWITCH_OFFER_EXPIRED: {
    en: {
      says: 'The offer of a rate is over.',
      next: 'It was refused with 903: look up the rate again, and let the cardholder choose anew.',
    },
    ja: {
      says: '提示したレートの有効期限が過ぎています。',
      next: '903で拒否しました。レートを再照会し、カード会員に改めて選んでもらってください。',
    },
  },
  SWITCH_OFFER_DIFFERS: {
    en: {
      says: 'Amount, rate or currency are others than those that were offered, or than those of the sale that is given back.',
      next: 'It was refused with 110. A refund of a converted sale has its rate; compare both with "tsunagu switch show".',
    },
    ja: {
      says: '金額・レート・通貨が提示内容、または返品元の売上と異なります。',
      next: '110で拒否しました。返品には元の売上のレートを使います。tsunagu switch showで照合してください。',
    },
  },
  ISSUER_DAY_REFUSED: {
    en: {
      says: 'The issuer did not compare the business day: it answered neither 500 nor 501.',
      next: 'The message names its action code. 904: compare the rule of the net amount (`reconciliation.netRule`) and the dialect of both sides. Otherwise try again later; a day that is over is tried again by itself.',
    },
    ja: {
      says: 'カード会社が営業日の照合を行いませんでした(500・501以外の応答)。',
      next: '応答コードはメッセージにあります。904の場合は差引額の計算規則(reconciliation.netRule)と電文仕様を双方で確認してください。それ以外は時間をおいて再実行してください。終了した営業日は自動で再試行されます。',
    },
  },
  ISSUER_LINK_DOWN: {
    en: {
      says: 'The line to the card company is down.',
      next: 'It is dialled again by itself with growing pauses. Check that the card company listens and that the credentials are its own.',
    },
    ja: {
      says: 'カード会社との回線が切れています。',
      next: '間隔をあけて自動的に再接続します。カード会社側の待受けと資格情報を確認してください。',
    },
  },
  ISSUER_TIMEOUT: {
    en: {
      says: 'The card company did not answer in time.',
      next: 'The sale was not approved, and a reversal is sent until the card company takes it.',
    },
    ja: {
      says: 'カード会社から時間内に回答がありませんでした。',
      next: '売上は成立していません。カード会社が受け付けるまで取消を送ります。',
    },
  },
  ISSUER_ANSWER_UNMATCHED: {
    en: {
      says: 'An answer of the card company matches no request that waits.',
      next: 'It was journalled. The facts say which elements differed, or how late it was.',
    },
    ja: {
      says: 'カード会社の回答に対応する待機中の要求がありません。',
      next: 'ジャーナルに記録しました。一致しなかった項目または遅延時間がログにあります。',
    },
  },
  ISSUER_MESSAGE_INVALID: {
    en: {
      says: 'A message on a line of the switch cannot be read.',
      next: 'Compare dialect and frame of both sides of the link; the alarm names the data element, the log the offset.',
    },
    ja: {
      says: 'センターの回線で読めない電文を受信しました。',
      next: 'リンクの両側で電文形式とフレームを照らし合わせてください。データ項目は警報に、位置はログにあります。',
    },
  },
  ISSUER_MAC_INVALID: {
    en: {
      says: 'The MAC of a message on a line of the switch is wrong or missing.',
      next: 'The message had no effect. Order new working keys with `tsunagu switch change-key LINK`; when it goes on, compare the MAC settings of both sides.',
    },
    ja: {
      says: 'センターの回線で受信した電文のMACが誤っているか、ありません。',
      next: '電文は無効としました。`tsunagu switch change-key リンク` で鍵を交換し、続く場合は両側のMACの設定を照らし合わせてください。',
    },
  },
  ISSUER_SIGN_ON_REFUSED: {
    en: {
      says: 'The card company refused the sign-on or the key exchange.',
      next: 'The action code is in the log. Compare the key-block protection key of the zone on both sides.',
    },
    ja: {
      says: 'カード会社が開局または鍵交換を拒否しました。',
      next: 'アクションコードはログにあります。ゾーンの鍵ブロック保護鍵を両側で確認してください。',
    },
  },
  ISSUER_CREDENTIALS_INVALID: {
    en: {
      says: 'The credentials of the line are missing or unreadable.',
      next: 'Name the folder of the house (tsunagu emulate … --folder .tsunagu): it writes them to links/LINK in there when it starts.',
    },
    ja: {
      says: '回線の資格情報がないか、読めません。',
      next: '稼働環境のデータフォルダーを指定してください(tsunagu emulate … --folder .tsunagu)。起動時にその中のlinks/リンク名に書き出されます。',
    },
  },
  ISSUER_LEDGER_INVALID: {
    en: {
      says: 'The ledger file of the emulated card company holds a record that cannot be read.',
      next: 'A torn last record is cut off by itself; one in the middle means that the file was changed by hand.',
    },
    ja: {
      says: '模擬カード会社の台帳ファイルに読めない記録があります。',
      next: '末尾の書きかけは自動的に切り捨てます。途中にある場合はファイルが手で変更されています。',
    },
  },
  LINK_FILE_INVALID: {
    en: {
      says: 'A link file does not describe a link.',
      next: 'The message names the file and the property. The link is left out until the file is mended and the server started again; all others run.',
    },
    ja: {
      says: 'リンクファイルの内容がリンクの定義になっていません。',
      next: 'ファイル名と項目名はメッセージにあります。修正してサーバーを再起動するまで、このリンクだけ使えません。',
    },
  },
  LINK_KEYS_INVALID: {
    en: {
      says: 'The working keys that the far side of a link handed over cannot be used.',
      next: "Compare the key-block protection key of the zone on both sides, and the kinds of keys with the link's profile.",
    },
    ja: {
      says: 'リンクの相手から届いた作業鍵が使えません。',
      next: 'ゾーンの鍵ブロック保護鍵と、リンクプロファイルが求める鍵の種類を両側で確認してください。',
    },
  },
  LINK_NOT_CONNECTED: {
    en: {
      says: 'The link has no connection, so there is nothing to order on it.',
      next: 'An issuer is dialled again by itself, a centre dials in by itself; `tsunagu switch links` shows when it is there.',
    },
    ja: {
      says: 'リンクが接続されていないため、指示できません。',
      next: 'カード会社側は自動で再接続し、加盟店センターは先方から接続します。`tsunagu switch links` で状態を確認してください。',
    },
  },
  LINK_UNKNOWN: {
    en: {
      says: 'There is no such link.',
      next: '`tsunagu switch links` lists them.',
    },
    ja: {
      says: 'そのリンクはありません。',
      next: '`tsunagu switch links` で一覧を確認してください。',
    },
  },
  LINK_OTHER_SIDE: {
    en: {
      says: 'There is such a link, and it is on the other side of the switch: requests come in over acquirer links (merchant centres) and go out over issuer links.',
      next: 'Name a link of the side that is wanted: `tsunagu switch links` shows the side of each. Transactions of a merchant centre: `tsunagu switch transactions --origin LINK`. One that is emulated is stopped where it runs (`tsunagu emulate acquirer`).',
    },
    ja: {
      says: 'そのリンクはスイッチの反対側にあります。要求はアクワイアラ側(加盟店センター)のリンクから入り、イシュア側のリンクへ出ていきます。',
      next: '求められている側のリンクを指定してください。各リンクの側は `tsunagu switch links` で確認できます。加盟店センターの取引は `tsunagu switch transactions --origin リンク`、模擬加盟店センターの停止は実行中の `tsunagu emulate acquirer` を終了してください。',
    },
  },
  LINK_PEER_REFUSED: {
    en: {
      says: 'A certificate was shown on the port for merchant centres that names no acquirer link.',
      next: 'Hand the centre the credentials of its link: the file is in the links folder of the data directory.',
    },
    ja: {
      says: '加盟店センター用ポートで、アクワイアラリンクを示さない証明書が提示されました。',
      next: 'そのリンクの資格情報ファイル(データディレクトリのlinksフォルダー)をセンターに渡してください。',
    },
  },
  LINK_NOT_SIGNED_ON: {
    en: {
      says: 'A message came over a link on which nobody has signed on, or whose keys are not there yet.',
      next: 'The far side has to sign on (801) and take the keys (811) first.',
    },
    ja: {
      says: '開局前、または鍵交換前のリンクに電文が届きました。',
      next: '相手側の開局(801)と鍵交換(811)を先に行ってください。',
    },
  },
  SWITCH_TERMINAL_UNKNOWN: {
    en: {
      says: 'No terminal with this serial is on the inventory, and the journal has no transaction of a terminal that is called so (DE41).',
      next: 'Correct it: `tsunagu terminals` lists the serials; the DE41 of a terminal stands on its slips and in `tsunagu switch show ID`.',
    },
    ja: {
      says: 'このシリアルの端末は台帳になく、この端末識別番号(DE41)の取引もジャーナルにありません。',
      next: '入力を訂正してください。シリアルは `tsunagu terminals`、DE41は伝票または `tsunagu switch show ID` で確認できます。',
    },
  },
  SWITCH_TRANSACTION_UNKNOWN: {
    en: {
      says: 'The journal has no such transaction.',
      next: 'Search for it by token, last four digits, RRN, terminal or amount: `tsunagu switch transactions`.',
    },
    ja: {
      says: 'その取引はジャーナルにありません。',
      next: '`tsunagu switch transactions` でトークン、下4桁、RRN、端末、金額から検索してください。',
    },
  },
  SWITCH_ADVICE_DEAD: {
    en: {
      says: 'An issuer has not taken an advice after all the attempts of its link; it is tried rarely now, and waits for a person.',
      next: 'Ask the issuer, then `tsunagu switch retry ADVICE`, or `tsunagu switch settle ADVICE --reason …` when it has it. `tsunagu switch dead-letters` lists them.',
    },
    ja: {
      says: 'リンクで決めた回数送っても、発行会社がアドバイスを受け取りませんでした。再送の間隔を広げ、担当者の処置を待っています。',
      next: '発行会社に確認し、`tsunagu switch retry アドバイス`、または受領済みなら `tsunagu switch settle アドバイス --reason …` を実行してください。一覧は `tsunagu switch dead-letters` です。',
    },
  },
  SWITCH_ADVICE_UNDER_WAY: {
    en: {
      says: 'This advice is being sent to its issuer at this moment, or somebody else settles it: what becomes of it is not known yet.',
      next: 'Wait until the link has its answer or gives it up (its `requestMs`), then look at `tsunagu switch dead-letters`: settle it if it is still there.',
    },
    ja: {
      says: 'このアドバイスは、ちょうど発行会社へ送信中か、他の担当者が処置中です。結果はまだ分かりません。',
      next: '応答があるか、リンクの `requestMs` が過ぎるまで待ち、`tsunagu switch dead-letters` でまだ残っていれば、もう一度処置してください。',
    },
  },
  SWITCH_ADVICE_UNKNOWN: {
    en: {
      says: 'There is no such advice among those that wait for a person.',
      next: 'One that its issuer took, or that a person settled, is over: `tsunagu switch show TRANSACTION` says how. `tsunagu switch dead-letters` lists those that wait.',
    },
    ja: {
      says: '処置待ちのアドバイスの中に、該当するものがありません。',
      next: '発行会社が受け取ったもの、手作業で完了したものは処理済みです。経緯は `tsunagu switch show 取引ID`、処置待ちの一覧は `tsunagu switch dead-letters` で確認してください。',
    },
  },
  SWITCH_ALARM_UNKNOWN: {
    en: {
      says: 'There is no such alarm among those that nobody has seen.',
      next: '`tsunagu switch alarms` lists them; somebody may have seen it before you.',
    },
    ja: {
      says: '未確認の警報の中に、該当するものがありません。',
      next: '`tsunagu switch alarms` で一覧を確認してください。すでに他の人が確認した可能性があります。',
    },
  },
  SWITCH_DAY_CLOSED: {
    en: {
      says: 'This business day of the link is reconciled already.',
      next: 'Its figures no longer change: what came later is in the day after it. `tsunagu switch reconciliations` shows both.',
    },
    ja: {
      says: 'このリンクの営業日は精査済みです。',
      next: '計数は変わりません。遅れて届いた分は翌営業日に入ります。`tsunagu switch reconciliations` で確認してください。',
    },
  },
  LINK_WITHOUT_PINS: {
    en: {
      says: 'The link to this issuer carries no PINs. The request was declined with 115 and not sent.',
      next: 'In its link file give DE52 sixteen bytes (`"fieldOverrides": {"52": {"type": "b", "kind": "fixed", "maxLength": 16}}`) and let the switch make the keys (`"keys": "ours"`, with a MAC or enciphered), or route cards with a PIN elsewhere.',
    },
    ja: {
      says: 'このカード会社へのリンクは暗証番号を運べません。要求は送信せず、応答コード115で拒否しました。',
      next: 'リンクファイルでDE52を16バイトにし(fieldOverrides)、鍵をスイッチ側で生成する設定(keys: ours、MACまたは暗号化あり)にするか、暗証番号を使うカードを別のリンクに振り分けてください。',
    },
  },
  SWITCH_DAY_OPEN: {
    en: {
      says: 'This business day of the link is not over, or transactions of it have no outcome yet.',
      next: 'Compare it without closing it, or wait until it is over; `tsunagu switch unknown` lists what is open.',
    },
    ja: {
      says: 'このリンクの営業日はまだ終わっていないか、結果不明の取引が残っています。',
      next: '締めずに途中精査を行うか、終了を待ってください。結果不明の取引は `tsunagu switch unknown` で確認できます。',
    },
  },
  SWITCH_DAY_AHEAD: {
    en: {
      says: 'This business day of the link has not begun yet.',
      next: 'Correct the day: `tsunagu switch links` shows the current one of each link.',
    },
    ja: {
      says: 'このリンクのこの営業日はまだ始まっていません。',
      next: '日付を訂正してください。各リンクの現在の営業日は `tsunagu switch links` で確認できます。',
    },
  },
  SWITCH_DAY_INVALID: {
    en: {
      says: 'This is not a day of the calendar as business days are written: six digits, YYMMDD.',
      next: 'Write year, month and day in two digits each: 261127 is 27 November 2026. Days that were compared: tsunagu switch reconciliations.',
    },
    ja: {
      says: '営業日の指定が正しくありません。暦にある日を6桁の数字(YYMMDD)で指定します。',
      next: '年、月、日を2桁ずつ続けて指定してください(例: 261127 は2026年11月27日)。精査済みの日は tsunagu switch reconciliations で確認できます。',
    },
  },
  SWITCH_DAY_NOT_COMPARED: {
    en: {
      says: 'This business day of the link was not compared with the issuer yet: whether it agrees is not known.',
      next: 'Compare it: tsunagu switch reconcile LINK --day YYMMDD. Those that were: tsunagu switch reconciliations.',
    },
    ja: {
      says: 'このリンクのこの営業日はまだ精査されていません。一致しているかどうかは分かりません。',
      next: 'tsunagu switch reconcile リンク --day YYMMDD で精査してください。精査済みの日は tsunagu switch reconciliations で確認できます。',
    },
  },
  SWITCH_DAY_NOT_HELD: {
    en: {
      says: 'This business day of the link is not held: a person settles only what a final comparison left out of balance.',
      next: 'Compare it for good first: tsunagu switch reconcile LINK --day YYMMDD --close; a centre does so itself (1520).',
    },
    ja: {
      says: 'このリンクのこの営業日は締め保留ではありません。手動で締められるのは、最終精査で不一致となった日だけです。',
      next: '先に tsunagu switch reconcile リンク --day YYMMDD --close で最終精査を行ってください。センター接続では相手先が 1520 で行います。',
    },
  },
  SWITCH_DAY_THEIRS_UNKNOWN: {
    en: {
      says: 'The far side has not told its totals of this business day: they cannot be what counts.',
      next: 'Settle the day by ours (--figures ours), or compare it again until the far side tells its own.',
    },
    ja: {
      says: '相手先はこの営業日の合計を返していないため、採用できません。',
      next: '自社の数値で締める(--figures ours)か、相手先が合計を返すまで精査をやり直してください。',
    },
  },
  SWITCH_FENCED: {
    en: {
      says: 'Another switch writes the journal now; this one has stopped sending.',
      next: 'Another node took over, or two switches were started on one store. Start this one again only as one that stands by; the other has taken over what was open.',
    },
    ja: {
      says: '別のスイッチがジャーナルを書いています。このスイッチは送信を止めました。',
      next: '別のノードが引き継いだか、一つのストアで二つのスイッチが起動しています。こちらは待機系としてのみ再起動してください。未完了の取引はもう一方が引き継いでいます。',
    },
  },
  EMULATOR_PROFILE_INVALID: {
    en: {
      says: 'The profile of an emulator could not be read.',
      next: 'Give the name of a profile that comes with the house, or a JSON file; the message names the property that is wrong.',
    },
    ja: {
      says: 'エミュレータのプロファイルを読み取れません。',
      next: '付属プロファイルの名前か、JSONファイルを指定してください。誤りのある項目名が表示されます。',
    },
  },
  EMULATOR_CREDENTIALS_MISSING: {
    en: {
      says: 'The emulated centre has nothing to show to a far side: its folder holds no credentials of an emulated issuer.',
      next: 'Run `tsunagu emulate issuer` with the same --folder first: it writes them. Towards the switch of a running house: --folder HOUSE --link LINK, an acquirer link of `tsunagu switch links`.',
    },
    ja: {
      says: '模擬加盟店センターの資格情報がありません。フォルダーに模擬カード会社の資格情報ファイルが見つかりません。',
      next: '先に同じ --folder で `tsunagu emulate issuer` を起動してください（資格情報を書き出します）。稼働中のハウスのスイッチへつなぐ場合は --folder ハウス --link リンク（`tsunagu switch links` のアクワイアラ側リンク）を指定してください。',
    },
  },
  EMULATOR_NOT_BALANCED: {
    en: {
      says: 'A business day of an emulated centre could not be brought into balance with the far side.',
      next: 'The line before names each item that one side alone has. 501: look for its STAN there (`tsunagu switch transactions`); an emulator that was killed, or that another folder belongs to, left items behind. No action code: nobody answered.',
    },
    ja: {
      says: '模擬センターの営業日の日計が相手側と一致しません。',
      next: '直前の行に、片側にしかない取引が表示されています。501の場合はそのSTANを相手側で確認してください(`tsunagu switch transactions`)。強制終了したエミュレータや別フォルダーのエミュレータの取引が残っていることがあります。アクションコードがない場合は応答がありませんでした。',
    },
  },
  SWITCH_RATES_IMPLAUSIBLE: {
    en: {
      says: 'A rate is off the one before by more than the factor that is believed; the rates in force stay in force.',
      next: 'Look whether it is quoted for 100 or 1,000 units: yen for one are wanted. If it is right, another person puts the same rates in force within a day.',
    },
    ja: {
      says: 'レートが前回値から許容倍率を超えて離れています。現在のレートは有効のままです。',
      next: '100単位や1000単位の建値でないか確認してください(1単位あたりの円で指定)。正しい場合は、別の担当者が24時間以内に同じレートを登録してください。',
    },
  },
  SWITCH_RULES_INVALID: {
    en: {
      says: 'Rules of the switch have a form that they cannot have, contradict themselves, or name a link that is not there.',
      next: 'Mend the place that is named: "tsunagu switch rules show KIND" prints rules as they have to look. Those that were in force stay in force.',
    },
    ja: {
      says: 'スイッチのルールの形式が正しくないか、矛盾があるか、存在しないリンクが指定されています。',
      next: '示された箇所を直してください。正しい形は「tsunagu switch rules show 種類」で表示できます。現在のルールは有効のままです。',
    },
  },
  SWITCH_RULES_VERSION_UNKNOWN: {
    en: {
      says: 'There is no such version of the rules.',
      next: 'List the versions of this kind.',
    },
    ja: {
      says: '指定されたバージョンのルールはありません。',
      next: 'この種類のバージョン一覧を確認してください。',
    },
  },
  VALIDITY_FILE_REFUSED: {
    en: {
      says: 'A file of validity checks cannot be taken as it is: its header, its key or its trailer is not right.',
      next: 'Nothing of it was taken. Make the file again for this link (`tsunagu validity seal`); the message names the part.',
    },
    ja: {
      says: '有効性チェックのファイルを受け付けられません。ヘッダー、鍵、トレーラーのいずれかが正しくありません。',
      next: '一件も受け付けていません。該当箇所を確認し、このリンク用にファイルを作り直してください(`tsunagu validity seal`)。',
    },
  },
  VALIDITY_FILE_EMPTY: {
    en: {
      says: 'There is no card in this list of validity checks.',
      next: 'Write one card a line, "reference,pan,expiry" (a comment or a heading is none), and seal the list again.',
    },
    ja: {
      says: '有効性チェックの一覧にカードがありません。',
      next: '1行に1枚、「reference,pan,expiry」の形式で書き(見出しとコメントは数えません)、もう一度sealしてください。',
    },
  },
  VALIDITY_FILE_DIFFERS: {
    en: {
      says: 'A file of this number came from this link before, with another content.',
      next: 'Give each file a number of its own; the first one goes on undisturbed.',
    },
    ja: {
      says: 'このリンクから、同じファイル番号で内容の異なるファイルを受け付け済みです。',
      next: 'ファイルごとに別の番号を付けてください。先に受け付けたファイルの処理は続きます。',
    },
  },
  VALIDITY_FILE_UNKNOWN: {
    en: {
      says: 'There is no such file of validity checks.',
      next: 'List the files with `tsunagu validity list`. One that is answered is kept for 90 days.',
    },
    ja: {
      says: '指定された有効性チェックのファイルはありません。',
      next: '`tsunagu validity list` で一覧を確認してください。回答済みのファイルは90日間保存します。',
    },
  },
  VALIDITY_FILE_OPEN: {
    en: {
      says: 'Cards of this file still wait for their issuers.',
      next: 'Fetch the answers when `tsunagu validity show` says that it is done; links that are down are named there.',
    },
    ja: {
      says: 'このファイルには、カード会社の回答待ちのカードが残っています。',
      next: '`tsunagu validity show` で完了を確認してから回答を取得してください。停止中のリンクも表示されます。',
    },
  },
  VALIDITY_LINK_REFUSED: {
    en: {
      says: 'This link may not hand in such a file: it is no merchant centre, or does not speak for the acquirer of the header.',
      next: 'Name the link of the centre that made the file, and compare its acquirers with the header.',
    },
    ja: {
      says: 'このリンクからは受け付けられません。加盟店センターのリンクでないか、ヘッダーのアクワイアラーを扱えません。',
      next: 'ファイルを作った加盟店センターのリンクを指定し、扱うアクワイアラーをヘッダーと比べてください。',
    },
  },
  VALIDITY_BUSY: {
    en: {
      says: 'Too many validity checks wait already.',
      next: 'Hand the file in again when earlier ones are done; `tsunagu validity list` shows them.',
    },
    ja: {
      says: '処理待ちの有効性チェックが上限に達しています。',
      next: '先のファイルが完了してから、もう一度渡してください。状況は `tsunagu validity list` で確認できます。',
    },
  },
  VALIDITY_FILE_ARRIVING: {
    en: {
      says: 'This file is being taken at this moment, from somebody who handed it in before.',
      next: 'It stands in `tsunagu validity list` as soon as every card of it is on disk. Hand it in again then: the same file again is the same one.',
    },
    ja: {
      says: 'このファイルは、先に渡されたものを受け付けている途中です。',
      next: '全カードの書き込みが終わると `tsunagu validity list` に表示されます。その後にもう一度渡しても、同じファイルとして扱われます。',
    },
  },
  VALIDITY_LINE_FORM: {
    en: {
      says: 'A line is no record of this file: its length, its characters or its number is not right.',
      next: 'Mend the line. Of a file that was handed in all others were taken: send this one in another file. A list is sealed when all of its lines are right.',
    },
    ja: {
      says: 'レコードとして読めない行があります。長さ、文字、連番のいずれかが正しくありません。',
      next: 'その行を直してください。提出済みのファイルではほかの行は受け付けているので、その行だけ別のファイルで送ってください。一覧は全行が正しい場合にだけ暗号化されます。',
    },
  },
  VALIDITY_LINE_NOT_AUTHENTIC: {
    en: {
      says: 'The card of a record does not open under the key of its file, in this place.',
      next: 'The line was changed, moved, or sealed for another file. Seal the card again; all other lines were taken.',
    },
    ja: {
      says: 'レコードのカードデータを、このファイルの鍵とこの位置では復号できません。',
      next: '行の改変・移動、または別ファイル用の暗号化が考えられます。暗号化し直してください。ほかの行は受け付けています。',
    },
  },
  VALIDITY_LINE_REPEATED: {
    en: {
      says: 'A record of this number came before in the same file.',
      next: 'The first one counts. Number the records one after the other.',
    },
    ja: {
      says: '同じファイルに、同じ連番のレコードがあります。',
      next: '先のレコードを有効とします。連番を振り直してください。',
    },
  },
  VALIDITY_LINE_MISSING: {
    en: {
      says: 'The trailer counts a record that no line of the file has.',
      next: 'It was lost or damaged on the way. Send this record again in another file; all others were taken.',
    },
    ja: {
      says: 'トレーラーの件数に含まれるレコードが、ファイルにありません。',
      next: '途中で失われたか壊れています。そのレコードを別のファイルで送ってください。ほかは受け付けています。',
    },
  },
  VALIDITY_REFERENCE_REFUSED: {
    en: {
      says: 'The reference of a record is empty, or has twelve digits in a row: a card number may not stand in the clear.',
      next: 'Name the card by something else, with at most eleven digits in a row.',
    },
    ja: {
      says: 'レコードの照会番号が空か、数字が12桁以上続いています。カード番号を平文で書くことはできません。',
      next: '数字が続くのは11桁までの、別の照会番号を付けてください。',
    },
  },
  VALIDITY_CARD_INVALID: {
    en: {
      says: 'What a record holds is no card: 12 to 19 digits with their check digit, and a month of expiry or none.',
      next: 'Correct the number or the expiry (YYMM). Of a file that was handed in all others were taken: send this record in another file. A list is sealed when all of its lines are right.',
    },
    ja: {
      says: 'レコードの中身がカードではありません。番号は検査数字を含む12〜19桁、有効期限はYYMMか省略です。',
      next: '番号か有効期限を直してください。提出済みのファイルではほかは受け付けているので、そのレコードだけ別のファイルで送ってください。一覧は全行が正しい場合にだけ暗号化されます。',
    },
  },
  SWITCH_CONTRACT_FORBIDS: {
    en: {
      says: 'The contract about this scheme does not allow the request.',
      next: 'Compare payment method, PIN, hours and operation with `tsunagu switch rules show contracts`.',
    },
    ja: {
      says: 'このブランドの契約では、この要求は認められていません。',
      next: '支払区分・PIN・取扱時間・取引種別を `tsunagu switch rules show contracts` と比べてください。',
    },
  },
});
