"""Groups of horizontal bars of ratios, with the goals as ticks; readable on light and dark pages."""
import html

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 14px } .group { font-weight: 600 } .small { font-size: 11px; fill: #57606a }
  .peer { fill: #8c959f } .ours { fill: #0969da } .line { stroke: #d0d7de } .one { stroke: #57606a; stroke-dasharray: 3 3 }
  .goal { stroke: #cf222e; stroke-width: 2.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9aa4ae } .peer { fill: #6e7681 } .ours { fill: #4493f8 }
    .line { stroke: #3d444d } .one { stroke: #9aa4ae } .goal { stroke: #ff7b72 }
  }
"""
LEFT, WIDTH, RIGHT = 170, 520, 90
ROW, BAR, GAP, TOP = 16, 11, 30, 66


def steps(most):
    """A round distance between grid lines, for about six of them."""
    for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500):
        if most / step <= 7:
            return step
    return most


def chart(title, note, groups):
    """groups: (name, [(label, ratio, goal or None, ours: bool)]). Returns the text of an SVG file."""
    most = max([1.0] + [v for _, bars in groups for bar in bars for v in (bar[1], bar[2] or 0)]) * 1.02
    height = TOP + sum(GAP + ROW * len(bars) for _, bars in groups) + 10

    def x(value):
        return LEFT + WIDTH * value / most

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}" '
             f'width="{LEFT + WIDTH + RIGHT}" height="{height}" role="img">',
             f"<title>{html.escape(title)}</title><style>{STYLE}</style>",
             f'<text class="title" x="10" y="22">{html.escape(title)}</text>',
             f'<text class="small" x="10" y="40">{html.escape(note)}</text>']
    step, value = steps(most), 0.0
    while value <= most:
        at = f"{x(value):.1f}"
        parts.append(f'<line class="line" x1="{at}" x2="{at}" y1="{TOP}" y2="{height - 6}"/>'
                     f'<text class="small" x="{at}" y="{TOP - 5}" text-anchor="middle">{value:g}</text>')
        value = round(value + step, 6)
    parts.append(f'<line class="one" x1="{x(1):.1f}" x2="{x(1):.1f}" y1="{TOP}" y2="{height - 6}"/>')
    y = TOP
    for name, bars in groups:
        y += GAP
        parts.append(f'<text class="group" x="10" y="{y - 8}">{html.escape(name)}</text>')
        for label, ratio, goal, ours in bars:
            middle = y + BAR - 2
            end = x(ratio)
            parts.append(f'<text class="small" x="{LEFT - 8}" y="{middle}" text-anchor="end">{html.escape(label)}</text>'
                         f'<rect class="{"ours" if ours else "peer"}" x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" '
                         f'height="{BAR}" rx="2"/>')
            if goal:
                parts.append(f'<line class="goal" x1="{x(goal):.1f}" x2="{x(goal):.1f}" y1="{y - 2}" y2="{y + BAR + 2}"/>')
            parts.append(f'<text class="small" x="{end + 6:.1f}" y="{middle}">{ratio:.2f}</text>')
            y += ROW
    return "\n".join([*parts, "</svg>", ""])
