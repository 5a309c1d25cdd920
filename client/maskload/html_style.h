// How the page of a report looks, in light and in dark.
#ifndef MASKD_CLIENT_MASKLOAD_HTML_STYLE_H_
#define MASKD_CLIENT_MASKLOAD_HTML_STYLE_H_

namespace maskd::maskload {

inline constexpr char kHtmlStyle[] = R"css(
:root {
  color-scheme: light dark;
  --page: #f4f4f1; --card: #fcfcfb; --ink: #0b0b0b; --ink2: #52514e; --ink3: #7c7b76;
  --line: #e1e0d9; --axis: #c3c2b7; --good: #006300; --bad: #c22f2e;
  --a: #2a78d6; --b: #eb6834; --c: #1baf7a; --d: #eda100; --e: #e87ba4; --f: #008300; --g: #4a3aa7; --h: #e34948;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d0d0d; --card: #1a1a19; --ink: #ffffff; --ink2: #c3c2b7; --ink3: #94938b;
    --line: #2c2c2a; --axis: #4a4a46; --good: #0ca30c; --bad: #e66767;
    --a: #3987e5; --b: #d95926; --c: #199e70; --d: #c98500; --e: #d55181; --f: #35a535; --g: #9085e9; --h: #e66767;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 32px 20px 48px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
main { max-width: 1080px; margin: 0 auto; }
h1 { font-size: 30px; line-height: 1.2; font-weight: 650; margin: 2px 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 16px; font-weight: 650; margin: 0 0 2px; }
p { margin: 0 0 10px; color: var(--ink2); }
.eyebrow { color: var(--ink3); font-size: 13px; margin: 0; }
.verdicts { margin: 14px 0 0; padding: 0; list-style: none; display: flex; flex-wrap: wrap; gap: 8px; }
.verdicts li { border: 1px solid var(--line); background: var(--card); border-radius: 999px; padding: 3px 12px; }
.met b { color: var(--good); }
.missed b { color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 20px 0 12px; }
.tile, .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.tile { padding: 12px 16px; }
.tile span { color: var(--ink2); font-size: 13px; display: block; }
.tile strong { font-size: 24px; font-weight: 600; white-space: nowrap; }
.tile small { color: var(--ink3); font-size: 12px; display: block; }
.card { padding: 18px 20px; margin: 0 0 12px; overflow-x: auto; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 0 12px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 6px 0 8px; color: var(--ink2); font-size: 13px; }
.key { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
svg { display: block; width: 100%; height: auto; }
svg text { font-size: 12px; fill: var(--ink3); font-variant-numeric: tabular-nums; }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
.grid { stroke: var(--line); }
.axis { stroke: var(--axis); }
.level { stroke: var(--ink3); stroke-dasharray: 5 4; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.hit { opacity: 0; }
.hit:hover { opacity: 1; }
.dot { stroke: var(--card); stroke-width: 2; }
.line.a { stroke: var(--a); } .line.b { stroke: var(--b); } .line.c { stroke: var(--c); } .line.bad { stroke: var(--bad); }
circle.a, .key.a, .bar.a { fill: var(--a); background: var(--a); }
circle.b, .key.b, .bar.b { fill: var(--b); background: var(--b); }
circle.c, .key.c, .bar.c { fill: var(--c); background: var(--c); }
.key.d, .bar.d { background: var(--d); }
.key.e, .bar.e { background: var(--e); }
.key.f, .bar.f { background: var(--f); }
.key.g, .bar.g { background: var(--g); }
.key.h, .bar.h { background: var(--h); }
circle.bad, .key.bad { fill: var(--bad); background: var(--bad); }
.bars { display: flex; gap: 2px; height: 26px; margin: 12px 0 14px; border-radius: 5px; overflow: hidden; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: right; font-weight: 500; color: var(--ink3); font-size: 13px; }
th, td { padding: 6px 8px; border-bottom: 1px solid var(--line); }
td { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.facts td:first-child { color: var(--ink3); vertical-align: top; width: 9em; }
.facts td:last-child { text-align: left; white-space: normal; overflow-wrap: anywhere; }
footer { color: var(--ink3); font-size: 13px; margin-top: 20px; }
)css";

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_HTML_STYLE_H_
