import { paletteCss } from "./palette.ts";

/** The page's whole style sheet. Colours only by the palette's names. */
export function styleSheet(): string {
  return paletteCss() + RULES.replace(/\s*\n\s*/g, "");
}

const RULES = `
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
main,.hero-in{max-width:1320px;margin:0 auto;padding:0 clamp(14px,3vw,40px)}
a{color:var(--link)}
h1,h2,h3{line-height:1.25;margin:0;text-wrap:balance}
h1{font-size:clamp(24px,4.2vw,38px);letter-spacing:-.02em}
h2{font-size:20px;letter-spacing:-.01em}
h3{font-size:16px}
p{margin:6px 0}
code,pre,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.88em}
code{overflow-wrap:anywhere}
pre{margin:8px 0 0;padding:12px;background:var(--sunken);color:var(--text);border-radius:8px;overflow:auto;max-height:420px;line-height:1.45;tab-size:4}
.muted{color:var(--muted)}
.small{font-size:14px}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.hero{border-top:6px solid var(--edge);background:var(--ground);padding:clamp(20px,3.5vw,40px) 0 clamp(20px,3vw,32px)}
.hero.passed{--edge:var(--ok-bar);--ground:var(--ok-soft)}
.hero.rolled-back{--edge:var(--warn-bar);--ground:var(--warn-soft)}
.hero.incomplete{--edge:var(--warn-bar);--ground:var(--warn-soft)}
.hero.failed{--edge:var(--bad-bar);--ground:var(--bad-soft)}
.eyebrow{display:flex;flex-wrap:wrap;gap:2px 14px;margin:0 0 10px;font-size:15px}
.eyebrow>*{min-width:0;overflow-wrap:anywhere}
.verdict{display:flex;align-items:center;gap:14px;flex-wrap:wrap}
.badge{flex:none;display:grid;place-items:center;width:46px;height:46px;border-radius:50%;background:var(--edge)}
.badge svg{width:26px;height:26px;stroke:var(--surface);stroke-width:3;fill:none;stroke-linecap:round;stroke-linejoin:round}
.verdict h1{flex:1 1 260px;min-width:0}
.reasons{margin:14px 0 0;padding-left:20px;max-width:80ch}
.reasons li{overflow-wrap:anywhere}
.reasons li:only-child{list-style:none;margin-left:-20px}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:20px 0 0;padding:0;list-style:none}
.tile{flex:1 1 150px;background:var(--surface);border:1px solid var(--line);border-radius:12px;padding:12px 14px;min-width:0}
.tile b{display:block;font-size:22px;line-height:1.25;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
.tile span{display:block;font-size:14px;color:var(--muted);overflow-wrap:anywhere;text-wrap:balance}
nav{margin:18px 0 0}
nav ul{display:flex;flex-wrap:wrap;gap:4px 18px;margin:0;padding:0;list-style:none;font-size:15px}
section{background:var(--surface);border:1px solid var(--line);border-radius:14px;margin:18px 0;padding:clamp(16px,2.2vw,26px)}
section>header{display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 14px;margin-bottom:12px}
section>header p{margin:0;color:var(--muted);font-size:15px;flex:1 1 300px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:15px}
th{font-weight:600;text-align:left;color:var(--muted);font-size:13px;border-bottom:1px solid var(--line);padding:6px 12px 6px 0;vertical-align:bottom}
th.num{text-align:right}
td{padding:7px 12px 7px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
tr:last-child>td{border-bottom:0}
td:first-child{min-width:104px}
td:last-child,th:last-child{padding-right:0}
.pill{display:inline-block;padding:1px 9px;border-radius:999px;font-size:13px;font-weight:600;white-space:nowrap}
.pill.ok{background:var(--ok-soft);color:var(--ok)}
.pill.warn{background:var(--warn-soft);color:var(--warn)}
.pill.bad{background:var(--bad-soft);color:var(--bad)}
.pill.plain{background:var(--sunken);color:var(--text)}
.narrow{display:none;color:var(--muted);font-size:13px}
.faster{color:var(--ok);font-weight:600}
.slower{color:var(--bad);font-weight:600}
details>summary{cursor:pointer}
details>summary::marker{color:var(--muted)}
summary:focus-visible,a:focus-visible,input:focus-visible{outline:3px solid var(--path);outline-offset:2px;border-radius:4px}
svg{display:block}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:0 0 12px;padding:0;list-style:none;font-size:14px;color:var(--muted)}
.legend li{display:flex;align-items:center;gap:7px}
.swatch{width:22px;height:11px;border-radius:3px;flex:none}
.f-path{fill:var(--path);background:var(--path)}
.f-quiet{fill:var(--quiet);background:var(--quiet)}
.f-bad{fill:var(--bad-bar);background:var(--bad-bar)}
.f-ok{fill:var(--ok-bar);background:var(--ok-bar)}
.f-warn{fill:var(--warn-bar);background:var(--warn-bar)}
.f-gap{fill:var(--gap);background:var(--gap)}
.swatch.f-gap{height:3px}
.f-layer-1{fill:var(--layer-1);background:var(--layer-1)}
.f-layer-2{fill:var(--layer-2);background:var(--layer-2)}
.f-layer-3{fill:var(--layer-3);background:var(--layer-3)}
.f-layer-4{fill:var(--layer-4);background:var(--layer-4)}
.gantt{font-size:15px}
.row{display:grid;grid-template-columns:minmax(215px,26%) minmax(0,1fr) 84px;gap:0 14px;align-items:center;min-height:28px}
.row>.name{min-width:0;overflow-wrap:anywhere;padding-left:16px;text-indent:-16px;text-wrap:balance}
.row>.track{min-height:28px;align-self:stretch;display:flex;align-items:center;background-image:linear-gradient(to right,var(--line) 1px,transparent 1px);background-size:var(--tick) 100%}
.row>.track svg{width:100%;height:18px;overflow:visible}
.row>.time{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.row.phase{font-size:14px;min-height:24px}
.row.phase>.track{min-height:24px}
.row.phase>.track svg{height:10px}
.row.phase>.name{color:var(--muted)}
.row.axis{font-size:13px;color:var(--muted);min-height:22px}
.row.axis>.ticks{position:relative;height:20px}
.row.axis>.ticks span{position:absolute;transform:translateX(-50%);white-space:nowrap}
.row.axis>.ticks span:first-child{transform:none}
.job{border-top:1px solid var(--line);padding:4px 0}
.job>summary,.step>summary{display:block;list-style:none;border-radius:6px}
.job>summary::-webkit-details-marker,.step>summary::-webkit-details-marker{display:none}
.job>summary .name{font-weight:600}
.name::before{content:"";display:inline-block;width:16px;text-indent:0}
.name>*{text-indent:0}
.row.axis>.name::before{content:none}
summary>.row>.name::before{content:"\\25B8";color:var(--muted)}
details[open]>summary>.row>.name::before{content:"\\25BE"}
summary>.row:hover{background-color:var(--sunken);border-radius:6px}
.step .row>.name,.flat .row>.name{padding-left:32px}
.step .row.phase>.name{padding-left:48px}
.shares{list-style:none;margin:8px 0 0;padding:0}
.shares li{display:grid;grid-template-columns:minmax(0,1fr) 90px 64px;gap:0 12px;padding:6px 0;border-bottom:1px solid var(--line);align-items:baseline}
.shares li:last-child{border-bottom:0}
.shares .bar{grid-column:1/-1;height:6px;margin-top:4px}
.shares li.ranked{grid-template-columns:minmax(0,1fr) auto}
.bar svg{width:100%;height:100%;border-radius:3px}
.bar{background:var(--sunken);border-radius:3px;overflow:hidden}
.stack{height:26px;margin:6px 0;border-radius:5px}
.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:3px 16px;margin:8px 0;font-size:15px}
.facts dt{color:var(--muted)}
.facts dd{margin:0;overflow-wrap:anywhere}
.fail{border:1px solid var(--line);border-left:5px solid var(--bad-bar);border-radius:8px;padding:10px 14px;margin:10px 0}
.fail>summary{font-weight:600;overflow-wrap:anywhere}
.fail .where{display:block;font-weight:400;color:var(--muted);font-size:14px;overflow-wrap:anywhere}
.counts{display:flex;flex-wrap:wrap;gap:6px 8px;margin:0 0 10px;padding:0;list-style:none}
.cols{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:10px 34px}
.sub{margin:20px 0 6px}
.release{border-top:1px solid var(--line);padding:16px 0 8px}
.image+.image{border-top:1px solid var(--line);margin-top:18px;padding-top:12px}
.release:first-of-type{border-top:0;padding-top:0}
.release>header{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center;margin-bottom:10px}
.flow{display:flex;margin:0;padding:0;list-style:none;gap:30px}
.flow li+li::before{content:"\\2192";position:absolute;left:-26px;top:50%;transform:translateY(-50%);font-size:19px;color:var(--muted)}
.flow li{position:relative;flex:var(--grow,1) 1 0;min-width:0;border-radius:8px;padding:8px 12px 9px;border:1px solid var(--line);border-top:5px solid var(--edge)}
.flow li.good{--edge:var(--ok-bar)}
.flow li.risk{--edge:var(--bad-bar)}
.flow li.turn{--edge:var(--warn-bar)}
.flow li.none{--edge:var(--gap)}
.flow b{display:block;font-size:15px;overflow-wrap:anywhere}
.flow span{display:block;font-size:14px;color:var(--muted);overflow-wrap:anywhere}
.note{border-left:5px solid var(--warn-bar);padding-left:14px;margin:0}
.filter{width:100%;max-width:340px;font:inherit;color:var(--text);background:var(--surface);border:1px solid var(--muted);border-radius:8px;padding:6px 10px;margin:0 0 8px}
.filter::placeholder{color:var(--muted);opacity:1}
.pair{display:grid;gap:3px;min-width:90px}
.pair .bar{height:7px}
footer{max-width:1320px;margin:0 auto;padding:4px clamp(14px,3vw,40px) 36px;color:var(--muted);font-size:14px;overflow-wrap:anywhere}
@media (max-width:720px){
.row{grid-template-columns:minmax(0,1fr) auto;grid-template-areas:"name time" "track track";row-gap:0;padding:3px 0}
.row>.name{grid-area:name}
.row>.time{grid-area:time}
.row>.track,.row.axis>.ticks{grid-area:track}
.row>.track{min-height:20px}
.row>.track svg{height:14px}
.row.phase>.track{min-height:14px}
.row.phase>.track svg{height:8px}
.flow{flex-direction:column;gap:26px}
.flow li+li::before{content:"\\2193";left:50%;top:-29px;transform:translateX(-50%)}
.wide{display:none}
.narrow{display:block}
td:has(+.wide:last-child),th:has(+.wide:last-child){padding-right:0}
td:first-child{min-width:0}
td,th{padding-right:8px}
td .pill{white-space:normal}
th.num{white-space:normal}
pre{white-space:pre-wrap;overflow-wrap:anywhere}
.facts{grid-template-columns:minmax(0,1fr);gap:0}
.facts dd{margin-bottom:6px}
.shares li{grid-template-columns:minmax(0,1fr) auto auto}
table{font-size:14px}
}
@media print{body{background:none}section,.hero{break-inside:avoid}}
`;
