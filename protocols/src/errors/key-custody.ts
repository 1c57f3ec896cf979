import { defineErrors } from './define.ts';

/** Errors of keys in custody: the vault's places, ceremonies, injection runs, the ledger. */
export const keyCustodyErrors = defineErrors({
  VAULT_ROLLED_BACK: {
    en: {
      says: 'The vault is older than the data store says: a backup was put back, or keys were taken out of it.',
      next: 'Put the newest backup of the vault back. Base keys that were destroyed since must not be used again.',
    },
    ja: {
      says: '保管庫がデータストアの記録より古い状態です。バックアップの復元か、鍵の削除が疑われます。',
      next: '最新のバックアップを戻してください。その後に破棄した基礎鍵は再使用できません。',
    },
  },
  VAULT_MODULE_MISSING: {
    en: {
      says: 'The PKCS #11 module cannot be loaded.',
      next: 'Check module-path; where the package pkcs11js was not built, run npm rebuild pkcs11js.',
    },
    ja: {
      says: 'PKCS #11モジュールを読み込めません。',
      next: 'module-pathを確認してください。pkcs11jsが未構築なら npm rebuild pkcs11js を実行してください。',
    },
  },
  VAULT_TOKEN_MISSING: {
    en: {
      says: 'No token of this name is behind the PKCS #11 module.',
      next: 'Initialise the token, or correct its name in --vault.',
    },
    ja: {
      says: 'その名前のトークンがPKCS #11モジュールにありません。',
      next: 'トークンを初期化するか、--vaultの名前を直してください。',
    },
  },
  KEY_UNKNOWN: {
    en: {
      says: 'No key of this name is in the inventory.',
      next: 'tsunagu keys list shows all of them.',
    },
    ja: {
      says: 'その名前の鍵は台帳にありません。',
      next: 'tsunagu keys list で一覧を確認してください。',
    },
  },
  KEY_IN_USE: {
    en: {
      says: 'A key of this name is there already.',
      next: 'Give the new key another number.',
    },
    ja: {
      says: 'その名前の鍵は既にあります。',
      next: '新しい鍵に別の番号を付けてください。',
    },
  },
  KEY_NOT_BASE: {
    en: {
      says: 'The name is not that of a base key, and only those take over from each other, are suspected and laid to rest here.',
      next: 'Give a base key of tsunagu keys list, such as bdk/2 or bdk-tdes/2; the key of negative lists (negative/tags/2) takes over and is laid to rest here too. A company’s or a terminal’s own key is replaced at its terminals: tsunagu keys acquirers, tsunagu keys renew.',
    },
    ja: {
      says: '基礎鍵の名前ではありません。交代、危殆化の宣言、破棄ができるのは基礎鍵だけです。',
      next: 'tsunagu keys list にある基礎鍵(bdk/2、bdk-tdes/2など)を指定してください。ネガリストの鍵(negative/tags/2)は交代と破棄のみできます。カード会社や端末自身の鍵は端末ごとに交換します: tsunagu keys acquirers、tsunagu keys renew',
    },
  },
  KEY_ROTATION_UNDER_WAY: {
    en: {
      says: 'A key of negative lists is giving way to another already, and a list is not under that one yet.',
      next: 'Finish it first: tsunagu keys rotation shows what it waits for.',
    },
    ja: {
      says: 'ネガリストの鍵は既に交代中で、新しい鍵に移っていないリストがあります。',
      next: '先に交代を完了してください。tsunagu keys rotation で残りを確認できます。',
    },
  },
  KEY_ROTATION_NONE: {
    en: {
      says: 'No such rotation of the key of negative lists: none was begun yet, or the one that is under way is to another key.',
      next: 'tsunagu keys rotation shows the last one; tsunagu keys rotate negative/tags/2 begins the first.',
    },
    ja: {
      says: 'そのようなネガリストの鍵の交代はありません(未開始か、別の鍵への交代中です)。',
      next: 'tsunagu keys rotation で直近の交代を確認できます。最初の交代は tsunagu keys rotate negative/tags/2 で始めます。',
    },
  },
  KEY_ROTATION_SWITCHED: {
    en: {
      says: 'Lists are under the next key already, or go there: terminals never go back from a list that was signed, so this rotation cannot be broken off any more.',
      next: 'Finish it (tsunagu keys rotation), then have another key take over: tsunagu keys rotate.',
    },
    ja: {
      says: 'リストは既に新しい鍵へ切り替え済みです。端末は署名済みのリストより前には戻らないため、この交代は中止できません。',
      next: '交代を完了してから(tsunagu keys rotation)、tsunagu keys rotate で次の鍵へ交代してください。',
    },
  },
  KEY_NUMBER_NOT_NEXT: {
    en: {
      says: 'A key of this number cannot take over: no ceremony brought it, it was destroyed, or it would lie in the slot of the key that is in use.',
      next: 'Give the key that the fact “next” names: that one is made. Another number has to come by a ceremony first: tsunagu keys ceremony begin.',
    },
    ja: {
      says: 'この番号の鍵には交代できません(セレモニーで届いていない、破棄済み、または現用の鍵と同じ格納先になる番号です)。',
      next: '「next」に示す鍵を指定してください(その鍵は自動で生成されます)。別の番号は先にセレモニーで持ち込んでください: tsunagu keys ceremony begin',
    },
  },
  KEY_ROTATION_LACKING: {
    en: {
      says: 'Terminals do not hold the key yet that lists are to go under.',
      next: 'tsunagu keys rotation names them and why. With --leave-behind lists go under it all the same: these terminals approve nothing offline until they hold it.',
    },
    ja: {
      says: '新しい鍵をまだ保持していない端末があります。',
      next: 'tsunagu keys rotation で端末と理由を確認してください。--leave-behind を付けると切り替えますが、該当端末は鍵が届くまでオフライン承認ができません。',
    },
  },
  NEGATIVE_CARDS_UNTAGGED: {
    en: {
      says: 'The numbers of listed cards are not kept here, and some did not come again since the rotation began: nobody can tag them under the next key.',
      next: 'Have the sources that tsunagu keys rotation names send their whole list again (tsunagu negative import FILE --source NAME), and add what was listed or let through by hand once more.',
    },
    ja: {
      says: 'カード番号は保存していないため、交代の開始後に再送されていないカードは新しい鍵でタグ付けできません。',
      next: 'tsunagu keys rotation に表示された登録元に全件を再送してもらい(tsunagu negative import ファイル --source 名前)、手動登録・例外のカードは登録し直してください。',
    },
  },
  KEY_NEEDED: {
    en: {
      says: 'The key cannot be destroyed: keys of terminals hang on it, or new ones will.',
      next: 'Have another take over (tsunagu keys rotate), let a campaign replace what hangs on it, and look at tsunagu keys exposure KEY.',
    },
    ja: {
      says: 'この鍵は破棄できません。端末の鍵がこの鍵に依存しているか、現用の鍵です。',
      next: '別の鍵に交代させ(tsunagu keys rotate)、一斉配信で置き換えた後、tsunagu keys exposure 鍵名 で確認してください。',
    },
  },
  KEY_CEREMONY_UNKNOWN: {
    en: {
      says: 'No key ceremony has this id.',
      next: 'tsunagu keys ceremony list shows them.',
    },
    ja: {
      says: 'そのIDの鍵セレモニーはありません。',
      next: 'tsunagu keys ceremony list で確認してください。',
    },
  },
  KEY_CEREMONY_NOT_NOW: {
    en: {
      says: 'The ceremony is not at this step.',
      next: 'Look at its state; what was ended begins anew as another ceremony.',
    },
    ja: {
      says: '鍵セレモニーはこの段階ではありません。',
      next: '状態を確認してください。終了したものは新しいセレモニーとしてやり直します。',
    },
  },
  KEY_CEREMONY_CUSTODIANS_ALIKE: {
    en: {
      says: 'The custodians of a ceremony are two or three different people, and none of them is who orders it.',
      next: 'Name others with --custodian; an administrator knows who keeps keys (tsunagu people).',
    },
    ja: {
      says: '鍵管理者には、依頼者以外の異なる2名または3名が必要です。',
      next: '--custodian で別の管理者を指名してください。担当者は管理者権限の人が tsunagu people で確認できます。',
    },
  },
  KEY_CEREMONY_SAME_PERSON: {
    en: {
      says: 'One person, or one session, enters one component of a ceremony, and no second one.',
      next: 'There is nothing left for you to enter here: the next custodian signs in as themselves, on a machine of their own (tsunagu keys ceremony show ID says who is missing).',
    },
    ja: {
      says: '同じ人や同じセッションで入力できるコンポーネントは一つだけです。',
      next: 'あなたの入力は終わりです。次の管理者が自分の端末で、本人としてサインインして入力します(未入力者は tsunagu keys ceremony show ID で確認)。',
    },
  },
  KEY_CEREMONY_NOT_NAMED: {
    en: {
      says: 'You are none of the custodians that this ceremony names, and have no component to enter.',
      next: 'tsunagu keys ceremony show ID names them; fetch one of them. If you should be one, an operator aborts the ceremony and begins another that names you.',
    },
    ja: {
      says: 'あなたはこのセレモニーの管理者に指名されていないため、入力できません。',
      next: 'tsunagu keys ceremony show ID で指名された管理者を確認し、その人に依頼してください。あなたが担当すべき場合は、オペレーターが中止し、指名し直して始めます。',
    },
  },
  KEY_CEREMONY_CONFIRM_BY_ANOTHER: {
    en: {
      says: 'Who entered the last component, or comes in a session in which somebody else entered one, does not confirm the whole.',
      next: 'Hand the check value of the whole to another custodian of this ceremony, who signs in as themselves and runs tsunagu keys ceremony confirm.',
    },
    ja: {
      says: '最後のコンポーネントを入力した人や、他の管理者が入力したセッションでは、全体の確認はできません。',
      next: '全体の検査値を別の管理者に渡し、本人としてサインインして tsunagu keys ceremony confirm を実行してもらってください。',
    },
  },
  KEY_CEREMONY_CONFIRM_NOT_NAMED: {
    en: {
      says: 'Only a custodian of this ceremony confirms the check value of the whole, and you are none.',
      next: 'tsunagu keys ceremony show ID names them; anyone but who entered last runs tsunagu keys ceremony confirm.',
    },
    ja: {
      says: '全体の検査値を確認できるのは、このセレモニーの管理者だけです。あなたは指名されていません。',
      next: 'tsunagu keys ceremony show ID で管理者を確認し、最後に入力した人以外に tsunagu keys ceremony confirm を依頼してください。',
    },
  },
  KEY_CEREMONY_KCV_DIFFERS: {
    en: {
      says: 'The check value is not that of the key, as its papers or the components that were entered have it. No key was made.',
      next: 'Compare what you typed with the papers, and confirm again. Where the check value of a component (tsunagu keys ceremony show ID) is not that of its envelope, an operator aborts the ceremony and begins another.',
    },
    ja: {
      says: '検査値が、書類または入力済みコンポーネントの鍵のものと一致しません。鍵は作られていません。',
      next: '入力値を書類と照合し、もう一度確認してください。コンポーネントの検査値(tsunagu keys ceremony show ID)が封筒の記載と違う場合は、オペレーターが中止し、新しく始めます。',
    },
  },
  KEY_COMPONENT_MALFORMED: {
    en: {
      says: 'A component is 32 hex digits, or 64 for a key of 256 bits; what was given is not. Nothing was taken.',
      next: 'Enter it once more, whole, as the envelope has it; spaces do not matter.',
    },
    ja: {
      says: 'コンポーネントは16進32桁(256ビット鍵は64桁)です。入力値が合わないため、何も受け付けていません。',
      next: '封筒の記載どおりに全桁を入力し直してください。空白は無視されます。',
    },
  },
  KEY_CUSTODIAN_UNFIT: {
    en: {
      says: 'Nobody of this name or id keeps keys here.',
      next: 'An administrator sees who does (tsunagu people: the role custodian), and adds them: tsunagu people add NAME --role custodian.',
    },
    ja: {
      says: 'その名前またはIDの鍵管理者はいません。',
      next: '管理者権限の人が tsunagu people で役割 custodian の担当者を確認し、追加できます: tsunagu people add 名前 --role custodian',
    },
  },
  KEY_COMPONENT_WORTHLESS: {
    en: {
      says: 'The component is all zeros, or another custodian entered the same one: the others alone would know the key.',
      next: 'Look into the envelope. When the component itself is at fault, abort the ceremony and have other components made.',
    },
    ja: {
      says: 'コンポーネントがすべてゼロか、別の管理者と同じ値です。他の管理者だけで鍵が分かってしまいます。',
      next: '封筒を確認してください。コンポーネント自体に問題がある場合は、セレモニーを中止し、作り直してください。',
    },
  },
  KEY_RECORD_INVALID: {
    en: {
      says: 'The record does not verify: it was changed, or is not from this server.',
      next: 'Fetch it again, and compare the key id of its signer.',
    },
    ja: {
      says: '記録を検証できません。改変されたか、このサーバーのものではありません。',
      next: '取得し直し、署名者の鍵IDを照合してください。',
    },
  },
  KEY_PROTECTION_AGREED: {
    en: {
      says: 'This model agrees on its key-block protection key at enrolment: nothing renews it from afar.',
      next: 'Wipe the terminal and enrol it again; it agrees on another one.',
    },
    ja: {
      says: 'この機種の鍵ブロック保護鍵は登録時の鍵共有で決まり、遠隔では更新できません。',
      next: '端末を消去して登録し直してください。別の鍵が共有されます。',
    },
  },
  KEY_PROTECTION_MISSING: {
    en: {
      says: 'The terminal has no key-block protection key to renew.',
      next: 'Enrol it; it gets its keys at its next contact.',
    },
    ja: {
      says: '更新対象の鍵ブロック保護鍵が端末にありません。',
      next: '端末を登録してください。次の通信で鍵が届きます。',
    },
  },
  KEY_PROTECTION_UNDER_WAY: {
    en: {
      says: 'A binding or a protection key is on its way to the terminal already.',
      next: 'Wait until its job has ended, or cancel that: tsunagu job list.',
    },
    ja: {
      says: '端末への結合または保護鍵の配送がすでに進行中です。',
      next: 'そのジョブの終了を待つか、取り消してください（tsunagu job list）。',
    },
  },
  KEY_RUN_UNKNOWN: {
    en: {
      says: 'No injection run has this id.',
      next: 'tsunagu keys run list shows them.',
    },
    ja: {
      says: 'そのIDの鍵注入ランはありません。',
      next: 'tsunagu keys run list で確認してください。',
    },
  },
  KEY_RUN_MANIFEST_REFUSED: {
    en: {
      says: 'The manifest has lines that no run may take: not on the inventory, named twice, or in a state in which nothing is keyed at the bench. Nothing was stored.',
      next: 'tsunagu keys run begin NAME FILE --dry-run names each line and why; put the terminals on the inventory (tsunagu register SERIAL --state warehouse) or move them there, and begin again.',
    },
    ja: {
      says: '一覧に受け付けられない行があります(台帳に無い、重複、または作業台で鍵を入れられない状態)。何も保存していません。',
      next: 'tsunagu keys run begin 名前 ファイル --dry-run で該当行と理由を確認し、台帳への登録(tsunagu register SERIAL --state warehouse)または状態の変更後、やり直してください。',
    },
  },
  KEY_RUN_MANIFEST_EMPTY: {
    en: {
      says: 'The manifest names no terminal. Nothing was stored.',
      next: 'Write one serial a line into the file, as the terminals have them on their backs, and begin again.',
    },
    ja: {
      says: '一覧に端末がありません。何も保存していません。',
      next: 'ファイルに1行1台で端末の製造番号を書き、やり直してください。',
    },
  },
  KEY_RUN_LINE_TWICE: {
    en: {
      says: 'The manifest names this terminal twice.',
      next: 'Strike one of the lines out; the number of lines is what is authorised.',
    },
    ja: {
      says: '一覧に同じ端末が二度あります。',
      next: '重複行を削除してください。承認の対象は行数を含む一覧全体です。',
    },
  },
  KEY_RUN_STATE_UNFIT: {
    en: {
      says: 'The terminal is in a state in which nothing is keyed at the bench.',
      next: 'A run takes what is in the warehouse, keyed, or to be deployed again. One in a shop is keyed by its own jobs (tsunagu keys renew), or comes back to the workshop first.',
    },
    ja: {
      says: '端末は、作業台で鍵を入れられる状態にありません。',
      next: '対象は、倉庫・鍵投入済み・再配備待ちの端末です。設置済みの端末はジョブ(tsunagu keys renew)で交換するか、先に作業場へ戻してください。',
    },
  },
  KEY_RUN_NOT_NOW: {
    en: {
      says: 'The run is not in a state for this.',
      next: 'A run is authorised by a second person, then devices are submitted, then it is closed.',
    },
    ja: {
      says: '鍵注入ランはこの操作ができる状態ではありません。',
      next: '二人目の承認、端末の投入、終了の順に進めてください。',
    },
  },
  KEY_BASE_RUNS_OUT: {
    en: {
      says: 'Four fifths of the initial keys that this base key can make are made.',
      next: 'Let another take over: `tsunagu keys rotate`, with a key out of a ceremony.',
    },
    ja: {
      says: 'この基底鍵から作れる初期鍵の5分の4を使いました。',
      next: '鍵セレモニーで用意した鍵に `tsunagu keys rotate` で切り替えてください。',
    },
  },
  KEY_RUN_NOT_LISTED: {
    en: {
      says: 'The device is not on the authorised manifest: it was refused, and has to be investigated.',
      next: 'Find out where it comes from and write it down: tsunagu keys run investigate.',
    },
    ja: {
      says: '端末は承認済みの一覧にありません。拒否したため、調査が必要です。',
      next: '出所を調べ、tsunagu keys run investigate で記録してください。',
    },
  },
  KEY_RUN_UNBALANCED: {
    en: {
      says: 'The run cannot be closed: submitted is not keyed + rejected + investigated.',
      next: 'Finish, reject or investigate the devices that are named.',
    },
    ja: {
      says: '鍵注入ランを終了できません。投入数が「注入済+却下+調査済」と一致しません。',
      next: '残りの端末を完了、却下、または調査してください。',
    },
  },
  KEY_RUN_MANIFEST_CHANGED: {
    en: {
      says: 'The manifest is not the one that was authorised.',
      next: 'Somebody changed the inventory of the run; begin another one.',
    },
    ja: {
      says: '一覧が承認時のものと異なります。',
      next: 'ランの一覧が変更されています。新しいランを始めてください。',
    },
  },
  TR34_BOUND_ELSEWHERE: {
    en: {
      says: 'The terminal is bound to another key distribution host, and follows nobody else.',
      next: 'Have that host rebind it (tsunagu job order SERIAL key.rebind) or unbind it; where the host is gone, wipe the terminal.',
    },
    ja: {
      says: '端末は別の鍵配布ホストに結び付けられており、他のホストには従いません。',
      next: 'そのホストで結び替え（tsunagu job order SERIAL key.rebind）または解除をしてください。ホストが失われた場合は端末を消去してください。',
    },
  },
  KEY_RELEASE_NOT_PROVEN: {
    en: {
      says: 'What the terminal swears to is not a proof of this release by its own key.',
      next: 'Its keys count as they did: quarantine the terminal, and have its keys replaced or destroyed.',
    },
    ja: {
      says: '端末の申告は、その端末の鍵によるこの解放の証明になっていません。',
      next: '鍵は従来どおり有効として扱われます。端末を隔離し、鍵を交換または破棄してください。',
    },
  },
  KEY_HOST_CURRENT: {
    en: {
      says: 'The terminal is bound to the newest key host already.',
      next: 'Have another host take over first: tsunagu keys rotate tr34/kdh/2.',
    },
    ja: {
      says: '端末はすでに最新の鍵配布ホストに結び付けられています。',
      next: '先に別のホストへ交代してください（tsunagu keys rotate tr34/kdh/2）。',
    },
  },
  TR34_BINDING_MISSING: {
    en: {
      says: 'The terminal is not bound to this key distribution host.',
      next: 'The server binds it again at its next contact.',
    },
    ja: {
      says: '端末はこの鍵配布ホストに結び付けられていません。',
      next: '次の接続時にサーバーが結び付け直します。',
    },
  },
  KSN_TWO_IDENTITIES: {
    en: {
      says: 'Two identities use the initial key of one terminal.',
      next: 'The terminal is quarantined: find both devices, and load new keys.',
    },
    ja: {
      says: '一台の初期鍵が二つの端末から使われました。',
      next: '端末は隔離されました。両方の端末を確認し、鍵を入れ直してください。',
    },
  },
  KSN_WENT_BACK: {
    en: {
      says: 'A transaction counter went back.',
      next: 'The terminal is quarantined: it was cloned, or an old state was put back. Load new keys.',
    },
    ja: {
      says: '取引カウンターが戻りました。',
      next: '端末は隔離されました。複製か古い状態の復元が疑われます。鍵を入れ直してください。',
    },
  },
  KSN_AFTER_WIPE: {
    en: {
      says: 'A terminal uses a key that it swore to have destroyed.',
      next: 'The terminal is quarantined. Take it out of service: what it says of its keys is not true.',
    },
    ja: {
      says: '端末が、消去済みと署名した鍵を使用しています。',
      next: '端末は隔離されました。鍵に関する申告が虚偽のため、使用を中止してください。',
    },
  },
  SCRAPPED_SPEAKS: {
    en: {
      says: 'A terminal that was scrapped is heard of.',
      next: 'It is quarantined: its certificate of death is not true, or somebody has a copy. Find out who holds it.',
    },
    ja: {
      says: '廃棄済みの端末から通信がありました。',
      next: '端末は隔離されました。廃棄証明書が事実と異なるか、複製が存在します。所持者を調査してください。',
    },
  },
  KSN_OUT_OF_CUSTODY: {
    en: {
      says: 'A terminal is active that should be on its way, or away.',
      next: 'The terminal is quarantined: find out who holds it.',
    },
    ja: {
      says: '輸送中または保管外のはずの端末が稼働しています。',
      next: '端末は隔離されました。所在を確認してください。',
    },
  },
});
