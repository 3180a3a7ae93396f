#include "cairn/report/style.h"

namespace cairn::report {

const char* const kStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #f6f6f3; --card: #ffffff; --text: #1f1f1d; --muted: #6b6a65; --rule: #e2e1db; --well: #ecebe6;
  --right: #1b7f4d; --wrong: #c23b2c; --alarm: #a86400; --none: #a3a5ab;
  --s0: #2f6fd0; --s1: #d0652a; --s2: #1f8f7d; --s3: #8a53c4; --s4: #b8358a; --s5: #7a7a1e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #171716; --card: #212120; --text: #ecebe7; --muted: #a09f98; --rule: #383733; --well: #2c2b29;
    --right: #4fc48c; --wrong: #ff8373; --alarm: #e5a94d; --none: #74767c;
    --s0: #77a9f7; --s1: #f59a67; --s2: #58c9b6; --s3: #bb92ef; --s4: #ee86c5; --s5: #c5c565;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
main { max-width: 1160px; margin: 0 auto; padding: 32px 20px 56px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 10px; letter-spacing: -0.015em; }
h2 { font-size: 20px; margin: 44px 0 14px; letter-spacing: -0.01em; }
h3 { font-size: 15px; margin: 28px 0 10px; }
h3 small { font-weight: 400; color: var(--muted); font-size: 14px; }
p { margin: 0 0 10px; max-width: 76ch; }
.lead { font-size: 17px; }
.muted, .note { color: var(--muted); }
.note { font-size: 13.5px; margin-top: 8px; }
.panel { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 10px 16px; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { font-size: 13px; font-weight: 600; color: var(--muted); border-bottom: 1px solid var(--rule); }
tbody tr + tr td { border-top: 1px solid var(--rule); }
tbody td:first-child { font-weight: 600; }
td.best { font-weight: 700; color: var(--right); }

.charts { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(300px, 100%), 1fr)); }
figure { margin: 0; padding: 14px 16px 12px; background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
.narrow { max-width: 420px; }
figcaption { font-weight: 600; margin-bottom: 6px; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--muted); font-size: 11.5px; font-family: inherit; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--rule); } .axis { stroke: var(--muted); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); } .s2 { stroke: var(--s2); }
.s3 { stroke: var(--s3); } .s4 { stroke: var(--s4); } .s5 { stroke: var(--s5); }
.f0 { fill: var(--s0); } .f1 { fill: var(--s1); } .f2 { fill: var(--s2); }
.f3 { fill: var(--s3); } .f4 { fill: var(--s4); } .f5 { fill: var(--s5); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 6px 0 0; font-size: 13px; color: var(--muted); }
.legend i { display: inline-block; width: 18px; height: 0; border-top: 3px solid; margin-right: 6px; vertical-align: 4px; }
.d1 { stroke-dasharray: 6 4; } .d2 { stroke-dasharray: 1 5; }
.legend i.e1 { border-top-style: dashed; } .legend i.e2 { border-top-style: dotted; }
.b0 { color: var(--s0); } .b1 { color: var(--s1); } .b2 { color: var(--s2); }
.b3 { color: var(--s3); } .b4 { color: var(--s4); } .b5 { color: var(--s5); }
.legend i.right, .legend i.wrong, .legend i.none { width: 12px; height: 12px; border: 0; border-radius: 3px; vertical-align: -1px; }
rect.right { fill: var(--right); } rect.wrong { fill: var(--wrong); } rect.none { fill: var(--none); }
i.right { background: var(--right); } i.wrong { background: var(--wrong); } i.none { background: var(--none); }

.query { display: grid; grid-template-columns: minmax(0, 272px) minmax(0, 1fr); gap: 22px; padding: 16px; margin-bottom: 14px; border-left: 4px solid var(--tone); }
.tone-right { --tone: var(--right); } .tone-wrong { --tone: var(--wrong); } .tone-alarm { --tone: var(--alarm); }
.asked { display: grid; grid-template-columns: 128px minmax(0, 1fr); gap: 14px; align-content: start; }
.asked dl { margin: 0; font-size: 13.5px; line-height: 1.35; overflow-wrap: anywhere; }
.asked dt { color: var(--muted); font-size: 12px; }
.asked dd { margin: 0 0 7px; }
.asked dd.answer { color: var(--tone); font-weight: 600; }
.photo { position: relative; aspect-ratio: 1; border-radius: 7px; overflow: hidden; background: var(--well); }
.photo img { width: 100%; height: 100%; object-fit: cover; display: block; }
.photo .none { position: absolute; inset: 0; display: grid; place-items: center; text-align: center; padding: 6px; font-size: 12px; color: var(--muted); border: 1px dashed var(--rule); border-radius: 7px; }
.hits { list-style: none; margin: 0; padding: 0; display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(min(112px, 28%), 1fr)); }
.hits li { max-width: 180px; }
.hits .photo { border: 3px solid transparent; }
.hits .ok .photo { border-color: var(--right); } .hits .no .photo { border-color: var(--wrong); }
.mark { position: absolute; right: 4px; bottom: 4px; width: 21px; height: 21px; border-radius: 50%; color: #fff; font-size: 13px; line-height: 21px; text-align: center; font-weight: 700; }
.ok .mark { background: #1b7f4d; } .no .mark { background: #c23b2c; }
.hits p { margin: 5px 0 0; font-size: 12.5px; line-height: 1.3; overflow-wrap: anywhere; }
.hits b { font-variant-numeric: tabular-nums; }
@media (max-width: 960px) { .query { grid-template-columns: minmax(0, 1fr); gap: 14px; } }
@media (max-width: 720px) {
  main { padding: 22px 14px 40px; }
  h1 { font-size: 25px; }
  .query { padding: 13px; }
  th, td { padding: 9px 11px; }
}
@media print { .query, figure { break-inside: avoid; } }
)css";

}  // namespace cairn::report
