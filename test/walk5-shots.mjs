import { chromium } from 'playwright-core';
import { readFileSync, mkdirSync, existsSync, writeFileSync } from 'node:fs';
const link = process.argv[2]; const only = process.argv[3];
const out = '/tmp/walk5/shots'; mkdirSync(out, { recursive: true });
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox','--disable-gpu'] });
const stateFile='/tmp/walk5/state.json';
let ctx0 = await b.newContext(existsSync(stateFile) ? { storageState: stateFile } : {});
let p0 = await ctx0.newPage();
if (link && link !== '-') { await p0.goto(link); await p0.waitForTimeout(1500); await ctx0.storageState({ path: stateFile }); }
const base = process.env.BASE ?? 'http://127.0.0.1:21000';
const paths = (only ? only.split(',') : ['/', '/sales','/switch','/campaigns','/configuration','/negative','/access','/audit','/keys','/life','/expiry','/terminals/CT5100-0001','/nowhere','/sign-in']);
for (const lang of ['en','ja']) for (const width of [1360, 800]) {
  const ctx = await b.newContext({ storageState: stateFile, locale: lang==='ja'?'ja-JP':'en-US', timezoneId:'Asia/Tokyo', viewport: { width, height: 900 } });
  const page = await ctx.newPage();
  page.on('console', m => { if (['error','warning'].includes(m.type())) console.log(lang,width,page.url(),'CONSOLE',m.text()); });
  page.on('pageerror', e => console.log(lang,width,page.url(),'ERR',e.message));
  page.on('response', r => { if (r.status()>=400) console.log(lang,width,page.url(),'HTTP',r.status(),r.url()); });
  for (const path of paths) {
    await page.goto(base+path); await page.waitForTimeout(900);
    const name = (path==='/'?'fleet':path.slice(1).replaceAll('/','_'))+`-${lang}-${width}`;
    await page.screenshot({ path: `${out}/${name}.png`, fullPage: true });
    const text = await page.innerText('body'); writeFileSync(`${out}/${name}.txt`, text);
    const bad = text.match(/.*(undefined|NaN|\[object|Invalid Date|null\b).*/g); if (bad) console.log(lang,width,path,'BAD',bad.slice(0,5));
    const over = await page.evaluate(() => ({ sw: document.documentElement.scrollWidth, cw: document.documentElement.clientWidth, bar: document.querySelector('.bar')?.getBoundingClientRect().height, rows: new Set([...document.querySelectorAll('.bar nav a')].map(a=>Math.round(a.getBoundingClientRect().top))).size, wrapped: [...document.querySelectorAll('.bar *')].filter(e=>e.children.length===0&&e.getClientRects().length>1).map(e=>e.textContent) }));
    console.log(lang,width,path,JSON.stringify(over));
  }
  await ctx.close();
}
await b.close();
