"""Draws horizontal bars as SVG, nothing else: no library, no script, readable on white and on black."""
from xml.sax.saxutils import escape

WIDTH, LABELS, BAR, GAP, TOP = 860, 330, 22, 10, 46
OURS, OTHERS, LINE = "#1f6feb", "#8b949e", "#57606a"
FONT = "font-family='-apple-system,Segoe UI,Helvetica,Arial,sans-serif'"


def bars(title, unit, values):
    """`values`: [(label, value, least, most, ours)]; the whiskers go from least to most."""
    longest = max((most for _, _, _, most, _ in values), default=1) or 1
    scale = (WIDTH - LABELS - 110) / longest
    height = TOP + len(values) * (BAR + GAP) + 6
    parts = [f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' viewBox='0 0 {WIDTH} {height}' role='img'>",
             f"<title>{escape(title)}</title><rect width='100%' height='100%' fill='#ffffff'/>",
             f"<text x='12' y='26' {FONT} font-size='15' font-weight='600' fill='#24292f'>{escape(title)}"
             f"<tspan fill='{LINE}' font-weight='400'>  {escape(unit)}</tspan></text>"]
    for number, (label, value, least, most, ours) in enumerate(values):
        y = TOP + number * (BAR + GAP)
        middle = y + BAR / 2
        parts += [f"<text x='{LABELS - 10}' y='{middle + 4.5}' text-anchor='end' {FONT} font-size='13' fill='#24292f'>{escape(label)}</text>",
                  f"<rect x='{LABELS}' y='{y}' width='{max(1, value * scale):.1f}' height='{BAR}' rx='3' fill='{OURS if ours else OTHERS}'/>",
                  f"<line x1='{LABELS + least * scale:.1f}' x2='{LABELS + most * scale:.1f}' y1='{middle}' y2='{middle}' stroke='#24292f'/>",
                  f"<text x='{LABELS + most * scale + 8:.1f}' y='{middle + 4.5}' {FONT} font-size='13' fill='#24292f'>{value:.3g}</text>"]
    return "\n".join([*parts, "</svg>"]) + "\n"
